"""Data directories: initdb creates one for each installation, and each new server gets a copy of it."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tempfile
from pathlib import Path

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import EmbeddedUnavailable
from reconciler.embedded import account
from reconciler.embedded.installations import Installation

INITDB_FLAGS = (
    "--username=postgres",
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync",
    "--wal-segsize=1",  # MB; a fresh cluster takes 27 MB instead of 39
    "--auth-local=trust",  # only our user can access the socket's folder
    "--auth-host=scram-sha-256",
)
PASSWORD_FILE = "reconcile.password"
"""The file in the data directory that contains the superuser's password, which TCP connections require."""

SOCKET_PATH_LIMIT = 100
"""Maximum in bytes: sockaddr_un allows 107 on Linux and 103 on macOS, including the terminating zero."""


@dataclass(frozen=True, slots=True)
class Running:
    """The contents of postmaster.pid for a server that accepts connections."""

    pid: int
    socket_dir: str
    port: int
    listens: bool
    """Whether it also listens on TCP."""


def cache_dir() -> Path:
    """Return the folder of the cached clusters and the shared server.

    It is RECONCILE_CACHE_DIR if that is set; for root /var/cache/reconcile, which the server's user can
    access; else the XDG cache. If the default is not writable, it is a private folder in the temporary
    folder. Raises EmbeddedUnavailable if none of them is usable.
    """
    explicit = os.environ.get("RECONCILE_CACHE_DIR")
    if explicit:
        wanted = Path(explicit).absolute()
    elif os.geteuid() == 0:
        wanted = Path("/var/cache/reconcile")
    else:
        wanted = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser(), "reconcile")
    fallback = Path(tempfile.gettempdir(), f"reconcile-{os.geteuid()}")
    for folder in (wanted,) if explicit else (wanted, fallback):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if folder.stat().st_uid == os.geteuid() and os.access(folder, os.W_OK | os.X_OK):
                return folder
        except OSError:
            continue
    raise EmbeddedUnavailable(
        f"the cache folder {wanted} cannot be used: it must be yours, and writable",
        hint="name another in RECONCILE_CACHE_DIR",
    )


def new_cluster(installation: Installation, way: str, data_dir: Path) -> None:
    """Create a cluster in `data_dir`, as a copy of the cached one. The folder must be empty or not exist.

    Raises EmbeddedUnavailable if initdb fails.
    """
    template = _template(installation, way)
    partial = data_dir.with_name(f"{data_dir.name}.{os.getpid()}.new")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(template, partial, symlinks=True)
    partial.chmod(0o700)
    if data_dir.exists():
        data_dir.rmdir()
    partial.rename(data_dir)


def _template(installation: Installation, way: str) -> Path:
    """Return the cached cluster of this installation, and create it if it does not exist. If several
    processes create it at once, the one that renames first wins."""
    identity = "\0".join((installation.version, str(installation.bin_dir), *INITDB_FLAGS))
    name = f"{installation.version}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"
    template = cache_dir() / "clusters" / name
    if (template / "PG_VERSION").exists():
        return template
    template.parent.mkdir(parents=True, exist_ok=True)
    workshop = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=template.parent))
    try:
        made = _initdb(installation, way, workshop)
        made.rename(template)
    except OSError:
        if not (template / "PG_VERSION").exists():
            raise
    finally:
        shutil.rmtree(workshop, ignore_errors=True)
    return template


def _initdb(installation: Installation, way: str, workshop: Path) -> Path:
    password = workshop / PASSWORD_FILE
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(24), encoding="ascii")
    data = workshop / "data"
    data.mkdir(mode=0o700)
    account.give(workshop, way)
    command = [f"{installation.bin_dir}/initdb", *INITDB_FLAGS, f"--pwfile={password}", f"--pgdata={data}"]
    said = account.run(way, command, installation.environment())
    if said is not None:
        raise EmbeddedUnavailable(f"initdb of PostgreSQL {installation.version} failed: {said}")
    account.take_back(workshop, way)
    password.rename(data / PASSWORD_FILE)
    return data


def password_of(data_dir: Path) -> str:
    """Return the superuser's password of a cluster that `new_cluster` created."""
    return (data_dir / PASSWORD_FILE).read_text(encoding="ascii").strip()


def running(data_dir: Path) -> Running | None:
    """Return the server of this data directory if it accepts connections, else None.

    This takes less than a millisecond. The layout of postmaster.pid is in PostgreSQL's miscadmin.h
    (LOCK_FILE_LINE_…).
    """
    try:
        lines = (data_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    if len(lines) < 8 or lines[7].strip() != "ready":
        return None
    found = Running(int(lines[0]), lines[4], int(lines[3]), bool(lines[5].strip()))
    return found if _answers(f"{found.socket_dir}/.s.PGSQL.{found.port}") else None


def _answers(path: str) -> bool:
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(path)
        except OSError:
            return False
    return True


def forget_dead_server(data_dir: Path) -> None:
    """Remove a postmaster.pid whose process is not PostgreSQL.

    After a crash another process can have this number (in a container it is often the same program each
    time), and PostgreSQL would refuse to start. The caller must hold the lock that each running server of
    this data directory holds.
    """
    pid_file = data_dir / "postmaster.pid"
    try:
        pid = int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return  # no such process, which PostgreSQL detects itself
    if name != "postgres":
        pid_file.unlink(missing_ok=True)


def major_of(data_dir: Path) -> int | None:
    """Return the major version that created this data directory; None if it contains no cluster."""
    try:
        return int((data_dir / "PG_VERSION").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def socket_dir_for(data_dir: Path) -> Path:
    """Return a folder for the unix socket whose path is short enough: the data directory, or a new folder."""
    if len(os.fsencode(data_dir)) + len("/.s.PGSQL.65535.lock") <= SOCKET_PATH_LIMIT:
        return data_dir
    parent = tempfile.gettempdir()
    return Path(tempfile.mkdtemp(prefix="reconcile-", dir=parent if len(parent) < 50 else "/tmp"))
