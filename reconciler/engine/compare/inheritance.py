"""Tables that inherit from others: which of their columns and constraints are one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import ObjectId
from reconciler.engine.compare.change import Alter, Change
from reconciler.engine.registry import Registry


@dataclass(frozen=True, slots=True)
class Parting:
    """The ancestors that a table leaves, and those that it joins."""

    left: frozenset[ObjectId] = frozenset()
    joined: frozenset[ObjectId] = frozenset()

    def __contains__(self, table: ObjectId) -> bool:
        return table in self.left or table in self.joined


_STAYS = Parting()


def parting(changes: Mapping[ObjectId, Change], table: ObjectId | None) -> Parting:
    """What an alteration does to what a table inherits from; nothing where there is none."""
    change = changes.get(table) if table is not None else None
    if not isinstance(change, Alter):
        return _STAYS
    before, after = change.old.ancestors, change.new.ancestors
    return _STAYS if before == after else Parting(before - after, after - before)


def lines(catalog: Catalog, tables: Iterable[ObjectId]) -> Iterator[ObjectId]:
    """The tables and all above them."""
    for table in tables:
        yield table
        if table in catalog:
            yield from lines(catalog, catalog[table].ancestors)


def heirs(catalog: Catalog, table: ObjectId) -> Iterator[Entry]:
    """The tables that inherit from it, and its partitions."""
    for id in catalog.dependents.get(table, ()):
        entry = catalog[id]
        if table in entry.ancestors:
            yield entry


def twins(catalog: Catalog, entry: Entry, registry: Registry) -> Iterator[Entry]:
    """What the direct ancestors of an entry's table have that is one with it: it comes from there, or both
    declare it."""
    holder = catalog.get(entry.parent)
    for above in holder.ancestors if holder is not None else ():
        for other in catalog.children.get(above, ()):
            if is_twin(entry, other, registry):
                yield other


def below(catalog: Catalog, entry: Entry, registry: Registry) -> Iterator[Entry]:
    """What the heirs of an entry's table have that is one with it: the inverse of `twins`."""
    for heir in heirs(catalog, entry.parent) if entry.parent is not None else ():
        for other in catalog.children.get(heir.id, ()):
            if is_twin(other, entry, registry):
                yield other


def table_of(entry: Entry, catalog: Catalog, registry: Registry) -> ObjectId | None:
    """The table that an object is of: a column's default is of the column's."""
    if not registry.of(entry).is_overridden_by_partitions:
        return entry.parent
    holder = catalog.get(entry.parent)
    return holder.parent if holder is not None else None


def is_twin(entry: Entry, other: Entry, registry: Registry) -> bool:
    """Whether an heir has the entry from this one of its ancestor, or both declare it."""
    if entry.carrier is not None and entry.carrier == other.id:
        return True
    is_alike = (other.id.kind, other.id.path[-1]) == (entry.id.kind, entry.id.path[-1])
    return is_alike and registry.of(other).reaches_children(other)
