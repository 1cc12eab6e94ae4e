"""Comparing: the live database, the declared state, and the plan between them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.app.kind_discovery import registry
from reconciler.core.catalog import Catalog
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import InvalidInput, ServerError
from reconciler.core.ident import ObjectId
from reconciler.engine.catalog.scope import (
    Scope,
    compared_with,
    left_out,
    managed,
    with_access,
    without_needless,
)
from reconciler.engine.elaborate.draft import Blank, blank_database

if TYPE_CHECKING:
    from psycopg import Connection

    from reconciler.app.servers.scratch_servers import Hosts
    from reconciler.engine.compare.rename_search import Renaming
    from reconciler.engine.connection.retry import Stop
    from reconciler.engine.declaration.written import Written
    from reconciler.engine.plan.model import Plan


@dataclass(frozen=True, slots=True)
class Request:
    """What a comparison is asked for."""

    url: str
    schema: Path
    scope: Scope = field(default_factory=Scope)
    scratch_url: str | None = None
    base: Path | None = None
    """Sources in plans are told relative to this folder; None: as the schema path was given."""

    @property
    def hosts(self) -> Hosts:
        """Which servers can serve for scratch databases."""
        from reconciler.app.servers.scratch_servers import Hosts

        return Hosts(self.url, self.scratch_url)


@dataclass(frozen=True, slots=True)
class Compared:
    """A plan with what it was made from."""

    plan: Plan
    before: Catalog
    """The whole state that was found."""
    renamed: Catalog
    """The same after the declared renames."""
    current: Catalog
    """The part of that which was compared."""
    wanted: Catalog
    owner: str
    """The database's owner."""
    ids: Mapping[ObjectId, ObjectId]
    """What each written id is called in the catalog."""


def live_catalog(connection: Connection[Any], stop: Stop | None = None) -> Catalog:
    """The whole database behind an open connection. Raises what `introspect` raises."""
    from reconciler.engine.catalog.introspect import introspect

    return introspect(connection, registry(), stop)


def pull(url: str, scope: Scope) -> tuple[Mapping[str, Mapping[str, Any]], tuple[str, ...]]:
    """The live database as the contents of YAML files by relative path, and what no kind models."""
    from reconciler.engine.catalog.files import documents
    from reconciler.engine.connection.session import opened

    with opened(url, read_only=True) as connection:
        catalog = managed(live_catalog(connection), scope, registry())
    if not scope.ownership:
        kinds = registry()
        catalog = catalog.only(entry.id for entry in catalog if not kinds.of(entry).managed_with_ownership)
    return documents(catalog, registry(), all_roles=scope.all_roles), catalog.unknown


def compare(
    request: Request,
    written: Written,
    live: Catalog,
    connection: Connection[Any],
    blank: Blank = blank_database,
) -> Compared:
    """Compare the declared state with `live`. `connection` is to a database in that state: it answers what a
    plan must know of the server. Of the request's URL only its server counts.

    Raises what `make_plan` raises.
    """
    from reconciler.app.planning import elaboration
    from reconciler.engine.elaborate.given import with_given
    from reconciler.engine.elaborate.renames import renamings, with_renames
    from reconciler.engine.plan.absent_objects import refuse_absent
    from reconciler.engine.plan.planner import Context
    from reconciler.engine.plan.planner import make_plan as plan_between
    from reconciler.engine.plan.prune import consented, spared
    from reconciler.engine.plan.step_path import ASK
    from reconciler.engine.plan.text_references import with_mentions

    major = connection.info.server_version // 10000
    owner = str(_one(connection, _DATABASE_OWNER))
    renames = renamings(written, live, registry())
    before = live
    if renames:
        live = _renamed(request, written, live, renames, connection)
    hosts = dataclasses.replace(request.hosts, blank=blank)
    given = with_given(written, live, request.scope, registry())
    desired = elaboration.desired(given, live, connection, hosts, owner).told_of(written)
    if problems := tuple(left_out(written, desired.ids, request.scope, registry())):
        raise InvalidInput.of(problems)
    current = compared_with(live, desired.catalog.entries, request.scope, registry())
    wanted = managed(desired.catalog, request.scope, registry())  # what comes by itself may be left out
    wanted = without_needless(wanted, live, desired.ids.values(), registry())
    left = spared(request.scope.prune, current, wanted, registry())
    current, wanted = with_access(live, current, left.desired, request.scope, registry())
    sources = _sources(written, desired.ids, request.base)
    context = Context(
        server_major=major,
        schema_digest=written.digest,
        sources=sources,
        not_renamed=frozenset(id for id, item in written.objects.items() if item.declared.not_renamed),
        ownership=request.scope.ownership,
        unknown=live.unknown,
        notes=left.notes,
        surroundings=tuple(live),
        search_path=functools.partial(_one, connection, ASK),
    )
    plan = plan_between(current, wanted, registry(), context, functools.partial(_one, connection))
    places = {desired.ids.get(id, id): item for id, item in written.objects.items()}
    refuse_absent(plan, wanted, places, connection, registry())
    if renames:
        placed = tuple(dataclasses.replace(one, place=sources.get(one.id, one.place)) for one in renames)
        plan = with_renames(plan, placed, before, wanted, registry())
    plan = with_mentions(plan, renames, before, wanted, registry())
    plan = consented(request.scope.prune, plan, current, wanted, registry())
    return Compared(plan, before, live, current, wanted, owner, desired.ids)


def _renamed(
    request: Request, written: Written, live: Catalog, renames: tuple[Renaming, ...], target: Connection[Any]
) -> Catalog:
    """The live catalog as it reads after the declared renames, which a clone shows."""
    from reconciler.app.servers.scratch_servers import no_scratch_server, scratch_on, scratch_servers
    from reconciler.engine.elaborate.renames import after_renaming

    refused = no_scratch_server()
    for server in scratch_servers(request.hosts, target, live.entries):
        try:
            return after_renaming(live, renames, scratch_on(server, target)(), registry())
        except ServerError as error:
            refused = error
    raise refused


def _sources(written: Written, ids: Mapping[ObjectId, ObjectId], base: Path | None) -> dict[ObjectId, str]:
    """Where each object is declared, by its id in the catalog."""
    place = functools.cache(functools.partial(_relative, base=base))
    return {
        ids.get(id, id): f"{place(item.position.file)}:{item.position.line}"
        for id, item in written.objects.items()
    }


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
