"""What is left unsaid on a scratch server, because it means what it says and may name what is not there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.engine.registry import Registry


def bare(catalog: Catalog, registry: Registry) -> Catalog:
    """The catalog without the values of plain fields (the roles of policies)."""
    entries = dict(catalog.entries)
    for entry, fields in _with_plain_fields(catalog, registry):
        empty = registry.of(entry).state()
        said = {name: getattr(empty, name) for name in fields}
        entries[entry.id] = dataclasses.replace(entry, state=dataclasses.replace(entry.state, **said))
    return dataclasses.replace(catalog, entries=entries)


def clothed(read: Catalog, said: Catalog, ids: Mapping[ObjectId, ObjectId], registry: Registry) -> Catalog:
    """What was read of such a catalog, with the values that `said` has; `ids` leads from its ids to those
    that were read."""
    entries = dict(read.entries)
    for entry, fields in _with_plain_fields(said, registry):
        there = read.get(ids.get(entry.id, entry.id))
        if there is not None:
            values = {name: getattr(entry.state, name) for name in fields}
            shared = {needed for needed in entry.needs if registry.of(needed).is_shared}
            state = dataclasses.replace(there.state, **values)
            entries[there.id] = dataclasses.replace(there, state=state, needs=there.needs | shared)
    return dataclasses.replace(read, entries=entries)


def _with_plain_fields(catalog: Catalog, registry: Registry) -> Iterator[tuple[Entry, frozenset[str]]]:
    fields = {kind.name: kind.opaque_fields for kind in registry if kind.opaque_fields}
    return ((entry, fields[entry.id.kind]) for entry in catalog if entry.id.kind in fields)
