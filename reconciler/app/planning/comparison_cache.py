"""What a comparison found the last time, kept under all that it depended on: the files, the catalogs, the
settings and the program."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

KEPT = 64
"""Entries kept; the oldest goes first."""
_ABANDONED_SECONDS: Final = 3600.0
"""A part of a value that has not been written on for so long never will be."""


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


def has_some(start: str) -> bool:
    """Whether there is a value whose name starts so."""
    return any(folder().glob(f"{start}*.pickle"))


def write(name: str, value: Any) -> None:
    """Keep a value. A cache that cannot be written is no error."""
    _keep(name, pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL))


def _keep(name: str, *contents: bytes) -> None:
    from reconciler.engine.yaml.atomic_file import put

    with suppress(OSError):
        path = folder() / f"{name}.pickle"
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        put(path, *contents)
        _tidy(path.parent)


def _tidy(folder: Path) -> None:
    """The oldest values go, and parts whose process was killed."""
    changed = {file: file.stat().st_mtime for file in folder.iterdir()}
    values = sorted((file for file in changed if file.suffix == ".pickle"), key=changed.__getitem__)
    parts = (file for file in changed if file.suffix != ".pickle")
    newest = max(changed.values(), default=0.0)
    for stale in (*values[:-KEPT], *(part for part in parts if changed[part] < newest - _ABANDONED_SECONDS)):
        stale.unlink(missing_ok=True)


class Shelf:
    """A value with many parts of which few are read: a head, and blobs by key."""

    def __init__(self, head: Any, places: Mapping[Any, tuple[int, int]], blobs: memoryview) -> None:
        self.head = head
        self._places = places
        self._blobs = blobs

    @property
    def keys(self) -> Iterable[Any]:
        """What `part` knows."""
        return self._places.keys()

    def part(self, key: Any) -> Any:
        """One part; None for a key that is not there."""
        if (place := self._places.get(key)) is None:
            return None
        start, length = place
        return pickle.loads(self._blobs[start : start + length])


def read_shelf(name: str) -> Shelf | None:
    """A shelf that `write_shelf` kept; None where there is none or it is not surely ours."""
    path = folder() / f"{name}.pickle"
    try:
        if path.stat().st_uid != os.getuid():
            return None
        stream = io.BytesIO(path.read_bytes())
        head, places = pickle.load(stream)
        blobs = stream.getbuffer()[stream.tell() :]
        is_whole = len(blobs) == sum(length for _, length in places.values())
        return Shelf(head, places, blobs) if is_whole else None
    except Exception:
        return None


def write_shelf(name: str, head: Any, parts: Mapping[Any, bytes]) -> None:
    """Keep a head and its parts, which are pickles. A cache that cannot be written is no error."""
    places: dict[Any, tuple[int, int]] = {}
    start = 0
    for key, blob in parts.items():
        places[key] = (start, len(blob))
        start += len(blob)
    _keep(name, pickle.dumps((head, places), protocol=pickle.HIGHEST_PROTOCOL), *parts.values())


def key(*parts: str) -> str:
    """A file name for what depends on these parts and on this program."""
    return hashlib.sha256("\0".join((*parts, program())).encode()).hexdigest()[:32]


def digests_of(path: Path) -> dict[str, str]:
    """A digest of the contents of a file, or of every file below a folder, links followed."""
    if not path.is_dir():
        return {str(path): _digest(str(path))} if path.is_file() else {}
    return {file: _digest(file) for file in sorted(_below(str(path), frozenset()))}


def _below(folder: str, above: frozenset[str]) -> Iterator[str]:
    """The files below; a folder that is linked from below itself is not read again."""
    real = os.path.realpath(folder)
    if real in above:
        return
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _below(entry.path, above | {real})
            elif entry.is_file():
                yield entry.path


def _digest(file: str) -> str:
    try:
        with open(file, "rb", buffering=0) as stream:
            return hashlib.sha256(stream.read()).hexdigest()
    except OSError:
        return "unread"  # who reads it next says why


@cache
def program() -> str:
    """What tells this program's code from another's: names, sizes and times of its files."""
    root = Path(__file__).parents[2]
    parts = ("core", "kinds", "engine", "app")
    files = sorted(file for part in parts for file in _below(f"{root}/{part}", frozenset()))
    stats = [(file, os.stat(file)) for file in files if file.endswith(".py")]
    return repr([(file, stat.st_size, stat.st_mtime_ns) for file, stat in stats])
