"""What a run tells while it goes on: events for displays and logs. None holds query text or rows."""

from __future__ import annotations

from reconciler.core.dataclass import dataclass
from reconciler.engine.connection.blocking_session import Session
from reconciler.engine.plan.model import Step


@dataclass(frozen=True, slots=True)
class LeaseAwaited:
    """Another run works on this database."""

    holder: Session | None


@dataclass(frozen=True, slots=True)
class Resumed:
    """An earlier run did these steps; this one goes on after them."""

    done: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step's SQL is sent. It can come again for the same step when a transaction is tried again."""

    step: Step
    of: int
    """How many steps the plan has."""


@dataclass(frozen=True, slots=True)
class StepFinished:
    """A step's SQL has run; it counts once its group is committed."""

    step: Step
    seconds: float


@dataclass(frozen=True, slots=True)
class GroupCommitted:
    """These steps are done and journalled."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class WaitingForLock:
    """A step waits for a lock that these sessions hold or queue for."""

    step: Step
    blockers: tuple[Session, ...]


@dataclass(frozen=True, slots=True)
class Retrying:
    """A transaction was rolled back and is tried again after a pause."""

    step: Step
    attempt: int
    """Attempts so far."""
    sqlstate: str | None
    pause_seconds: float


Event = LeaseAwaited | Resumed | StepStarted | StepFinished | GroupCommitted | WaitingForLock | Retrying
