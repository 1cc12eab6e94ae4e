"""Proving a plan on a clone: a new database with the live one's objects, and made-up rows."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from reconciler.app.kind_discovery import registry
from reconciler.app.planning.comparison import Request, live_catalog, observer
from reconciler.app.servers.scratch_servers import ScratchServer, is_same_server, scratch_on, scratch_servers
from reconciler.core.errors import ServerError
from reconciler.core.ident import quote

if TYPE_CHECKING:
    from psycopg import Connection

    from reconciler.core.catalog import Catalog
    from reconciler.engine.plan.model import Plan, Step


def prove(plan: Plan, request: Request) -> str:
    """Carry the plan out on a clone of the target's major, with made-up rows; returns what was shown.

    Raises NotConverged where the result is not what the plan promises, ServerError where no clone can be had,
    or where the only server for one is the target's own and the plan changes what belongs to all of that.
    """
    from reconciler.engine.connection.session import opened

    refused = ServerError("no server for a clone of the target's major", hint="pass --scratch-url")
    with opened(request.url, read_only=True) as target:
        live = live_catalog(target)
        for server in scratch_servers(request.hosts, target, live.entries):
            if not server.is_own_major:
                continue
            try:
                return _proved_on(server, plan, live, target)
            except ServerError as error:
                refused = error
    raise refused


def _proved_on(server: ScratchServer, plan: Plan, live: Catalog, target: Connection[Any]) -> str:
    from reconciler.engine.connection.session import opened
    from reconciler.engine.elaborate.scratch import clone
    from reconciler.engine.prove.proof import prove as proved_on

    with opened(server.url) as admin:
        if is_same_server(admin, target) and _changes_the_server(plan):
            raise ServerError(
                "the plan changes roles, which all databases of a server share: it cannot be tried on the "
                "target's own server",
                hint="pass --scratch-url with another server of the same major",
            )
        # A scratch server may know the declared roles from planning: here the plan makes them.
        made = [step.object.path[0] for step in plan.steps if _makes_role(step)]
        _drop_roles(admin, made)
        try:
            with scratch_on(server, target)() as connection:
                clone(live, connection, registry())
                return proved_on(plan, connection, observer(plan)).sentence()
        finally:
            _drop_roles(admin, made)


def _changes_the_server(plan: Plan) -> bool:
    return any(registry()[step.object.kind].is_shared for step in plan.steps)


def _makes_role(step: Step) -> bool:
    from reconciler.engine.plan.model import Action

    return step.object.kind == "role" and step.action is Action.CREATE


def _drop_roles(admin: Connection[Any], names: Iterable[str]) -> None:
    import psycopg

    for name in names:
        # Another run may be using it.
        with suppress(psycopg.errors.DependentObjectsStillExist, psycopg.errors.ObjectInUse):
            admin.execute(f"DROP ROLE IF EXISTS {quote(name)}".encode())
