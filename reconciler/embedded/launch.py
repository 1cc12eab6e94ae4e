"""Start a server: build its command line, run the keeper, and read the keeper's answer."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, field
from pathlib import Path

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import EmbeddedUnavailable
from reconciler.embedded import account, cluster
from reconciler.embedded.installations import Installation

READY_TIMEOUT_S = 120.0
"""Long enough for recovery after a crash."""

_ALWAYS = {
    # A plan can create a thousand tables in one transaction, for which 64 locks per connection are too few.
    "max_locks_per_transaction": "1024",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The log must not contain values of rows.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
_NOT_DURABLE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """The wanted properties of a server."""

    durable: bool = False
    port: int | None = None
    """The port on 127.0.0.1: 0 for a free port, None for the unix socket only."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Server parameters that override the defaults of this module."""


@dataclass(frozen=True, slots=True)
class Life:
    """When a server ends."""

    tied: bool
    """Whether it stops when the process that started it ends."""
    temporary: bool = False
    """Whether its data directory is removed when it stops."""
    idle_stop_s: float | None = None
    use_lock: Path | None = None
    """Each user of the server holds this lock, shared. Required with `idle_stop_s`."""
    server_lock: int | None = None
    """A descriptor of the lock that all processes of the server hold while they run."""


@dataclass(frozen=True, slots=True)
class Order:
    """The keeper's input, which is passed as JSON."""

    argv: list[str]
    way: str
    data_dir: str
    socket_dir: str
    log: str
    tied: bool
    stop_signal: int
    """The signal to the postmaster: SIGINT is a fast shutdown, SIGQUIT an immediate one (manual, 18.5)."""
    remove: list[str]
    idle_s: float | None
    use_lock: str | None
    ready_timeout_s: float = READY_TIMEOUT_S


def launch(installation: Installation, data_dir: Path, wish: Wish, life: Life) -> subprocess.Popen[bytes]:
    """Start a server on `data_dir` and return its keeper when the server is ready.

    If `data_dir` contains no cluster, one is created. Raises EmbeddedUnavailable with the message of initdb
    or the server.
    """
    way = account.way()
    installation = account.brought_within_reach(installation, way, cluster.cache_dir())
    if cluster.major_of(data_dir) is None:
        cluster.new_cluster(installation, way, data_dir)
    cluster.forget_dead_server(data_dir)
    socket_dir = cluster.socket_dir_for(data_dir)
    own_socket_dir = [] if socket_dir == data_dir else [str(socket_dir)]
    order = Order(
        argv=_command(installation, data_dir, socket_dir, wish),
        way=way,
        data_dir=str(data_dir),
        socket_dir=str(socket_dir),
        log=str(data_dir / "reconcile.log"),
        tied=life.tied,
        stop_signal=signal.SIGQUIT if life.temporary else signal.SIGINT,
        remove=own_socket_dir + ([str(data_dir)] if life.temporary else []),
        idle_s=life.idle_stop_s,
        use_lock=str(life.use_lock) if life.use_lock else None,
    )
    return _kept(order, installation, life.server_lock)


def _command(installation: Installation, data_dir: Path, socket_dir: Path, wish: Wish) -> list[str]:
    parameters = _ALWAYS | ({} if wish.durable else _NOT_DURABLE) | dict(wish.settings)
    parameters["listen_addresses"] = "" if wish.port is None else "127.0.0.1"
    parameters["unix_socket_directories"] = str(socket_dir)
    port = str(5432 if wish.port is None else wish.port or _free_port())
    options = [part for name, value in parameters.items() for part in ("-c", f"{name}={value}")]
    return [str(installation.bin_dir / "postgres"), "-D", str(data_dir), "-p", port, *options]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _kept(order: Order, installation: Installation, server_lock: int | None) -> subprocess.Popen[bytes]:
    keeper = subprocess.Popen(
        [*account.KEEPER, "keep", json.dumps(asdict(order))],
        env=installation.environment(),
        stdin=subprocess.PIPE if order.tied else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=() if server_lock is None else (server_lock,),
        start_new_session=True,  # Ctrl-C must reach only the command, which then stops the server cleanly
        cwd=order.data_dir,
    )
    assert keeper.stdout is not None
    with keeper.stdout as answers:
        ready, _, _ = select.select([answers], [], [], READY_TIMEOUT_S + 10)
        answer = os.read(answers.fileno(), 4096).decode(errors="replace") if ready else ""
    if answer.startswith("ready"):
        if not order.tied:
            keeper.wait()
        return keeper
    if keeper.stdin is not None:
        keeper.stdin.close()
    keeper.wait()
    said = answer.removeprefix("failed").replace("\x1f", "\n").strip() or "it did not answer"
    raise EmbeddedUnavailable(
        f"PostgreSQL {installation.version} ({installation.source}) did not start: {said}"
    )
