"""What belongs to the server rather than to one database (roles and their memberships): what counts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.engine.registry import Registry


def of_this_database(catalog: Catalog, registry: Registry) -> Catalog:
    """Return the catalog without the shared objects that this database does not need.

    It needs those that are its alone, those that its own objects refer to, those with settings for it, and
    what these are members of.
    """
    shared = [entry for entry in catalog if registry.of(entry).is_shared]
    users = (entry for entry in catalog if not registry.is_shared(entry))
    referred = {needed for entry in users for needed in entry.needs}
    kept = {
        entry.id
        for entry in shared
        if entry.parent is None
        and (
            entry.id in referred
            or not registry.of(entry).built_in(entry)
            or registry.of(entry).concerns_database(entry)
            or (registry.of(entry).is_opt_in and _says_something(entry, catalog, registry))
        )
    }
    kept |= _above(kept, catalog, registry)
    for entry in shared:
        if entry.parent is None:
            continue
        among = {needed for needed in entry.needs if needed in catalog}
        kind = registry.of(entry)
        # What is opt-in and as in any new database says nothing: a snapshot does not hold it.
        if not kind.built_in(entry) or (among <= kept and not kind.is_opt_in):
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


def _above(kept: set[ObjectId], catalog: Catalog, registry: Registry) -> set[ObjectId]:
    """The shared objects that the parts of the kept ones name, and so on: groups, and groups of groups."""
    found: set[ObjectId] = set()
    waiting = list(kept)
    while waiting:
        for part in catalog.children.get(waiting.pop(), ()):
            if registry.is_shared(part) and not registry.of(part).is_facet:
                new = {id for id in part.needs if id in catalog} - kept - found
                found |= new
                waiting.extend(new)
    return found


def _says_something(entry: Entry, catalog: Catalog, registry: Registry) -> bool:
    """Whether something that hangs on it is not as in any new database."""
    return any(not registry.of(child).built_in(child) for child in catalog.children.get(entry.id, ()))


def _only(catalog: Catalog, shared: Iterable[Entry], kept: set[ObjectId], registry: Registry) -> Catalog:
    gone = {entry.id for entry in shared} - kept
    entries = {
        entry.id: entry
        for entry in catalog
        if entry.id not in gone and (entry.parent not in gone or registry.of(entry).is_shared)
    }
    return dataclasses.replace(catalog, entries=entries) if gone else catalog
