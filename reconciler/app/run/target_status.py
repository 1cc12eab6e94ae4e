"""Where a target stands: its journal, its chain, and what has moved since the last run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reconciler.app.kind_discovery import registry
from reconciler.app.planning.comparison import live_catalog
from reconciler.app.plans.target_chain import ChainedPlan, Place, place_of
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import InvalidInput, Stale
from reconciler.core.ident import ObjectId
from reconciler.engine.catalog.scope import Scope, managed
from reconciler.engine.registry import ANYWHERE

if TYPE_CHECKING:
    from psycopg import Connection

    from reconciler.core.catalog import Catalog
    from reconciler.engine.execute.journal import Progress, Run
    from reconciler.engine.plan.model import Plan

FINISHED = ("applied", "adopted")
_PARTWAY = ("running", "interrupted", "running or interrupted", "failed", "busy", "stopped")
_READ_RUNS = 10_000
_MISSING, _UNPLANNED = "missing", "unplanned"


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of a target without changing anything."""

    server: str
    """Host, port, database and user."""
    major: int
    last: Run | None
    """The run that last finished."""
    latest: Run | None
    """The run that last began."""
    place: Place | None
    """None where the database is at none of the chain's states."""
    moved: tuple[Moved, ...] | None
    """None where there is no journal to tell."""
    left: Mapping[ObjectId, str | None]
    """What every object looked like after the last run that touched it; None: it was gone."""
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """An object that is not as the last run left it."""

    object: ObjectId
    how: str
    """missing, back again, changed, unplanned."""


def status(url: str, plans: Sequence[ChainedPlan], scope: Scope, wanted: Plan | None = None) -> Status:
    """Where the database stands; `wanted` as for `drift`. Raises ConnectionFailed, and Blocked where the
    journal may not be read."""
    from reconciler.engine.connection.session import opened, redacted
    from reconciler.engine.execute import journal

    with opened(url, read_only=True) as connection:
        runs = journal.history(connection, _READ_RUNS)
        catalog = managed(live_catalog(connection), scope, registry())
        try:
            place = place_of(plans, connection)
        except Stale:
            place = None
        left, made = _left_by(runs, _partway(connection, runs), catalog)
        return Status(
            server=redacted(url),
            major=connection.info.server_version // 10000,
            last=next((run for run in runs if run.outcome in FINISHED), None),
            latest=runs[0] if runs else None,
            place=place,
            moved=_drifted(left, made, catalog, wanted),
            left=left,
            unknown=catalog.unknown,
        )


def history(url: str, limit: int) -> tuple[Run, ...]:
    """The latest runs, newest first."""
    from reconciler.engine.connection.session import opened
    from reconciler.engine.execute import journal

    with opened(url, read_only=True) as connection:
        return journal.history(connection, limit)


def drift(url: str, scope: Scope, wanted: Plan | None) -> tuple[Moved, ...] | None:
    """What differs from the state that the last run left; None where no run has left one.

    `wanted` is the plan to the declared state, where there is one: what it would drop, and no run has made,
    is drift too.
    """
    from reconciler.engine.connection.session import opened
    from reconciler.engine.execute import journal

    with opened(url, read_only=True) as connection:
        runs = journal.history(connection, _READ_RUNS)
        catalog = managed(live_catalog(connection), scope, registry())
        left, made = _left_by(runs, _partway(connection, runs), catalog)
    return _drifted(left, made, catalog, wanted)


def heads(found: Iterable[Moved]) -> tuple[Moved, ...]:
    """As people are told: what is gone or came as a whole is told once, without what its names say is part of
    it."""
    found = tuple(found)
    whole = {one.object for one in found if one.how in (_MISSING, _UNPLANNED)}
    return tuple(one for one in found if whole.isdisjoint(_above(one.object)))


def _above(id: ObjectId) -> set[ObjectId]:
    """What an object may hang on, as far as its name tells: its table, or what it is a facet of."""
    above: set[ObjectId] = set()
    waiting = [id]
    while waiting:
        one = waiting.pop()
        kind = registry().of(one)
        parents = [parent for parent in kind.parents if parent != ANYWHERE]
        found = {ObjectId(parent, path) for parent in parents for path in (one.path, one.path[:-1])}
        if kind.is_facet:
            found |= {ObjectId(one.path[0], one.path[1:end]) for end in range(2, len(one.path) + 1)}
        waiting += [new for new in found - above if new.path]
        above |= found
    return above - {id}


def _drifted(
    left: Mapping[ObjectId, str | None],
    made: Collection[ObjectId],
    catalog: Catalog,
    wanted: Plan | None,
) -> tuple[Moved, ...] | None:
    """What differs in the managed catalog from what runs have left; None without any run. Of what they have
    `made` everything is known."""
    if not left:
        return None
    found = []
    for id, value in left.items():
        entry = catalog.get(id)
        now = None if entry is None else entry.digest()
        if now != value:
            how = _MISSING if now is None else "back again" if value is None else "changed"
            found.append(Moved(id, how))
    touches = wanted.touches if wanted is not None else {}
    dropped = {id for id, touch in touches.items() if touch.before and touch.after is None}
    extra = dropped - left.keys()
    for entry in catalog:
        is_known = entry.id in left or registry().of(entry).is_facet or entry.carrier is not None
        parent = entry.parent
        if not is_known and parent is not None and parent in made and left.get(parent) is not None:
            extra.add(entry.id)
    return tuple(sorted([*found, *(Moved(id, _UNPLANNED) for id in extra)], key=lambda one: one.object))


def _left_by(
    runs: Sequence[Run], partway: Mapping[int, Progress], catalog: Catalog
) -> tuple[dict[ObjectId, str | None], set[ObjectId]]:
    """What every touched object looked like after the last run that touched it, and what runs have made or
    adopted, with all that hung on it; `runs` as in `history`, and `partway` how far the last run of each
    unfinished plan came."""
    from reconciler.engine.execute import plan_position
    from reconciler.engine.plan import plan_file

    observed = {entry.id: entry.digest() for entry in catalog}
    expected: dict[ObjectId, str | None] = {}
    made: set[ObjectId] = set()
    for run in reversed(runs):
        if run.outcome not in FINISHED and run.id not in partway:
            continue
        try:
            plan = plan_file.load(run.plan.body, f"run {run.id}")
        except InvalidInput:
            continue
        # The plan of an adoption has no steps.
        made.update(id for id, touch in plan.touches.items() if touch.before is None or not plan.steps)
        if run.outcome in FINISHED:
            expected |= {id: touch.after for id, touch in plan.touches.items()}
            continue
        stopped = plan_position.left(plan, observed, partway[run.id])
        # What an older one left can have been taken back since, with a plan that never saw it.
        is_last = run is runs[0]
        expected |= {id: value for id, value in stopped.items() if is_last or observed.get(id) == value}
    return expected, made


def _partway(connection: Connection[Any], runs: Iterable[Run]) -> dict[int, Progress]:
    """How far the plans came whose last run did not get to their end, by that run."""
    from reconciler.engine.execute import journal

    found: dict[int, Progress] = {}
    seen: set[str] = set()
    for run in runs:
        if run.plan.id not in seen and run.outcome in _PARTWAY:
            progress = journal.progress(connection, run.plan.id)
            if progress.first_run is not None:
                found[run.id] = progress
        seen.add(run.plan.id)
    return found


def run_data(run: Run | None) -> dict[str, Any] | None:
    """A run for machines."""
    if run is None:
        return None
    return {
        "run": run.id,
        "plan": run.plan.id,
        "outcome": run.outcome,
        "steps": run.plan.step_count,
        "done": run.done,
        "done_before": run.earlier,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "role": run.role_name,
        "version": run.tool_version,
        "resumes": run.resumes,
        "error": run.error_message,
        "sqlstate": run.error_sqlstate,
    }
