"""A running PostgreSQL server: tied to this process, or long-lived and shared with other processes."""

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
"""The part of _STOP_TIMEOUT_S for a fast shutdown; after it an immediate shutdown is requested."""
_POLL_S = 0.02


class Server:
    """A server that accepts connections. At the end of its context, a server that was started for this
    process stops; a shared server keeps running for other processes."""

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
        """Start a server for this process only. It stops when the process ends, for any reason.

        `data_dir`: None for a temporary one, which is removed at the end. `durable`: whether data must
        survive a crash of the machine. `port`: also listen on 127.0.0.1 (0 for a free port); None for the
        unix socket only. `settings`: server parameters that override the defaults. Raises
        EmbeddedUnavailable with the server's message.
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
        """Return the only server of `data_dir`, and start it if it is not running.

        Several processes can call this at once. The server outlives this process: it stops after
        `stop_at(data_dir)`, or after `idle_stop_s` seconds without a Server object. If no installation is
        given, one that matches the data is used, or the best one. Raises EmbeddedUnavailable if the server
        does not start, if another major version created the data, or if a port is wanted and the running
        server listens on none.
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
                    f"the running server of {folder} does not listen on a port", hint="stop it first"
                )
        except BaseException:
            os.close(use_lock)
            raise
        return server

    def url(self, database: str = "postgres") -> str:
        """Return a libpq URL for the superuser `postgres`. If the server listens on TCP, the URL contains a
        password and is secret."""
        path = quote(database, safe="")
        if self._found.listens:
            password = quote(cluster.password_of(self.data_dir), safe="")
            return f"postgresql://postgres:{password}@127.0.0.1:{self._found.port}/{path}"
        where = urlencode({"host": self._found.socket_dir, "port": self._found.port})
        return f"postgresql://postgres@/{path}?{where}"

    def stop(self) -> None:
        """Stop the server, even if other processes use it. Does nothing if it has already stopped."""
        if self._keeper is None:
            stop_at(self.data_dir)
        else:
            if self._keeper.stdin is not None:
                self._keeper.stdin.close()
            self._keeper.wait(_STOP_TIMEOUT_S)
        self._let_go()

    def close(self) -> None:
        """Stop the server if it belongs to this process, else only release it."""
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
    """Stop the long-lived server of `data_dir` and wait for its end. Return whether one was running.

    Raises EmbeddedUnavailable if it does not end.
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
        # The process that starts the server holds the lock, and later all processes of the server do.
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
            f"PostgreSQL {made_by} created {folder}, and PostgreSQL {installation.major} cannot use it",
            hint=f"use PostgreSQL {made_by}, or move the folder with its data away",
        )


def _beside(folder: Path, suffix: str) -> Path:
    return folder.with_name(f"{folder.name}.{suffix}")


def _server_lock(folder: Path) -> int | None:
    """Take the lock that a running server of this data directory holds. Return its descriptor, or None if a
    server holds it."""
    lock = os.open(_beside(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _in_use(folder: Path) -> int:
    """Mark the server as used until the returned descriptor is closed. Waits while the server is stopping."""
    lock = os.open(_beside(folder, "use"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_SH)
    os.utime(lock)
    return lock
