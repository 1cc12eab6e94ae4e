"""What belongs to the server rather than to one database (roles and their memberships): what counts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.engine.registry import Registry

if TYPE_CHECKING:
    pass


def of_this_database(catalog: Catalog, registry: Registry) -> Catalog:
    """The catalog without what is shared and neither this database's alone nor referred to in it."""
    shared = [entry for entry in catalog if registry.of(entry).is_shared]
    users = (entry for entry in catalog if not _is_shared(entry, registry))
    referred = {needed for entry in users for needed in entry.needs}
    kept = {e.id for e in shared if e.parent is None and (e.id in referred or not registry.of(e).built_in(e))}
    for entry in shared:
        if entry.parent is None:
            continue
        among = {needed for needed in entry.needs if needed in catalog}
        if among <= kept or not registry.of(entry).built_in(entry):
            kept |= among | {entry.id}
    return _only(catalog, shared, kept, registry)


def counted(catalog: Catalog, declared: Mapping[ObjectId, Entry], registry: Registry) -> Catalog:
    """The part of the current catalog that counts against a declared state.

    What is shared and not declared itself counts unless something that is declared names it; a part of it
    (a membership) counts where one of those that it links is declared.
    """
    shared = [entry for entry in catalog if registry.of(entry).is_shared]
    asked = {entry.id for entry in shared if entry.id not in declared}
    named = {
        id
        for entry in declared.values()
        if not asked.isdisjoint(entry.needs) and not registry.of(entry).built_in(entry)
        for id in asked & entry.needs
    }
    kept = {
        entry.id
        for entry in shared
        if entry.id in declared
        or (entry.id not in named if entry.parent is None else not declared.keys().isdisjoint(entry.needs))
    }
    return _only(catalog, shared, kept, registry)


def _is_shared(entry: Entry, registry: Registry) -> bool:
    """Whether it is shared, or hangs on what is (a comment on a role)."""
    return registry.of(entry).is_shared or (entry.parent is not None and registry.of(entry.parent).is_shared)


def _only(catalog: Catalog, shared: Iterable[Entry], kept: set[ObjectId], registry: Registry) -> Catalog:
    gone = {entry.id for entry in shared} - kept
    entries = {
        entry.id: entry
        for entry in catalog
        if entry.id not in gone and (entry.parent not in gone or registry.of(entry).is_shared)
    }
    return dataclasses.replace(catalog, entries=entries) if gone else catalog
