"""Taking an existing database under management: its state is written down, and nothing is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.app.comparison import Request, live_catalog, make_plan
from reconciler.app.discovery import registry
from reconciler.core.errors import Blocked
from reconciler.core.ident import ObjectId
from reconciler.engine.scope import managed
from reconciler.engine.shared import of_this_database

if TYPE_CHECKING:
    from reconciler.engine.plan import Plan

PREDECESSORS = {
    "alembic_version": "Alembic",
    "flyway_schema_history": "Flyway",
    "schema_migrations": "Rails, golang-migrate or dbmate",
    "ar_internal_metadata": "Rails",
    "databasechangelog": "Liquibase",
    "databasechangeloglock": "Liquibase",
    "django_migrations": "Django",
    "_prisma_migrations": "Prisma",
    "__drizzle_migrations": "Drizzle",
    "knex_migrations": "Knex",
    "knex_migrations_lock": "Knex",
    "goose_db_version": "Goose",
    "atlas_schema_revisions": "Atlas",
    "SequelizeMeta": "Sequelize",
    "typeorm_metadata": "TypeORM",
}
"""Tables in which other tools keep their history."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was taken under management."""

    objects: int
    run: int | None
    """The run's number in the journal."""
    predecessors: tuple[tuple[ObjectId, str], ...]
    """Tables of other tools that were found."""


def adopt(request: Request, wait_lock_seconds: float) -> Adopted:
    """Write down that the database is as declared. Raises Blocked where it is not, and Busy."""
    difference = make_plan(request)
    if not difference.is_empty:
        lines = [f"  {step.action.value} {step.label}" for step in difference.steps[:20]]
        if len(difference.steps) > len(lines):
            lines.append(f"  and {len(difference.steps) - len(lines)} more")
        raise Blocked(
            "\n".join(["the database is not what the schema folder says; a plan to it would:", *lines]),
            hint="pull writes the folder from the database: reconcile pull",
        )
    baseline = _baseline(request, difference)
    run = _written_down(request.url, baseline, wait_lock_seconds)
    return Adopted(len(baseline.touches), run, _predecessors(baseline))


def _baseline(request: Request, difference: Plan) -> Plan:
    """A plan of no steps, from the state that is there to the same state."""
    from reconciler.engine.plan import Plan, Touch
    from reconciler.engine.session import opened

    with opened(request.url, read_only=True) as connection:
        catalog = managed(live_catalog(connection), request.scope)
    kinds = registry()
    catalog = of_this_database(catalog, kinds)
    ours = [
        entry for entry in catalog if request.scope.ownership or not kinds.of(entry).managed_with_ownership
    ]
    digests = {entry.id: entry.digest() for entry in ours}
    touches = {id: Touch(digests[id], digests[id]) for id in sorted(digests)}
    return Plan(
        difference.server_major, difference.schema_digest, (), touches, difference.ownership, catalog.unknown
    )


def _written_down(url: str, plan: Plan, wait_lock_seconds: float) -> int:
    from reconciler import __version__
    from reconciler.engine import journal, planfile
    from reconciler.engine.lease import Waiting, held

    text = planfile.dump(plan)
    told = journal.PlanText(planfile.plan_id(plan), plan.from_fingerprint, plan.to_fingerprint, 0, text)
    with held(url, Waiting(wait_lock_seconds), application_name="reconcile adopt") as lease:
        journal.ensure(lease.watcher)
        fence = journal.next_fence(lease.watcher)
        run = journal.begin(lease.watcher, told, fence, __version__)
        journal.finish(lease.watcher, run, "adopted")
    return run


def _predecessors(plan: Plan) -> tuple[tuple[ObjectId, str], ...]:
    tables = (id for id in plan.touches if id.kind == "table")
    return tuple((id, PREDECESSORS[id.path[-1]]) for id in tables if id.path[-1] in PREDECESSORS)
