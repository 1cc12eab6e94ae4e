"""Taking an existing database under management: its state is written down, and nothing is run.

The tables in which another tool keeps its history stay that tool's: they are put under manage.ignore, and
never dropped.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.app.adoption.migration_histories import History, find_histories, not_ignored
from reconciler.app.files import write_text
from reconciler.app.kind_discovery import registry
from reconciler.app.planning.comparison import Request, live_catalog
from reconciler.app.planning.make_plan import make_plan
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Blocked, InvalidInput
from reconciler.engine.catalog.scope import managed
from reconciler.engine.catalog.shared_objects import of_this_database

if TYPE_CHECKING:
    from reconciler.app.plans.target_chain import ChainedPlan
    from reconciler.engine.plan.model import Plan

__all__ = ["Adopted", "Adoption", "Left", "adopt", "leave_alone"]


@dataclass(frozen=True, slots=True)
class Left:
    """What is another tool's, and how it comes to be left alone."""

    histories: tuple[History, ...]
    patterns: tuple[str, ...]
    """What manage.ignore lacked."""
    settings: Path | None
    """The reconcile.yaml that has them now; None where a person has to add them."""

    @property
    def unfinished(self) -> tuple[str, ...]:
        """What is half done, a line each."""
        return tuple(f"{one.tool}: {line}" for one in self.histories for line in one.unfinished)


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was taken under management."""

    objects: int
    run: int | None
    """The run's number in the journal."""
    left: Left
    taken_out: tuple[str, ...] = ()
    """Schema files that declared what is another tool's, and do so no longer."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """How a database is adopted."""

    settings: Path | None
    """The project's reconcile.yaml; None where there is none."""
    wait_lock_seconds: float = 0.0
    plans: Sequence[ChainedPlan] = ()
    """The target's chain, in which the database's place is written down too."""
    takes_unfinished: bool = False
    """Whether a migration that another tool left half done is taken as it is."""


def leave_alone(request: Request, settings: Path | None) -> Left:
    """Put what is another tool's under manage.ignore, where there is a reconcile.yaml that can be added to.

    Raises ConnectionFailed.
    """
    left = _found(request)
    return dataclasses.replace(left, settings=_written(settings, left.patterns))


def adopt(request: Request, how: Adoption) -> Adopted:
    """Write down that the database is as declared.

    Raises Blocked where it is not, or where another tool has left a migration half done; and Busy.
    """
    left = _found(request)
    if left.unfinished and not how.takes_unfinished:
        lines = [f"  {line}" for line in left.unfinished]
        raise Blocked(
            "\n".join(["another tool has left a migration half done:", *lines]),
            hint="finish or repair it with that tool; or take the database as it is: --take-unfinished",
        )
    scope = request.scope
    wider = dataclasses.replace(scope, ignore=(*scope.ignore, *left.patterns))
    theirs = dataclasses.replace(request, scope=wider)
    is_declared = left.patterns and _declares(request, left.patterns)
    # What is declared and ignored at once would be made anew: the declared state is what was pulled.
    difference = make_plan(request if is_declared else theirs)
    _require_none(difference)
    settings = _written(how.settings, left.patterns)
    taken_out: tuple[str, ...] = ()
    if is_declared and settings is not None:
        taken_out = _taken_out(theirs)
        difference = make_plan(theirs)
        _require_none(difference)
    used = theirs if settings is not None or not is_declared else request
    baseline = _baseline(used, difference)
    run = _written_down(request.url, baseline, how)
    return Adopted(len(baseline.touches), run, dataclasses.replace(left, settings=settings), taken_out)


def _found(request: Request) -> Left:
    from reconciler.engine.connection.session import opened

    with opened(request.url, read_only=True) as connection:
        histories = find_histories(connection)
    return Left(histories, not_ignored(histories, request.scope.ignore), None)


def _written(settings: Path | None, patterns: Sequence[str]) -> Path | None:
    """Add to manage.ignore; the file, or None where it cannot be added to."""
    import json

    from reconciler.engine.yaml.append import with_items

    if settings is None or not settings.is_file() or not patterns:
        return settings if not patterns else None
    items = [json.dumps(pattern, ensure_ascii=False) for pattern in patterns]
    try:
        write_text(settings, with_items(settings.read_bytes().decode("utf-8"), ("manage", "ignore"), items))
    except InvalidInput:
        return None
    return settings


def _declares(request: Request, patterns: Sequence[str]) -> bool:
    """Whether the schema folder declares something that is to be ignored: it was pulled before."""
    from fnmatch import fnmatchcase

    from reconciler.engine.declaration.load import load

    written = load(request.schema, registry())
    return any(fnmatchcase(str(id), pattern) for id in written.objects for pattern in patterns)


def _taken_out(request: Request) -> tuple[str, ...]:
    """Pull again: the folder is as the database is, so that only what is ignored now goes."""
    from reconciler.app.adoption.pull import pull_into

    if not request.schema.is_dir():
        raise Blocked(
            f"{request.schema} declares what is another tool's", hint="take that out of it, then adopt again"
        )
    written = pull_into(request.schema, request).written
    return (*written.changed, *written.removed)


def _require_none(difference: Plan) -> None:
    if difference.is_empty:
        return
    lines = [f"  {step.action.value} {step.label}" for step in difference.steps[:20]]
    if len(difference.steps) > len(lines):
        lines.append(f"  and {len(difference.steps) - len(lines)} more")
    raise Blocked(
        "\n".join(["the database is not what the schema folder says; a plan to it would:", *lines]),
        hint="pull writes the folder from the database: reconcile pull",
    )


def _baseline(request: Request, difference: Plan) -> Plan:
    """A plan of no steps, from the state that is there to the same state."""
    from reconciler.engine.connection.session import opened
    from reconciler.engine.plan.model import Plan, Touch

    with opened(request.url, read_only=True) as connection:
        catalog = managed(live_catalog(connection), request.scope, registry())
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


def _written_down(url: str, baseline: Plan, how: Adoption) -> int:
    """Note the last plan of the chain that the database is after, then all of it; the last run's number."""
    from reconciler import __version__
    from reconciler.app.plans.target_chain import place_by_looks
    from reconciler.engine.execute import journal
    from reconciler.engine.execute.lease import Waiting, held
    from reconciler.engine.plan import plan_file

    run = 0
    with held(url, Waiting(how.wait_lock_seconds), application_name="reconcile adopt") as lease:
        count = place_by_looks(how.plans, lease.watcher) if how.plans else None
        noted = [(one.plan, one.text) for one in how.plans[: count or 0][-1:]]
        journal.ensure(lease.watcher)
        for plan, text in (*noted, (baseline, plan_file.dump(baseline))):
            ends = (plan.from_fingerprint, plan.to_fingerprint)
            told = journal.PlanText(plan_file.plan_id(plan), *ends, len(plan.steps), text)
            run = journal.begin(lease.watcher, told, journal.next_fence(lease.watcher), __version__)
            journal.finish(lease.watcher, run, "adopted")
    return run
