"""Proving a plan: it is carried out on a clone with made-up rows before anybody trusts it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.app.applying import Application, apply_plan
from reconciler.app.comparison import Request, live_catalog, make_plan
from reconciler.app.discovery import registry
from reconciler.app.servers import scratch_on, scratch_servers
from reconciler.core.catalog import Catalog
from reconciler.core.errors import NotConverged, ReconcileError, Unsupported
from reconciler.core.ident import qualified
from reconciler.core.statement import HazardCode
from reconciler.engine.consent import Consent

if TYPE_CHECKING:
    from reconciler.engine.plan import Plan

_EVERYTHING = Consent(everything=True)


@dataclass(frozen=True, slots=True)
class Proof:
    """What was seen on the clone."""

    rows: int
    """Made-up rows that were there; 0 where they could not stay (see `why_without_rows`)."""
    unseeded: tuple[str, ...] = ()
    """Tables into which no made-up row fits."""
    why_without_rows: str | None = None


def prove(plan: Plan, request: Request) -> Proof:
    """Carry the plan out on a clone; the result must be the declared state, and rows must stay where the plan
    says that none is lost.

    Raises NotConverged where it is not so, Unsupported where no clone can be had, and what applying raises.
    """
    try:
        return _proved(plan, request, rows=True)
    except NotConverged:
        raise
    except ReconcileError as error:
        # Made-up rows need not fit what is to come; that real rows may not either, the plan says itself.
        if all(hazard.code is not HazardCode.MAY_FAIL for _, hazard in plan.hazards):
            raise
        proof = _proved(plan, request, rows=False)
        return dataclasses.replace(proof, why_without_rows=error.message.splitlines()[0])


def _proved(plan: Plan, request: Request, rows: bool) -> Proof:
    from reconciler.engine.seed import count_and_digest, gone, lost, seed
    from reconciler.engine.session import opened

    with _clone(request) as url:
        with opened(url) as connection:
            report = seed(connection) if rows else None
            before = count_and_digest(connection)
        apply_plan(plan, Application(url, _EVERYTHING))
        with opened(url) as connection:
            after = count_and_digest(connection)
        expected = _expected_losses(plan)
        missing = [
            name for name in (*lost(before, after), *gone(before, after)) if not _covered(name, expected)
        ]
        if missing:
            raise NotConverged(
                "\n".join(["on a clone the plan lost rows or values that it says are kept:", *missing])
            )
        remaining = make_plan(dataclasses.replace(request, url=url))
        if not remaining.is_empty:
            lines = [f"  {step.action.value} {step.label}" for step in remaining.steps[:20]]
            raise NotConverged("\n".join(["on a clone the plan did not lead to the declared state:", *lines]))
    if report is None:
        return Proof(0)
    return Proof(sum(report.rows.values()), tuple(one.table for one in report.unseeded))


@contextmanager
def _clone(request: Request) -> Iterator[str]:
    """A new database with the objects of the live one, and none of its rows; its URL. Gone at the end."""
    from psycopg.conninfo import make_conninfo

    from reconciler.engine.planner import Context
    from reconciler.engine.planner import make_plan as plan_between
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
            apply_plan(plan_between(empty, live, kinds, context, None), Application(url, _EVERYTHING))
            yield url


def _without_ownership(catalog: Catalog, request: Request) -> Catalog:
    if request.scope.ownership:
        return catalog
    kinds = registry()
    return catalog.only(entry.id for entry in catalog if not kinds.of(entry).managed_with_ownership)


def _expected_losses(plan: Plan) -> frozenset[str]:
    """The names, as SQL writes them, of what the plan says is lost, and of what it renames."""
    hazards = {hazard.object for _, hazard in plan.hazards if hazard.code is HazardCode.DATA_LOSS}
    renamed = {id for id, touch in plan.touches.items() if touch.before and touch.after is None}
    objects = hazards | (renamed - {step.object for step in plan.steps})
    return frozenset(qualified(*id.path) for id in objects)


def _covered(name: str, expected: frozenset[str]) -> bool:
    """Whether a loss (`app.users`, `app.users.email`, `app.users (rows: ...)`) is one that the plan tells."""
    bare = name.partition(" (rows")[0]
    return any(bare == told or bare.startswith(f"{told}.") for told in expected)
