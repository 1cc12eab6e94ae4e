"""A running PostgreSQL server: temporary and tied to this process, or long-lived and found again by
others."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

from reconciler.core.errors import EmbeddedUnavailable
from reconciler.embedded import cluster
from reconciler.embedded.installations import Installation, choose
from reconciler.embedded.launch import READY_TIMEOUT_S, Life, Wish, launch

_STOP_TIMEOUT_S = 60.0
_FAST_S = 15.0
"""Of these, so long with a fast shutdown; then an immediate one."""
_POLL_S = 0.02


class Server:
    """A server that accepts connections. As a context manager it is let go at the end: one that was
    started for this process stops, one that is shared stays for the others."""

    def __init__(
        self, data_dir: Path, keeper: subprocess.Popen[bytes] | None = None, use_lock: int | None = None
    ) -> None:
        found = cluster.running(data_dir)
        major = cluster.major_of(data_dir)
        if found is None or major is None:
            raise EmbeddedUnavailable(f"the server of {data_dir} does not answer")
        self.data_dir = data_dir
        self.major = major
        self._found = found
        self._keeper = keeper
        self._use_lock = use_lock

    @classmethod
    def start(
        cls,
        installation: Installation,
        data_dir: Path | None = None,
        durable: bool = False,
        port: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> Server:
        """A server for this process only: it stops with it, however the process ends.

        `data_dir`: None for a temporary one, removed at the end. `durable`: whether data must survive
        a crash of the machine. `port`: also listen on 127.0.0.1 (0: a free port); None for the unix
        socket only. `settings` are server parameters over ours. Raises EmbeddedUnavailable with what
        the server said.
        """
        wish = Wish(durable, port, settings or {})
        if data_dir is not None:
            folder = data_dir.absolute()
            with contextlib.ExitStack() as stack:
                lock = _server_lock(folder)
                if lock is None:
                    raise EmbeddedUnavailable(f"a server of {folder} runs already", hint="stop it first")
                stack.callback(os.close, lock)
                _ensure_same_major(folder, installation)
                return cls(folder, launch(installation, folder, wish, Life(tied=True, server_lock=lock)))
        folder = Path(tempfile.mkdtemp(prefix="reconcile-"))
        try:
            return cls(folder, launch(installation, folder, wish, Life(tied=True, temporary=True)))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    @classmethod
    def attach_or_start(
        cls,
        data_dir: Path,
        installation: Installation | None = None,
        durable: bool = False,
        port: int | None = None,
        idle_stop_s: float | None = None,
    ) -> Server:
        """The one server of `data_dir`: found if it runs, else started, also when several processes
        ask at once. It outlives this process: `stop_at(data_dir)` ends it, or `idle_stop_s` seconds
        in which no Server object stood for it. Without an installation the one that fits the data, or
        the best.

        Raises EmbeddedUnavailable, also when the data was made by another major than the installation's, and
        when a port is wanted and the running server listens on none.
        """
        folder = data_dir.absolute()
        folder.parent.mkdir(parents=True, exist_ok=True)
        use_lock = _in_use(folder)
        try:
            life = Life(tied=False, idle_stop_s=idle_stop_s, use_lock=_beside(folder, "use"))
            _start_unless_running(folder, installation, Wish(durable, port), life)
            server = cls(folder, use_lock=use_lock)
            if port is not None and not server._found.listens:
                raise EmbeddedUnavailable(
                    f"the running server of {folder} listens on no port", hint="stop it first"
                )
        except BaseException:
            os.close(use_lock)
            raise
        return server

    def url(self, database: str = "postgres") -> str:
        """A libpq URL for the superuser `postgres`. Where the server listens on TCP it holds a
        password: a secret."""
        path = quote(database, safe="")
        if self._found.listens:
            password = quote(cluster.password_of(self.data_dir), safe="")
            return f"postgresql://postgres:{password}@127.0.0.1:{self._found.port}/{path}"
        where = urlencode({"host": self._found.socket_dir, "port": self._found.port})
        return f"postgresql://postgres@/{path}?{where}"

    def stop(self) -> None:
        """Stop the server, whoever else uses it; nothing happens when it has stopped already."""
        if self._keeper is None:
            stop_at(self.data_dir)
        else:
            if self._keeper.stdin is not None:
                self._keeper.stdin.close()
            self._keeper.wait(_STOP_TIMEOUT_S)
        self._let_go()

    def close(self) -> None:
        """Stop the server if it belongs to this process, else let it go."""
        if self._keeper is not None:
            self.stop()
        self._let_go()

    def _let_go(self) -> None:
        if self._use_lock is not None:
            os.close(self._use_lock)
            self._use_lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def stop_at(data_dir: Path) -> bool:
    """Stop the long-lived server of `data_dir` and wait for its end; whether there was one.

    Raises EmbeddedUnavailable when it does not end.
    """
    folder = data_dir.absolute()
    if not _beside(folder, "lock").exists():
        return False
    started = time.monotonic()
    asked: int | None = None
    while (lock := _server_lock(folder)) is None:
        elapsed_s = time.monotonic() - started
        if elapsed_s > _STOP_TIMEOUT_S:
            raise EmbeddedUnavailable(f"the server of {folder} does not stop")
        wanted = signal.SIGINT if elapsed_s < _FAST_S else signal.SIGQUIT
        found = cluster.running(folder)
        if found is not None and asked != wanted:
            with contextlib.suppress(ProcessLookupError):
                os.kill(found.pid, wanted)
            asked = wanted
        time.sleep(_POLL_S)
    os.close(lock)
    return asked is not None


def _start_unless_running(folder: Path, installation: Installation | None, wish: Wish, life: Life) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while True:
        if cluster.running(folder) is not None:
            return _ensure_same_major(folder, installation)
        # The lock is held by whoever starts the server, then by all of its processes.
        lock = _server_lock(folder)
        if lock is not None:
            break
        if time.monotonic() > deadline:
            raise EmbeddedUnavailable(f"the server of {folder} was not ready within {READY_TIMEOUT_S:g} s")
        time.sleep(_POLL_S)
    try:
        _ensure_same_major(folder, installation)
        fitting = installation or choose(cluster.major_of(folder)).installation
        _ensure_same_major(folder, fitting)
        launch(fitting, folder, wish, Life(life.tied, False, life.idle_stop_s, life.use_lock, lock))
    finally:
        os.close(lock)


def _ensure_same_major(folder: Path, installation: Installation | None) -> None:
    made_by = cluster.major_of(folder)
    if installation is not None and made_by not in (None, installation.major):
        raise EmbeddedUnavailable(
            f"{folder} was made by PostgreSQL {made_by}, and PostgreSQL {installation.major} cannot use it",
            hint=f"use PostgreSQL {made_by}, or move the folder away (its data with it)",
        )


def _beside(folder: Path, suffix: str) -> Path:
    return folder.with_name(f"{folder.name}.{suffix}")


def _server_lock(folder: Path) -> int | None:
    """The lock that a living server of this data directory holds; None when one does."""
    lock = os.open(_beside(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _in_use(folder: Path) -> int:
    """Say that the server is used, until the descriptor is closed; waits while it is about to stop."""
    lock = os.open(_beside(folder, "use"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_SH)
    os.utime(lock)
    return lock
