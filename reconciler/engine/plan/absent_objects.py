"""Objects of the server that a plan needs, and that are neither there nor created by it: owners, grantees."""

from __future__ import annotations

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

    from reconciler.engine.declaration.written import Located
    from reconciler.engine.plan.model import Plan


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
            query = registry.of(needed).server_names
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
