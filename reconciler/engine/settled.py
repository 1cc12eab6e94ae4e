"""What the last comparison settled, so that the next one, after a small edit, need not read it again.

While the catalogs stay as they are, what a file declares stays in sync for as long as the file does. Only
changed files are read, and of the live catalog what they can touch. Whatever this cannot be sure of is left
to a full comparison.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.engine.load import Written
from reconciler.engine.registry import Registry

Roots = Mapping[ObjectId, tuple[ObjectId, ...]]
"""For a root, other roots. A root is an entry with all that hangs on it: a table with its columns."""

MOST_FILES = 20
"""More changed files than this, and a full comparison is not much slower."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What a comparison found out about the files and how the live catalog hangs together."""

    contents: Mapping[str, str]
    """A digest of the bytes of every file below the schema folder."""
    digests: Mapping[str, str]
    """`Written.files`."""
    declares: Mapping[str, tuple[ObjectId, ...]]
    """The roots that each file declares, as written."""
    names: Mapping[ObjectId, ObjectId]
    """What the catalog calls the written objects that it calls otherwise."""
    open: frozenset[str]
    """The files that are not in sync with the live catalog."""
    undeclared: frozenset[ObjectId]
    """The live entries that no file declares."""
    relatives: frozenset[ObjectId]
    """The roots that inherit from another, and those that they inherit from: none of them means anything
    alone."""
    needs: Roots
    dependents: Roots
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """Which files must be read, and which roots of the live catalog."""

    changed: frozenset[str]
    files: tuple[str, ...]
    """The changed ones, and what those may name."""
    declared: frozenset[ObjectId]
    """The roots that the files declare, as written."""
    whole: frozenset[ObjectId]
    """The same, as the catalog calls them."""
    beside: frozenset[ObjectId]
    """The roots that those stand on, or that stand on them."""


def settle(
    written: Written,
    contents: Mapping[str, str],
    live: Catalog,
    changed: frozenset[ObjectId],
    ids: Mapping[ObjectId, ObjectId],
) -> Settled | None:
    """What can be kept of a comparison whose plan changes those roots; None where that is too little.

    `contents` are digests of the bytes of all files, `ids` what each written id is called in the catalog.
    """
    declares: dict[str, list[ObjectId]] = {file: [] for file in written.files}
    file_of: dict[ObjectId, str] = {}
    for id, item in written.objects.items():
        if item.declared.parent is None:
            declares[item.position.file].append(id)
            file_of[ids[id]] = item.position.file
    if not (changed <= file_of.keys() and declares.keys() <= contents.keys()):
        return None
    needs = _between(live)
    return Settled(
        contents,
        written.files,
        {file: tuple(found) for file, found in declares.items()},
        {id: real for id, real in ids.items() if id != real},
        frozenset(file_of[root] for root in changed),
        frozenset(live.entries.keys() - set(ids.values())),
        frozenset(_relatives(live)),
        needs,
        _reversed(needs),
        live.unknown,
    )


def _between(live: Catalog) -> Roots:
    home = live.roots
    found: dict[ObjectId, set[ObjectId]] = {}
    for entry in live:
        own = home[entry.id]
        for needed in (*entry.needs, *((entry.carrier,) if entry.carrier else ())):
            if (other := home.get(needed, needed)) != own:
                found.setdefault(own, set()).add(other)
    return {root: tuple(sorted(others)) for root, others in found.items()}


def _relatives(live: Catalog) -> Iterator[ObjectId]:
    for entry in live:
        if entry.parent is None:
            for needed in entry.needs:
                if needed.kind == entry.id.kind:
                    yield from (entry.id, needed)


def _reversed(needs: Roots) -> Roots:
    found: dict[ObjectId, list[ObjectId]] = {}
    for root, others in needs.items():
        for other in others:
            found.setdefault(other, []).append(root)
    return {root: tuple(sorted(others)) for root, others in found.items()}


def to_read(settled: Settled, contents: Mapping[str, str], registry: Registry) -> Reading | None:
    """What the files that have changed since call for; None where only a full comparison is sure."""
    changed = settled.open | {
        file for file, digest in contents.items() if settled.contents.get(file) != digest
    }
    if contents.keys() != settled.contents.keys() or not changed <= settled.declares.keys():
        return None
    named = {file: [settled.names.get(id, id) for id in found] for file, found in settled.declares.items()}
    edited = [root for file in changed for root in named[file]]
    if len(changed) > MOST_FILES or not all(
        registry.of(root).is_local and root not in settled.relatives for root in edited
    ):
        return None
    file_of = {root: file for file, found in named.items() for root in found}
    files = set(changed)
    # An expression may name any of these, and they may name a table; a foreign key names its table.
    ambient = [root for root in file_of if registry.of(root).is_ambient]
    files.update(file_of[root] for root in ambient)
    files.update(
        file_of[needed]
        for root in (*edited, *ambient)
        for needed in settled.needs.get(root, ())
        if needed in file_of
    )
    declared = frozenset(id for file in files for id in settled.declares[file])
    whole = frozenset(root for file in files for root in named[file])
    beside = {needed for root in whole for needed in settled.needs.get(root, ())}
    beside.update(dependent for root in edited for dependent in settled.dependents.get(root, ()))
    return Reading(frozenset(changed), tuple(sorted(files)), declared, whole, frozenset(beside) - whole)


def narrowed(
    reading: Reading,
    settled: Settled,
    entries_of: Callable[[ObjectId], Iterable[Entry] | None],
    world: Iterable[ObjectId],
) -> Catalog:
    """The part of the live catalog that the reading calls for, and the roots of `world`. What stands beside
    what was read is cut off from what it stands on itself."""
    own = {entry.id: entry for root in reading.whole for entry in entries_of(root) or ()}
    beside = {*reading.beside, *world} - reading.whole
    others = {entry.id: entry for root in sorted(beside) for entry in entries_of(root) or ()}
    known = own.keys() | others.keys()
    cut = {id: dataclasses.replace(entry, needs=entry.needs & known) for id, entry in others.items()}
    return Catalog(own | cut, settled.unknown)
