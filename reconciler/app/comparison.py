"""Comparing: the live database, the declared state, and the plan between them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.app.discovery import registry
from reconciler.core.catalog import Catalog
from reconciler.core.errors import ServerError
from reconciler.core.ident import ObjectId
from reconciler.engine.scope import Scope, compared_with, managed, without_needless

if TYPE_CHECKING:
    from psycopg import Connection

    from reconciler.engine.plan import Plan
    from reconciler.engine.renaming import Renaming


@dataclass(frozen=True, slots=True)
class Request:
    """What a comparison is asked for."""

    url: str
    schema: Path
    scope: Scope = field(default_factory=Scope)
    scratch_url: str | None = None
    base: Path | None = None
    """Sources in plans are told relative to this folder; None: as the schema path was given."""


def live_catalog(connection: Connection[Any]) -> Catalog:
    """The whole database behind an open connection."""
    from reconciler.engine.introspect import introspect

    return introspect(connection, registry())


def pull(url: str, scope: Scope) -> tuple[Mapping[str, Mapping[str, Any]], tuple[str, ...]]:
    """The live database as the contents of YAML files by relative path, and what no kind models."""
    from reconciler.engine.pull import documents
    from reconciler.engine.session import opened

    with opened(url, read_only=True) as connection:
        catalog = managed(live_catalog(connection), scope)
    if not scope.ownership:
        kinds = registry()
        catalog = catalog.only(entry.id for entry in catalog if not kinds.of(entry).managed_with_ownership)
    return documents(catalog, registry()), catalog.unknown


def make_plan(request: Request) -> Plan:
    """Compare the declared state with the live database.

    Raises InvalidInput for the YAML, ConnectionFailed and ServerError for the servers.
    """
    from reconciler.app import memory
    from reconciler.engine.fingerprint import fingerprint
    from reconciler.engine.load import load
    from reconciler.engine.plan import Plan
    from reconciler.engine.session import opened

    with opened(request.url, read_only=True) as connection:
        key = _key(request, fingerprint(connection))
        if key is not None and (known := memory.read(key)) is not None:
            assert isinstance(known, Plan)
            return known
        written = load(request.schema, registry())
        live = live_catalog(connection)
        plan = _plan_against(request, written, live, connection)
        # What was read must be what the key names: no other session changed the catalogs in between.
        if key is not None and plan.is_empty and key == _key(request, fingerprint(connection)):
            memory.write(key, plan)
        return plan


def _key(request: Request, catalogs: str | None) -> str | None:
    """Everything that the plan depends on; None where the catalogs cannot be summed up."""
    from reconciler.app import memory

    if catalogs is None:
        return None
    asked = (str(request.schema), repr(request.scope), str(request.scratch_url), str(request.base))
    return "plan-" + memory.key(catalogs, memory.digest_of(request.schema), *asked)


def _plan_against(request: Request, written: Any, live: Catalog, connection: Connection[Any]) -> Plan:
    from reconciler.app import elaboration
    from reconciler.engine.planner import Context
    from reconciler.engine.planner import make_plan as plan_between
    from reconciler.engine.renaming import renamings, with_renames

    major = connection.info.server_version // 10000
    owner = str(_one(connection, _DATABASE_OWNER))
    renames = renamings(written, live, registry())
    before = live
    if renames:
        live = _renamed(request, written, live, renames, connection)
    desired = elaboration.desired(written, live, connection, (request.url, request.scratch_url), owner)
    current = compared_with(live, desired.catalog.entries, request.scope, registry())
    wanted = without_needless(desired.catalog, live, desired.ids.values(), registry())
    sources = {
        desired.ids.get(id, id): f"{_relative(item.position.file, request.base)}:{item.position.line}"
        for id, item in written.objects.items()
    }
    context = Context(
        server_major=major,
        schema_digest=written.digest,
        sources=sources,
        not_renamed=frozenset(id for id, item in written.objects.items() if item.declared.not_renamed),
        ownership=request.scope.ownership,
        unknown=live.unknown,
        surroundings=tuple(live),
    )

    def ask(query: str, parameters: Mapping[str, str]) -> str | None:
        answer: str | None = _one(connection, query, parameters)
        return answer

    plan = plan_between(current, wanted, registry(), context, ask)
    if not renames:
        return plan
    placed = tuple(dataclasses.replace(one, place=sources.get(one.id, one.place)) for one in renames)
    return with_renames(plan, placed, before, wanted, registry())


def _renamed(
    request: Request, written: Any, live: Catalog, renames: tuple[Renaming, ...], target: Connection[Any]
) -> Catalog:
    """The live catalog as it reads after the declared renames, which a clone shows."""
    from reconciler.app.servers import no_scratch_server, scratch_on, scratch_servers
    from reconciler.engine.renaming import after_renaming

    refused = no_scratch_server()
    for server in scratch_servers(request.url, request.scratch_url, target, live.entries):
        try:
            return after_renaming(live, renames, scratch_on(server, target)(), registry())
        except ServerError as error:
            refused = error
    raise refused


_DATABASE_OWNER = """
    SELECT pg_catalog.pg_get_userbyid(datdba) FROM pg_catalog.pg_database
    WHERE datname = pg_catalog.current_database()"""


def _one(connection: Connection[Any], query: str, parameters: Mapping[str, str] | None = None) -> Any:
    row = connection.execute(query.encode(), parameters).fetchone()
    return row[0] if row else None


def _relative(file: str, base: Path | None) -> str:
    if base is None:
        return file
    try:
        return str(Path(file).resolve().relative_to(base.resolve()))
    except ValueError:
        return file


def observer(plan: Plan) -> Callable[[Connection[Any]], Mapping[ObjectId, str]]:
    """A function that reads the digests of what the plan touches; what does not exist is missing."""

    def observe(connection: Connection[Any]) -> Mapping[ObjectId, str]:
        catalog = live_catalog(connection)
        return {id: catalog[id].digest() for id in plan.touches if id in catalog}

    return observe
