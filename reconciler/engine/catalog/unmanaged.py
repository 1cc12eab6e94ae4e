"""What is not managed, and managed objects refer to: it is taken as it is, never planned, never compared."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.engine.registry import Registry


def stood_on(
    catalog: Catalog, seeds: Iterable[ObjectId], ours: Collection[ObjectId], registry: Registry
) -> set[ObjectId]:
    """The objects outside of `ours` that the seeds need, and what those cannot be built without: a table with
    its columns and keys, a function with its argument types, each with its schema."""
    found: set[ObjectId] = set()
    waiting = list(seeds)
    while waiting:
        id = waiting.pop()
        # What all databases of a server share is said in full or not at all.
        if id in found or id in ours or id not in catalog or registry.of(id).is_shared:
            continue
        found.add(id)
        waiting.extend(_made_with(catalog[id], catalog, registry))
    return found


def _made_with(entry: Entry, catalog: Catalog, registry: Registry) -> Iterator[ObjectId]:
    yield from entry.needs
    yield from (id for id in (entry.parent, entry.carrier) if id is not None)
    for child in catalog.children.get(entry.id, ()):
        if _is_of_its_shape(child, registry):
            yield child.id


def _is_of_its_shape(child: Entry, registry: Registry) -> bool:
    """Whether others can refer to it as a part of its table: its columns and keys."""
    kind = registry.of(child)
    return kind.is_structural or (kind.is_attachable and bool(kind.folds_into))
