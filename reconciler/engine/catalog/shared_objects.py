"""What belongs to the server rather than to one database (roles and their memberships): what counts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.errors import InvalidInput, Problem
from reconciler.core.ident import ObjectId
from reconciler.engine.registry import Registry
from reconciler.engine.yaml.validation_errors import did_you_mean

if TYPE_CHECKING:
    from psycopg import Connection

    from reconciler.engine.declaration.load import Located
    from reconciler.engine.plan.model import Plan


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


def refuse_absent(
    plan: Plan,
    wanted: Catalog,
    places: Mapping[ObjectId, Located],
    server: Connection[Any],
    registry: Registry,
) -> None:
    """Raise InvalidInput for what the plan's objects need of the server, and neither find there nor get:
    owners, grantees. `places` are the declarations by their ids in the catalog."""
    entries = [entry for entry in map(wanted.get, plan.touches) if entry is not None and entry.id in places]
    if problems := list(_absent(entries, wanted, places, server, registry)):
        raise InvalidInput.of(sorted(problems, key=attrgetter("place")))


def _absent(
    entries: Iterable[Entry],
    wanted: Catalog,
    places: Mapping[ObjectId, Located],
    server: Connection[Any],
    registry: Registry,
) -> Iterator[Problem]:
    there: dict[str, frozenset[str]] = {}
    for entry in entries:
        for needed in sorted(entry.needs):
            query = registry.of(needed).names_there
            if query is None or needed in wanted:
                continue
            if needed.kind not in there:
                there[needed.kind] = frozenset(name for (name,) in server.execute(query))
            if needed.path[0] not in there[needed.kind]:
                place, label = places[entry.id].position, registry.of(entry).label(entry)
                message = f'the server has no {needed.kind} "{needed.path[0]}"'
                hint = _way_on(needed, there[needed.kind], registry)
                yield Problem(place.file, place.line, place.column, label, message, hint)


def _way_on(needed: ObjectId, there: Iterable[str], registry: Registry) -> str:
    meant = did_you_mean(needed.path[0], there)
    asked = f"did you mean `{meant}`? Else " if meant else ""
    return f"{asked}create it, or declare it under `{registry.of(needed).section}`"


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
