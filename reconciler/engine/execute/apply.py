"""Applying a plan: level-based, resumable, one run at a time, and sure of its result or loud.

The order: lease, primary, where the database stands, consent, then group by group, then a last look.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Blocked, NotConverged
from reconciler.core.ident import ObjectId
from reconciler.core.statement import Mode
from reconciler.engine.connection.retry import Clock, RetryPolicy, Stop, stopped_by_signals
from reconciler.engine.connection.server_errors import server_error
from reconciler.engine.connection.session import Pooler, ensure_primary, opened, ready_for_changes
from reconciler.engine.execute import journal
from reconciler.engine.execute.journal import PlanText, Progress
from reconciler.engine.execute.lease import Lease, Waiting, held, release, take
from reconciler.engine.execute.plan_position import Applied, Digests, Ready, Told, differences, standing
from reconciler.engine.execute.progress import Event, Resumed
from reconciler.engine.execute.run_outcome import Ending
from reconciler.engine.execute.statements import Surroundings, clear, execute_group
from reconciler.engine.execute.watch import Watch
from reconciler.engine.plan.consent import Consent, require_consent, used
from reconciler.engine.plan.model import Action, Plan, Step

if TYPE_CHECKING:
    from psycopg import Connection

Observe = Callable[["Connection[Any]"], Mapping[ObjectId, str]]
"""Reads the digests of the plan's objects from a database; what does not exist is missing."""


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How a plan is applied."""

    consent: Consent = field(default_factory=Consent)
    plan_id: str | None = None
    """The id in the plan file; None: a digest of what the plan does."""
    plan_text: str = ""
    """The plan file, kept in the journal."""
    tool_version: str = ""
    wait_lock_seconds: float = 0.0
    """How long another run on this database is waited for."""
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    pooler: Pooler = "refuse"
    told: Told | None = None
    """Words for what is at neither end of the plan; None: digests."""
    runs_once: bool = False
    """Whether a plan that this database finished before is refused: what it was approved for is done."""
    gate: Callable[[Collection[int]], None] = lambda _done: None
    """Asked before anything is done, with the numbers of the steps that are done already; raises what forbids
    the rest."""
    stop: Stop = field(default_factory=Stop)
    clock: Clock = field(default_factory=Clock)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an apply that raised nothing ended: the database is at the plan's end."""

    plan_id: str
    was_applied: bool
    """Whether it was there already."""
    ran: tuple[int, ...] = ()
    """Numbers of the steps that this run did."""
    resumed_after: tuple[int, ...] = ()
    """Numbers of the steps that an earlier run had done."""
    run: int | None = None
    """The run's number in the journal."""


def plan_digest(plan: Plan) -> str:
    """An id for a plan that has no file: over its ends and its SQL."""
    parts = [plan.from_fingerprint, plan.to_fingerprint]
    parts += [f"{step.number}\t{step.group}\t{step.mode}\t{sql}" for step in plan.steps for sql in step.sql]
    return "sha256:" + hashlib.sha256("\n".join(parts).encode()).hexdigest()


def apply(
    plan: Plan,
    url: str,
    observe: Observe,
    options: ApplyOptions | None = None,
    report: Callable[[Event], None] = lambda _event: None,
) -> Verdict:
    """Bring the database behind `url` from the plan's beginning to its end.

    `report` hears of every event, one at a time, some from another thread. Of a failed transaction nothing
    remains. Raises Busy (another run, or locks not had), Stale, Blocked (consent), Stopped (part-way: run
    again), NotApproved (`runs_once`), ServerError and ConnectionFailed (nothing was changed), NotConverged,
    Terminated, Unsupported.
    """
    chosen = options or ApplyOptions()
    tell = _one_at_a_time(report)
    waiting = Waiting(chosen.wait_lock_seconds, chosen.clock, chosen.stop, tell)
    name = "reconcile apply"
    with (
        _mapped(),
        stopped_by_signals(chosen.stop),
        held(url, waiting, application_name=f"{name} (watcher)", pooler=chosen.pooler) as lease,
        opened(url, application_name=name, pooler=chosen.pooler) as worker,
    ):
        ready_for_changes(worker, chosen.pooler)
        ensure_primary(worker)
        # An earlier run's worker can outlive its client for a while, and its lease; it holds this to its end.
        take(worker, "worker", waiting)
        try:
            return _Run(plan, chosen, worker, lease, observe, tell).carry_out()
        finally:
            release(worker, "worker")


@dataclass(slots=True)
class _Run:
    """One run of a plan on connections that are ready."""

    plan: Plan
    options: ApplyOptions
    worker: Connection[Any]
    lease: Lease
    observe: Observe
    report: Callable[[Event], None]
    number: int = 0
    done: set[int] = field(default_factory=set)

    def carry_out(self) -> Verdict:
        progress = journal.progress(self.worker, self._plan_id)
        stands = standing(self.plan, self._observed(), progress, self.options.told)
        if isinstance(stands, Applied) and progress.first_run is None:
            return Verdict(self._plan_id, was_applied=True, run=self._noted())
        earlier = stands.done if isinstance(stands, Ready) else progress.done
        if isinstance(stands, Ready):
            self._require_unused()
            require_consent(self.plan, self.options.consent, earlier)
            self.options.gate(earlier)
        fence = self._begin(stands, progress)
        self.done = set(earlier)
        ending = Ending(self.worker, self.lease.watcher, self.number, self._plan_id, len(self.plan.steps))
        with ending.told():
            if isinstance(stands, Ready):
                if earlier:
                    self.report(Resumed(tuple(sorted(earlier))))
                around = self._surroundings(fence)
                with around.watch.running():
                    self._settle(around, stands.unsettled)
                    self._groups(around)
                self._verify()
        return Verdict(
            self._plan_id,
            was_applied=isinstance(stands, Applied),
            ran=tuple(sorted(self.done - earlier)),
            resumed_after=tuple(sorted(earlier)),
            run=self.number,
        )

    def _require_unused(self) -> None:
        finished = journal.finished_runs(self.worker, [self._plan_id]) if self.options.runs_once else {}
        if self._plan_id in finished:
            raise used(f"run {finished[self._plan_id]} of this database")

    @property
    def _plan_id(self) -> str:
        return self.options.plan_id or plan_digest(self.plan)

    def _begin(self, stands: Applied | Ready, progress: Progress) -> int:
        """Open the run in the journal; the fence."""
        journal.ensure(self.worker)
        fence = journal.next_fence(self.worker)
        is_resumed = isinstance(stands, Applied) or bool(stands.done or stands.unsettled)
        plan = self.plan
        text = PlanText(
            self._plan_id,
            plan.from_fingerprint,
            plan.to_fingerprint,
            len(plan.steps),
            self.options.plan_text,
        )
        resumes = progress.first_run if is_resumed else None
        self.number = journal.begin(self.worker, text, fence, self.options.tool_version, resumes)
        return fence

    def _noted(self) -> int | None:
        """Write down that somebody else has done what the plan says: a run of no steps. None where there is
        no journal or the role may not write to it, and where a run has brought the plan to its end before."""
        if not self.plan.steps or not journal.exists(self.worker):
            return None
        if journal.finished_runs(self.worker, [self._plan_id]):
            return None
        try:
            self._begin(Applied(), Progress())
        except Blocked:
            return None
        journal.finish(self.worker, self.number, "applied")
        return self.number

    def _observed(self) -> Digests:
        observed = self.observe(self.worker)
        return {id: observed[id] for id in self.plan.touches if id in observed}

    def _surroundings(self, fence: int) -> Surroundings:
        chosen = self.options
        return Surroundings(
            worker=self.worker,
            lease=self.lease,
            watch=Watch(self.lease.watcher, self.worker, chosen.stop, self.report),
            stop=chosen.stop,
            clock=chosen.clock,
            retry=chosen.retry,
            report=self.report,
            run=self.number,
            fence=fence,
            deadlock_timeout_ms=_deadlock_timeout_ms(self.worker),
            step_count=len(self.plan.steps),
        )

    def _settle(self, around: Surroundings, unsettled: tuple[Step, ...]) -> None:
        """Find out what interrupted steps did: done as planned, or to be cleared away and done again."""
        for step in unsettled:
            touch = self.plan.touches.get(step.object)
            if touch is None or (touch.before is None and clear(around, step)):
                continue
            if touch.before != touch.after and self._observed().get(step.object) == touch.after:
                journal.mark(self.worker, self.number, (step,), "done")
                self.done.add(step.number)

    def _groups(self, around: Surroundings) -> None:
        groups = [tuple(steps) for _, steps in groupby(self.plan.steps, key=lambda step: step.group)]
        rest = [group for group in groups if any(step.number not in self.done for step in group)]
        for group in rest:
            steps = tuple(step for step in group if step.number not in self.done)
            execute_group(around, steps)
            self.done.update(step.number for step in steps)
            if group is not rest[-1] and not _shows(steps):
                journal.save_checkpoint(self.worker, self.number, self.done, self._observed())

    def _verify(self) -> None:
        remaining = differences(self.plan, self._observed())
        if remaining:
            raise NotConverged(
                "\n".join(
                    ["every step was run, but the database is not what the plan makes of it:", *remaining]
                ),
                hint="plan again to see what is left; someone may have changed these objects meanwhile",
            )


def _shows(steps: tuple[Step, ...]) -> bool:
    """Whether what these steps did can be told without a checkpoint, which takes a reading of all catalogs:
    what they make was not there before, and is as the plan says or not at all."""
    return all(step.action is Action.CREATE and step.mode is Mode.TRANSACTION for step in steps)


def _deadlock_timeout_ms(connection: Connection[Any]) -> int:
    row = connection.execute(
        "SELECT setting::pg_catalog.int4 FROM pg_catalog.pg_settings WHERE name = 'deadlock_timeout'"
    ).fetchone()
    return int(row[0]) if row else 1000


def _one_at_a_time(report: Callable[[Event], None]) -> Callable[[Event], None]:
    guard = threading.Lock()

    def tell(event: Event) -> None:
        with guard:
            report(event)

    return tell


@contextmanager
def _mapped() -> Iterator[None]:
    """Server errors outside of any step, such as those of `observe`, as ours."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise server_error(error) from error
