"""Files: written whole or not at all, and merged into what a person has written there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.app.kind_discovery import registry
from reconciler.core.dataclass import dataclass
from reconciler.engine.yaml.atomic_file import put

if TYPE_CHECKING:
    from reconciler.engine.yaml.merge import Same

_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a folder of files; paths are relative to it."""

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    """Files written by us and untouched since, whose every object is gone from the database."""

    @property
    def summary(self) -> str:
        """How many files of each sort there are: `2 new, 1 changed`."""
        counts = {name: len(names) for name, names in self.as_data().items()}
        return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "none"

    def as_data(self) -> dict[str, list[str]]:
        """The same for machines."""
        return {
            "new": list(self.new),
            "changed": list(self.changed),
            "unchanged": list(self.unchanged),
            "removed": list(self.removed),
        }


def write_text(path: Path, text: str) -> bool:
    """Make the file say `text`: whole or, after a crash, as before. False where it says so already.

    Folders are made where they are missing. A link stays a link, and what is no regular file (/dev/stdout) is
    written as it is. Raises OSError.
    """
    real = path.resolve()
    if real.exists() and not real.is_file():
        real.write_text(text, encoding="utf-8")
        return True
    encoded = text.encode()
    if real.is_file() and real.read_bytes() == encoded:
        return False
    real.parent.mkdir(parents=True, exist_ok=True)
    mode = real.stat().st_mode & 0o777 if real.exists() else 0o666 & ~_umask()
    put(real, encoded, mode=mode)
    return True


def _umask() -> int:
    # There is no way to read it but to set it.
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_schema(
    files: Mapping[str, Mapping[str, Any]], folder: Path, same_in: Callable[[str], Same] | None = None
) -> Written:
    """Make the folder's schema files say `files` (content by relative path) and nothing else.

    In a file that exists, what did not change keeps its lines: `same_in` gives the test for a file; else
    equal data is.
    """
    from reconciler.engine.yaml.merge import merge_into_existing
    from reconciler.engine.yaml.writer import dump

    folder.mkdir(parents=True, exist_ok=True)
    keys = section_keys()
    new: list[str] = []
    changed: list[str] = []
    unchanged: list[str] = []
    for name, data in files.items():
        path = folder / name
        if path.exists():
            before = path.read_bytes().decode("utf-8")
            text = merge_into_existing(before, data, block_keys=keys, same=same_in and same_in(name))
            (changed if write_text(path, text) else unchanged).append(name)
        else:
            write_text(path, dump(data, block_keys=keys))
            new.append(name)
    others = [name for name in schema_files(folder) if name not in files]
    cleared = tuple(_cleared(folder, others, keys))
    removed = tuple(name for name, is_gone in cleared if is_gone)
    changed += [name for name, is_gone in cleared if not is_gone]
    return Written(tuple(new), tuple(changed), tuple(unchanged), removed)


def section_keys() -> frozenset[str]:
    """The keys of all sections: their mappings are written one entry a line."""
    keys = {kind.section for kind in registry() if not kind.singleton}
    return frozenset(keys | {kind.nested_section for kind in registry() if kind.nested_section})


def schema_files(folder: Path) -> tuple[str, ...]:
    """The YAML files below a folder, as relative paths in order; hidden ones are not looked at."""
    found = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        is_hidden = any(part[0] == "." for part in name.parts)
        if path.suffix.lower() in _SUFFIXES and path.is_file() and not is_hidden:
            found.append(name.as_posix())
    return tuple(sorted(found))


def _cleared(folder: Path, names: Iterable[str], keys: frozenset[str]) -> Iterator[tuple[str, bool]]:
    """Take out of these files what they declare: the names of those that did, and whether the file is gone.

    A file goes only where it is just as it was written by us; comments that a person wrote there are kept. A
    file of anything else than schema is left alone.
    """
    from reconciler.engine.declaration.written import HOME
    from reconciler.engine.yaml.merge import merge_into_existing
    from reconciler.engine.yaml.reader import read
    from reconciler.engine.yaml.writer import dump

    sections = {HOME, *registry().top}
    for name in names:
        path = folder / name
        text = path.read_bytes().decode("utf-8", errors="replace")
        root = read(text, name).root
        data = root.data if root is not None else None
        if not isinstance(data, dict) or not set(data) <= sections or set(data) <= {HOME}:
            continue
        is_ours = text == dump(data, block_keys=keys)
        if is_ours:
            path.unlink()
            _remove_empty(folder, Path(name).parent)
        else:
            write_text(path, merge_into_existing(text, {key: data[key] for key in (HOME,) if key in data}))
        yield name, is_ours


def _remove_empty(folder: Path, inner: Path) -> None:
    for parent in (inner, *inner.parents):
        if parent != Path() and not any((folder / parent).iterdir()):
            (folder / parent).rmdir()
