"""Carrying out steps on the worker's connection. The one module that executes text of a plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reconciler.core.counting import counted
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Busy, ConnectionFailed, ReconcileError, ServerError, is_lock_conflict
from reconciler.core.statement import Mode
from reconciler.engine.connection.blocking_session import Session
from reconciler.engine.connection.retry import Clock, RetryPolicy, Stop
from reconciler.engine.connection.server_errors import is_connection_lost, server_error
from reconciler.engine.connection.session import set_local, use_own_settings
from reconciler.engine.execute import journal
from reconciler.engine.execute.interrupted_step import clear_leftovers
from reconciler.engine.execute.lease import Lease
from reconciler.engine.execute.progress import Event, GroupCommitted, Retrying, StepFinished, StepStarted
from reconciler.engine.execute.watch import Watch
from reconciler.engine.plan.model import Step
from reconciler.engine.plan.step_path import with_path

if TYPE_CHECKING:
    import psycopg
    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the execution of every step of a run shares."""

    worker: Connection[Any]
    lease: Lease
    watch: Watch
    stop: Stop
    clock: Clock
    retry: RetryPolicy
    report: Callable[[Event], None]
    run: int
    fence: int
    deadlock_timeout_ms: int
    step_count: int


class StepFailed(Exception):
    """The server refused a statement of a step; what it did is rolled back."""

    def __init__(self, step: Step, sql: str, error: psycopg.Error) -> None:
        super().__init__(step.number)
        self.step, self.sql, self.error = step, sql, error

    def told(self) -> ReconcileError:
        """As an error for people: step, statement, SQLSTATE, never a row's values."""
        where = f"step {self.step.number} ({self.step.label})"
        where += f", {self.step.source}" if self.step.source else ""
        return server_error(self.error, self.sql, where=where)


def execute_group(around: Surroundings, steps: tuple[Step, ...]) -> None:
    """Run one group: its steps in one transaction, or its only step outside of any.

    Raises Busy (locks not had till the deadline), Terminated, StepFailed, and psycopg.Error or
    ConnectionFailed where a connection is lost.
    """
    end = around.clock.now() + around.retry.deadline_seconds
    attempt, has_yielded = 0, False
    around.watch.blockers = ()
    while True:
        around.stop.check()
        around.lease.check()
        timeout_ms = around.retry.lock_timeout_ms(attempt, around.deadlock_timeout_ms)
        if _only_autovacuum(around.watch.blockers) and attempt and not has_yielded:
            # Autovacuum gives way to a waiter, but only once deadlock_timeout has passed.
            timeout_ms, has_yielded = around.deadlock_timeout_ms + 500, True
        try:
            _attempt(around, steps, timeout_ms)
        except StepFailed as failure:
            _pause_or_raise(around, failure, attempt, end)
            attempt += 1
            continue
        around.report(GroupCommitted(steps))
        return


def _attempt(around: Surroundings, steps: tuple[Step, ...], timeout_ms: int) -> None:
    if steps[0].mode is Mode.ALONE:
        _alone(around, steps[0])
    else:
        _in_transaction(around, steps, timeout_ms)


def _pause_or_raise(around: Surroundings, failure: StepFailed, attempt: int, end: float) -> None:
    around.stop.check()
    if around.watch.is_lost:
        raise ConnectionFailed("the lease on the database was lost", hint="run again")
    if not _can_succeed_later(failure.error):
        raise failure
    pause = around.retry.pause_seconds(attempt, around.clock)
    if around.clock.now() + pause > end:
        names = "; ".join(map(str, around.watch.blockers)) or "not seen"
        raise Busy(
            f"step {failure.step.number} ({failure.step.label}): locks could not be had in"
            f" {around.retry.deadline_seconds:.0f} s and {counted(attempt + 1, 'attempt')}; last in"
            f" the way: {names}",
            hint="end those sessions or wait for them, then run again",
        )
    around.report(Retrying(failure.step, attempt + 1, failure.error.sqlstate, pause))
    around.stop.pause(pause, around.clock)


def _in_transaction(around: Surroundings, steps: tuple[Step, ...], timeout_ms: int) -> None:
    import psycopg

    worker = around.worker
    try:
        with worker.pipeline():
            worker.execute("BEGIN")
            # What ran before may have set something for the session, as an extension's script can.
            set_local(worker)
            worker.execute("SELECT pg_catalog.set_config('lock_timeout', %s, true)", (f"{timeout_ms}ms",))
        if not journal.holds_fence(worker, around.fence):
            raise ConnectionFailed("another run has taken the lease; nothing of this transaction remains")
        use_own_settings(worker)
        for step in steps:
            _statements(around, step)
        journal.mark(worker, around.run, steps, "done")
        around.stop.check()
        around.lease.check()
        worker.execute("COMMIT")
    except BaseException as error:
        if not worker.closed and not (isinstance(error, psycopg.Error) and is_connection_lost(error)):
            worker.execute("ROLLBACK")
        raise


def _alone(around: Surroundings, step: Step) -> None:
    worker = around.worker
    if not journal.holds_fence(worker, around.fence):
        raise ConnectionFailed("another run has taken the lease; the step was not begun")
    journal.mark(worker, around.run, (step,), "running")
    try:
        _statements(around, step)
    except StepFailed as failure:
        journal.mark(worker, around.run, (step,), "failed", failure.error.sqlstate)
        if not around.stop.asked:
            clear(around, step)
        raise
    journal.mark(worker, around.run, (step,), "done")


def clear(around: Surroundings, step: Step) -> bool:
    """Clear away what an interrupted step outside a transaction left; whether there was something.

    Waits for the transactions that still see it; when that is cut short, the next run does it. Raises
    Terminated, and psycopg.Error where the connection is lost.
    """
    import psycopg

    try:
        with around.watch.over(step):
            return clear_leftovers(around.worker, step)
    except psycopg.Error as error:
        around.stop.check()
        raise StepFailed(step, "", error) from error


def _statements(around: Surroundings, step: Step) -> None:
    import psycopg

    began = around.clock.now()
    around.report(StepStarted(step, around.step_count))
    before = around.worker.info.transaction_status
    for sql in step.sql:
        try:
            with around.watch.over(step), with_path(step.search_path, around.worker):
                around.worker.execute(sql.encode(), binary=True)  # one statement, and no more
        except psycopg.Error as error:
            if is_connection_lost(error):
                raise
            raise StepFailed(step, sql, error) from error
        if around.worker.info.transaction_status != before:
            raise ServerError(
                f"step {step.number} ({step.label}) begins or ends a transaction by itself",
                hint="leave transactions to reconcile: take BEGIN, COMMIT and ROLLBACK out of the plan",
            )
    around.report(StepFinished(step, around.clock.now() - began))


def _can_succeed_later(error: psycopg.Error) -> bool:
    """Lock conflicts, serialization failures, and catalog rows that two sessions changed at once (XX000)."""
    if is_lock_conflict(error.sqlstate) or error.sqlstate == "40001":
        return True
    return error.sqlstate == "XX000" and "concurrently" in (error.diag.message_primary or "")


def _only_autovacuum(blockers: tuple[Session, ...]) -> bool:
    return bool(blockers) and all(session.backend_type == "autovacuum worker" for session in blockers)
