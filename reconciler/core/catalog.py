"""A schema as a value: entries that know their state, where they hang and what they stand on."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from functools import cache, cached_property
from typing import Any, Final

from reconciler.core.dataclass import dataclass
from reconciler.core.ident import ObjectId

State = Any
"""A frozen slotted dataclass that a kind defines; derived equality is the diff."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One object in one state."""

    id: ObjectId
    state: State
    parent: ObjectId | None = None
    """What it goes down with: the table of a column, the object of a comment."""
    needs: frozenset[ObjectId] = frozenset()
    """What must exist before it can (pg_depend, and what the kind adds)."""
    carrier: ObjectId | None = None
    """The entry one level up an inheritance or partition tree that brings this one along when it changes."""

    @property
    def ancestors(self) -> frozenset[ObjectId]:
        """What a table inherits from, or is a partition of."""
        kin = getattr(self.state, "kin", None) or {self.id.kind}
        return frozenset(id for id in self.needs | {self.parent} if id is not None and id.kind in kin)

    def digest(self) -> str:
        """A short digest of the compared state and the parent: 16 hexadecimal digits."""
        text = repr((_digested(self.state), str(self.parent) if self.parent else None))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Catalog:
    """A whole schema, keyed by id. Equal digests mean that no statement is needed between two catalogs."""

    entries: Mapping[ObjectId, Entry]
    unknown: tuple[str, ...] = ()
    """Objects in scope that no kind models, as pg_identify_object names them."""
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, id: object) -> bool:
        return id in self.entries

    def __getitem__(self, id: ObjectId) -> Entry:
        return self.entries[id]

    def get(self, id: ObjectId | None) -> Entry | None:
        """The entry of that id, or None."""
        return None if id is None else self.entries.get(id)

    @cached_property
    def children(self) -> Mapping[ObjectId, tuple[Entry, ...]]:
        """The entries under each parent, in the catalog's order."""
        found: dict[ObjectId, list[Entry]] = {}
        for entry in self:
            if entry.parent is not None:
                found.setdefault(entry.parent, []).append(entry)
        return {parent: tuple(entries) for parent, entries in found.items()}

    @cached_property
    def roots(self) -> Mapping[ObjectId, ObjectId]:
        """What each entry hangs on in the end; itself where it hangs on nothing."""
        found: dict[ObjectId, ObjectId] = {}
        for entry in self:
            if entry.parent is None:
                found[entry.id] = entry.id
            elif (known := found.get(entry.parent)) is not None:
                found[entry.id] = known
            else:
                line = [entry.id]
                above = self.get(entry.parent)
                while above is not None and above.id not in found:
                    line.append(above.id)
                    above = self.get(above.parent)
                top = found[above.id] if above is not None else line[-1]
                found.update((id, top) for id in line)
        return found

    @cached_property
    def carried(self) -> Mapping[ObjectId, tuple[Entry, ...]]:
        """The entries that each carrier brings along."""
        found: dict[ObjectId, list[Entry]] = {}
        for entry in self:
            if entry.carrier is not None:
                found.setdefault(entry.carrier, []).append(entry)
        return {carrier: tuple(entries) for carrier, entries in found.items()}

    @cached_property
    def dependents(self) -> Mapping[ObjectId, tuple[ObjectId, ...]]:
        """The ids that need each id: the edges of `needs`, reversed."""
        found: dict[ObjectId, list[ObjectId]] = {}
        for entry in self:
            for needed in entry.needs:
                found.setdefault(needed, []).append(entry.id)
        return {needed: tuple(sorted(ids)) for needed, ids in found.items()}

    def only(self, ids: Iterable[ObjectId]) -> Catalog:
        """The part of this catalog that holds just those ids, in this catalog's order."""
        wanted = frozenset(ids)
        kept = {entry.id: entry for entry in self if entry.id in wanted}
        return dataclasses.replace(self, entries=kept)

    def fingerprint(self) -> str:
        """A digest over every id and compared field: `fp1:` and 32 hexadecimal digits."""
        lines = sorted(f"{entry.id}\t{entry.digest()}" for entry in self)
        return "fp1:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


EMPTY: Final = Catalog({})
"""The catalog of nothing."""


def compared(state: State) -> tuple[tuple[str, Any], ...]:
    """The fields of a state that take part in equality, with their values, in order of declaration."""
    of: Any = type(state)
    return tuple((name, getattr(state, name)) for name in _compared_fields(of))


ADDED = {"added": True}
"""The metadata of a field that a state got after plans had been saved: see `_digested`."""


def _digested(state: State) -> tuple[tuple[str, Any], ...]:
    """What a digest is of: the compared fields. A field that was added later counts only where it has another
    value than its default, so that the digests in plans that were saved before stay what they are."""
    of: Any = type(state)
    added = _added_fields(of)
    if not added:
        return compared(state)
    return tuple(
        (name, value) for name, value in compared(state) if name not in added or value != added[name]
    )


@cache
def _added_fields(state: type[Any]) -> Mapping[str, Any]:
    """The fields that were added later, with their defaults."""
    return {field.name: field.default for field in dataclasses.fields(state) if field.metadata.get("added")}


@cache
def _compared_fields(state: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(state) if field.compare)
