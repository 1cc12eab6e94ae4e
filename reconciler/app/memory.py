"""What a comparison found the last time, kept under all that it depended on: the files, the catalogs, the
settings and the program. Only the answer that nothing is to do is kept: it is the one that is asked for
most."""

from __future__ import annotations

import hashlib
import os
import pickle
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

KEPT = 64
"""Entries kept; the oldest goes first."""


def folder() -> Path:
    """Where the cache lives: for this user alone."""
    from reconciler.embedded.cluster import cache_dir

    return cache_dir() / "elaborated"


def read(name: str) -> Any:
    """A cached value; None where there is none or it is not surely ours (pickle runs code)."""
    path = folder() / f"{name}.pickle"
    try:
        if path.stat().st_uid != os.getuid():
            return None
        return pickle.loads(path.read_bytes())
    except Exception:
        return None


def write(name: str, value: Any) -> None:
    """Keep a value. A cache that cannot be written is no error."""
    with suppress(OSError):
        path = folder() / f"{name}.pickle"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_suffix(f".{os.getpid()}")
        part.write_bytes(pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL))
        part.replace(path)
        for stale in sorted(path.parent.glob("*.pickle"), key=lambda file: file.stat().st_mtime)[:-KEPT]:
            stale.unlink()


def key(*parts: str) -> str:
    """A file name for what depends on these parts and on this program."""
    return hashlib.sha256("\0".join((*parts, program())).encode()).hexdigest()[:40]


def digest_of(path: Path) -> str:
    """A digest of a file, or of every file below a folder, names and contents."""
    found = hashlib.sha256()
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in files:
        if file.is_file():
            contents = file.read_bytes()
            found.update(f"{file}\0{len(contents)}\0".encode() + contents)
    return found.hexdigest()


@cache
def program() -> str:
    """What tells this program's code from another's: names, sizes and times of its files."""
    root = Path(__file__).parent.parent
    parts = ("core", "kinds", "engine", "app")
    stats = [(file, file.stat()) for part in parts for file in (root / part).rglob("*.py")]
    return repr(sorted((str(file), stat.st_size, stat.st_mtime_ns) for file, stat in stats))
