"""Proving a plan on a clone: a new database with the live one's objects, and made-up rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, LiteralString

from reconciler.app.applying import Application, apply_plan
from reconciler.app.comparison import Request, live_catalog, observer
from reconciler.app.discovery import registry
from reconciler.app.servers import scratch_on, scratch_servers
from reconciler.core.catalog import Catalog
from reconciler.core.errors import Unsupported
from reconciler.engine.consent import Consent
from reconciler.engine.prove import Proof

if TYPE_CHECKING:
    from psycopg import Connection

    from reconciler.engine.plan import Plan

_WITHOUT_JOURNAL: LiteralString = "DROP SCHEMA IF EXISTS _reconcile CASCADE"


def prove(plan: Plan, request: Request) -> Proof:
    """Carry the plan out on a clone, with made-up rows.

    Raises NotConverged where the result is not what the plan promises, Unsupported where no clone can be had.
    """
    from reconciler.engine.prove import prove as proved_on

    with _clone(request) as connection:
        return proved_on(plan, connection, observer(plan))


@contextmanager
def _clone(request: Request) -> Iterator[Connection[Any]]:
    """A new database with the objects of the live one, and none of its rows. Gone at the end."""
    from psycopg.conninfo import make_conninfo

    from reconciler.engine.planner import Context, make_plan
    from reconciler.engine.session import opened

    kinds = registry()
    with opened(request.url, read_only=True) as target:
        live = _without_ownership(live_catalog(target), request)
        servers = scratch_servers(request.url, request.scratch_url, target, live.entries)
        server = next((one for one in servers if one.is_own_major), None)
        if server is None:
            raise Unsupported("no server for a clone of the target's major", hint="pass --scratch-url")
        with scratch_on(server, target)() as scratch:
            url = make_conninfo(server.url, dbname=scratch.info.dbname)
            empty = _without_ownership(live_catalog(scratch), request)
            context = Context(target.info.server_version // 10000, "", ownership=request.scope.ownership)
            start = make_plan(empty, live, kinds, context, None)
            apply_plan(start, Application(url, Consent(everything=True)))
            scratch.execute(_WITHOUT_JOURNAL)
            yield scratch


def _without_ownership(catalog: Catalog, request: Request) -> Catalog:
    if request.scope.ownership:
        return catalog
    kinds = registry()
    return catalog.only(entry.id for entry in catalog if not kinds.of(entry).managed_with_ownership)
