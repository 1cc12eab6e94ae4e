"""What the last comparison settled, so that the next one, after a small edit, need not read it again.

While the catalogs stay as they are, what a file declares stays in sync for as long as the file does. Only
changed files are read, and of the live catalog what they can touch. Whatever this cannot be sure of is left
to a full comparison.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import ObjectId
from reconciler.engine.catalog.text_names import meant, said
from reconciler.engine.declaration.written import Written
from reconciler.engine.elaborate.partial_build import texts_of
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
    """Which files must be read."""

    files: tuple[str, ...]
    declared: frozenset[ObjectId]
    """The roots that they declare, as written."""
    edited: frozenset[ObjectId]
    """The same, as the catalog calls them."""


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
            for above in entry.ancestors:
                yield from (entry.id, above)


def _reversed(needs: Roots) -> Roots:
    found: dict[ObjectId, list[ObjectId]] = {}
    for root, others in needs.items():
        for other in others:
            found.setdefault(other, []).append(root)
    return {root: tuple(sorted(others)) for root, others in found.items()}


def to_read(settled: Settled, contents: Mapping[str, str], registry: Registry) -> Reading | None:
    """What has changed since; None where only a full comparison is sure what it means."""
    changed = settled.open | {
        file for file, digest in contents.items() if settled.contents.get(file) != digest
    }
    if contents.keys() != settled.contents.keys() or not changed <= settled.declares.keys():
        return None
    declared = frozenset(id for file in changed for id in settled.declares[file])
    edited = frozenset(settled.names.get(id, id) for id in declared)
    if len(changed) > MOST_FILES or not all(
        registry.of(root).is_local and root not in settled.relatives for root in edited
    ):
        return None
    return Reading(tuple(sorted(changed)), declared, edited)


class Kept(Protocol):
    """The live catalog, kept by root."""

    @property
    def keys(self) -> Iterable[ObjectId]:
        """The roots."""

    def part(self, key: ObjectId) -> Iterable[Entry] | None:
        """A root with all that hangs on it; None where it is not there."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The part of the live catalog that files which have changed can mean or touch."""

    live: Catalog
    """What stands beside the whole roots is cut off from what it stands on itself."""
    whole: frozenset[ObjectId]
    """The roots that are there with all that they may mean themselves."""


def surroundings(
    reading: Reading, written: Written, settled: Settled, kept: Kept, registry: Registry
) -> Surroundings:
    """What lies around what was read: the roots that it needs, and what an expression may mean there; roots
    that hang on the read ones; and all that is not of one table alone."""
    whole = _whole(reading, written, settled, kept, registry)
    own = {entry.id: entry for entries in whole.values() for entry in entries}
    beside = {root for root in kept.keys if not (registry.of(root).is_local or registry.of(root).is_ambient)}
    beside.update(needed for root in whole for needed in settled.needs.get(root, ()))
    beside.update(dependent for root in reading.edited for dependent in settled.dependents.get(root, ()))
    others = {entry.id: entry for root in sorted(beside - whole.keys()) for entry in kept.part(root) or ()}
    known = own.keys() | others.keys()
    cut = {id: dataclasses.replace(entry, needs=entry.needs & known) for id, entry in others.items()}
    return Surroundings(Catalog(own | cut, settled.unknown), frozenset(whole))


def _whole(
    reading: Reading, written: Written, settled: Settled, kept: Kept, registry: Registry
) -> dict[ObjectId, Iterable[Entry]]:
    """The roots that were read or that those need, with what their texts may mean and what that needs."""
    ambient = {root for root in kept.keys if registry.of(root).is_ambient}
    found: dict[ObjectId, Iterable[Entry]] = {}
    waiting = set(reading.edited)
    waiting.update(needed for root in reading.edited for needed in settled.needs.get(root, ()))
    waiting.update(needed for item in written.objects.values() for needed in item.declared.needs)
    waiting.intersection_update(kept.keys)
    text = texts_of(written.objects, written)
    while waiting:
        new = {root: kept.part(root) or () for root in waiting}
        found |= new
        text += said(repr(entry) for entries in new.values() for entry in entries)
        waiting = meant(text, ambient - found.keys(), registry)
        waiting.update(needed for root in new.keys() & ambient for needed in settled.needs.get(root, ()))
        waiting = (waiting & ambient) - found.keys()
    return found
