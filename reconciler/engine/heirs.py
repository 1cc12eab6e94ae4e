"""Tables that inherit from others: which of their columns and constraints are one."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.engine.registry import Registry


def ancestors(table: Entry) -> frozenset[ObjectId]:
    """What a table inherits from, or is a partition of."""
    return frozenset(id for id in table.needs | {table.parent} if id is not None and id.kind == table.id.kind)


def heirs(catalog: Catalog, table: ObjectId) -> Iterator[Entry]:
    """The tables that inherit from it, and its partitions."""
    for id in catalog.dependents.get(table, ()):
        entry = catalog[id]
        if entry.id.kind == table.kind and table in ancestors(entry):
            yield entry


def twins(catalog: Catalog, entry: Entry, registry: Registry) -> Iterator[Entry]:
    """What the direct ancestors of an entry's table have that is one with it: it comes from there, or both
    declare it."""
    holder = catalog.get(entry.parent)
    for above in ancestors(holder) if holder is not None else ():
        for other in catalog.children.get(above, ()):
            if is_twin(entry, other, registry):
                yield other


def below(catalog: Catalog, entry: Entry, registry: Registry) -> Iterator[Entry]:
    """What the heirs of an entry's table have that is one with it: the inverse of `twins`."""
    for heir in heirs(catalog, entry.parent) if entry.parent is not None else ():
        for other in catalog.children.get(heir.id, ()):
            if is_twin(other, entry, registry):
                yield other


def is_twin(entry: Entry, other: Entry, registry: Registry) -> bool:
    """Whether an heir has the entry from this one of its ancestor, or both declare it."""
    if entry.carrier is not None and entry.carrier == other.id:
        return True
    is_alike = (other.id.kind, other.id.path[-1]) == (entry.id.kind, entry.id.path[-1])
    return is_alike and registry.of(other).reaches_heirs(other)
