"""Changing a database: by the very function that `reconcile apply` calls, under a guard that ends the work
when the seat is lost or the process is to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import field
from typing import TYPE_CHECKING

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import ConnectionFailed, Terminated
from reconciler.engine.connection.retry import Clock, Stop
from reconciler.engine.execute.progress import (
    Event,
    GroupCommitted,
    LeaseAwaited,
    Retrying,
    StepFinished,
    StepStarted,
    WaitingForLock,
)

if TYPE_CHECKING:
    from reconciler.app import Saved
    from reconciler.controller.logs import Log
    from reconciler.controller.seat import Seat
    from reconciler.controller.snapshot import Aim
    from reconciler.engine.execute.apply import Verdict
    from reconciler.engine.plan.model import Plan

_LOOK_SECONDS = 1.0
"""How often the guard asks whether the seat is still held."""
_SLICE_SECONDS = 0.2
"""How soon it notices that the process is to stop."""


@dataclass(frozen=True, slots=True)
class Work:
    """A plan to carry out."""

    plan: Plan
    name: str
    """The plan's file, or `healing`."""
    saved: Saved | None = None
    """The plan file as it was read; None for one made on the spot."""


@dataclass(slots=True)
class Hands:
    """What acting on one target takes."""

    aim: Aim
    url: str
    seat: Seat
    beat: Callable[[], None]
    """Called about every second while the work goes on and the seat is held."""
    log: Log
    stop: Stop
    clock: Clock
    lock_wait_seconds: float = 0.0
    """How long the work that was carried out last waited for locks."""
    _waiting_since: float | None = field(default=None)

    def require_approvals(self, works: Iterable[Work]) -> None:
        """Raise NotApproved for the first that lacks what the target wants, before any of them is run."""
        from reconciler import app

        for work in works:
            app.require_approval(work.plan, work.saved, self.aim.requirement)

    def carry_out(self, work: Work) -> Verdict:
        """Bring the database to the plan's end. Raises what app.apply_plan raises; ConnectionFailed where the
        seat was lost meanwhile."""
        from reconciler import app
        from reconciler.engine.plan.consent import Consent

        self.lock_wait_seconds, self._waiting_since = 0.0, None
        ending = Stop()
        how = app.Application(
            self.url,
            Consent(),
            pooler=self.aim.pooler,
            report=self._heard(work),
            policy=self.aim.policy,
            stop=ending,
            requirement=self.aim.requirement,
        )
        with self._guarded(ending):
            try:
                return app.apply_plan(work.plan, how, work.saved)
            except Terminated:
                if not self.stop.asked and not self.seat.is_held:
                    raise ConnectionFailed("the controller's lock on the database was lost") from None
                # A signal comes to the run, which stops itself; the loop is to hear of it too.
                self.stop.ask()
                raise
            finally:
                self._waited()

    @contextmanager
    def _guarded(self, ending: Stop) -> Iterator[None]:
        """Beside the work: beat while the seat is held, and ask the work to end when it is not, or when the
        process is to stop."""
        over = threading.Event()

        def look() -> None:
            next_look = self.clock.now()
            while not over.wait(_SLICE_SECONDS):
                if self.stop.asked:
                    ending.ask()
                elif self.clock.now() >= next_look:
                    if not self.seat.answers():
                        ending.ask()
                        return
                    self.beat()
                    next_look = self.clock.now() + _LOOK_SECONDS

        thread = threading.Thread(target=look, name="reconcile-seat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _heard(self, work: Work) -> Callable[[Event], None]:
        """Logs what a run tells; statements and rows are in none of it."""
        name, log = work.name, self.log

        def hear(event: Event) -> None:
            match event:
                case GroupCommitted(steps):
                    for step in steps:
                        log.info("step done", plan=name, step=step.number, object=step.label)
                case WaitingForLock(step, blockers):
                    self._waiting_since = self._waiting_since or self.clock.now()
                    pids = [session.pid for session in blockers]
                    log.warning("waiting for a lock", plan=name, step=step.number, blocked_by=pids)
                case Retrying(step, attempt, sqlstate, _):
                    self._waiting_since = self._waiting_since or self.clock.now()
                    log.info("retrying", plan=name, step=step.number, attempt=attempt, sqlstate=sqlstate)
                case LeaseAwaited(holder):
                    log.info("another run works", plan=name, pid=holder.pid if holder else None)
                case StepStarted() | StepFinished():
                    if isinstance(event, StepFinished):
                        self._waited()
                case _:
                    log.info("resumed", plan=name)

        return hear

    def _waited(self) -> None:
        if self._waiting_since is not None:
            self.lock_wait_seconds += self.clock.now() - self._waiting_since
            self._waiting_since = None
