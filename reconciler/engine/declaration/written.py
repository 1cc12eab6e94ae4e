"""The declared state as written: each object with its place in the files, before a server has read it."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.document import Position
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Declared, Kind
from reconciler.engine.registry import Registry

if TYPE_CHECKING:
    pass

HOME = "schema"
"""The key that names the schema of a file's unqualified names."""


@dataclass(frozen=True, slots=True)
class Located:
    """A declared object with the place that declares it."""

    declared: Declared
    schema: str | None
    """The namespace that SQL fragments of this object are read in; None where they name every schema."""
    position: Position


@dataclass(frozen=True)
class Written:
    """The declared state as written: nothing in it has been to a server."""

    objects: Mapping[ObjectId, Located]
    files: Mapping[str, str] = field(default_factory=dict)
    """A digest of what each file says, comments and layout aside, in the order of reading."""
    known: Mapping[ObjectId, ObjectId] = field(default_factory=dict)
    """Objects that are known to be declared just as the live catalog has them, by what it calls them."""
    unread: frozenset[ObjectId] = frozenset()
    """What files that were not read declare, and the live catalog has just so."""

    @cached_property
    def digest(self) -> str:
        """Of all that the files say: `sha256:` and 64 hexadecimal digits."""
        return "sha256:" + hashlib.sha256("\n".join(self.files.values()).encode()).hexdigest()

    def catalog(self, registry: Registry) -> Catalog:
        """The objects as entries; what they need is known only as far as names say it."""
        return Catalog({id: self._entry(id, item.declared, registry) for id, item in self.objects.items()})

    def _entry(self, id: ObjectId, declared: Declared, registry: Registry) -> Entry:
        entry = Entry(id, declared.state, declared.parent, declared.needs)
        return dataclasses.replace(entry, carrier=self._carrier(entry, registry.of(id)))

    def _carrier(self, entry: Entry, kind: Kind[Any]) -> ObjectId | None:
        """What stands under a partition overrides what has the same name, or is the same under a name of its
        own, under the partitioned table."""
        if entry.parent is None or entry.id.kind == entry.parent.kind:
            return None  # a partition itself
        holder = self.objects.get(entry.parent)
        whole = holder.declared.parent if holder else None
        is_of_partition = whole is not None and whole.kind == entry.parent.kind
        if not (is_of_partition or kind.is_inherited(entry)):
            return None
        above = [id for id in self._upwards(entry.parent) if id != entry.parent]
        for ancestor in above:  # a level in between need not say it
            same_name = ObjectId(entry.id.kind, (*ancestor.path, *entry.id.path[len(entry.parent.path) :]))
            if same_name in self.objects and same_name != entry.id:
                return same_name
        if not kind.is_attachable:
            return None
        others = (
            Entry(other.id, other.state)
            for ancestor in above
            for other in self._by_parent.get((entry.id.kind, ancestor), ())
        )
        return next((other.id for other in others if kind.is_part_of(entry, other)), None)

    def _upwards(self, table: ObjectId) -> Iterator[ObjectId]:
        """A table, what it inherits from or is a partition of, and so on up to the roots."""
        seen: set[ObjectId] = set()  # a partition of itself is PostgreSQL's to refuse
        waiting = [table]
        while waiting:
            id = waiting.pop(0)
            if id in seen:
                continue
            yield id
            seen.add(id)
            if (holder := self.objects.get(id)) is not None:
                declared = holder.declared
                waiting.extend(sorted(Entry(id, declared.state, declared.parent, declared.needs).ancestors))

    @cached_property
    def _by_parent(self) -> Mapping[tuple[str, ObjectId], tuple[Declared, ...]]:
        found: dict[tuple[str, ObjectId], list[Declared]] = {}
        for item in self.objects.values():
            if item.declared.parent is not None:
                found.setdefault((item.declared.id.kind, item.declared.parent), []).append(item.declared)
        return {key: tuple(values) for key, values in found.items()}
