"""The desired catalog with the servers and the cache that serve it."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.app.discovery import registry
from reconciler.app.servers import no_scratch_server, scratch_on, scratch_servers
from reconciler.core.catalog import Catalog
from reconciler.core.errors import InvalidInput, ServerError
from reconciler.engine.desired import Desired, Remember, Workshop, desired_catalog, without_server
from reconciler.engine.load import Written

if TYPE_CHECKING:
    from psycopg import Connection

KEPT = 24
"""Built states kept in the cache; the oldest goes first."""


def desired(
    written: Written, live: Catalog, target: Connection[Any], urls: tuple[str, str | None], owner: str
) -> Desired:
    """The declared state in the words of the target's catalog. `urls` are the target's and --scratch-url.

    Raises InvalidInput where PostgreSQL refuses what is declared, ServerError where no scratch server is.
    """
    kinds = registry()
    if (plain := without_server(written, live, kinds, owner)) is not None:
        return plain
    refused: InvalidInput | ServerError = no_scratch_server()
    for server in scratch_servers(*urls, target, written.objects):
        remember = _cached_under(f"{written.digest} {server.name} {target.info.server_version // 10000}")
        try:
            scratch = scratch_on(server, target, written.objects)
            return desired_catalog(written, live, Workshop(kinds, scratch, owner, remember))
        except (InvalidInput, ServerError) as error:
            # An embedded build may lack what the target's own has (ICU, an extension): the target decides.
            refused = error
    raise refused


def _cached_under(digest: str) -> Remember:
    """A memory for what was built from just these sources by just this program."""
    key = hashlib.sha256(f"{digest} {_program()}".encode()).hexdigest()[:40]

    def remember(name: str, make: Callable[[], Any]) -> Any:
        path = _folder() / f"{key}-{name}.pickle"
        found = _read(path)
        if found is None:
            found = make()
            _write(path, found)
        return found

    return remember


def _read(path: Path) -> Any:
    """A cached value; None where there is none or it is not surely ours (pickle runs code)."""
    try:
        if path.stat().st_uid != os.getuid():
            return None
        return pickle.loads(path.read_bytes())
    except Exception:
        return None


def _write(path: Path, value: Any) -> None:
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_suffix(f".{os.getpid()}")
        part.write_bytes(pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL))
        part.replace(path)
        stale = sorted(path.parent.glob("*.pickle"), key=lambda file: file.stat().st_mtime)[:-KEPT]
        for file in stale:
            file.unlink()


def _folder() -> Path:
    from reconciler.embedded.cluster import cache_dir

    return cache_dir() / "elaborated"


@cache
def _program() -> str:
    """What tells this program's code from another's: names, sizes and times of its files."""
    root = Path(__file__).parent.parent
    stats = [
        (file, file.stat()) for part in ("core", "kinds", "engine") for file in (root / part).rglob("*.py")
    ]
    return repr(sorted((str(file), stat.st_size, stat.st_mtime_ns) for file, stat in stats))
