"""Looking at a target: cheaply where nothing has changed, and what is found in the terms of the status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from reconciler.controller.state import Finding, State, Trouble
from reconciler.core.counting import counted
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import NotApproved
from reconciler.core.redaction import brief, code_of

if TYPE_CHECKING:
    from psycopg import Connection

    from reconciler.app import ChainedPlan, Moved, Place, Request, Status
    from reconciler.controller.snapshot import Aim
    from reconciler.core.statement import Hazard
    from reconciler.engine.plan.model import Plan, Step


@dataclass(frozen=True, slots=True)
class Observation:
    """What a database, its journal and its source say."""

    status: Status
    wanted: Plan
    """From the live to the declared state."""
    refusal: Trouble | None = None
    """What the pending plans lack that the target wants of them."""

    @property
    def drift(self) -> tuple[Moved, ...]:
        """What is not as runs have left it."""
        return self.status.moved or ()

    @property
    def pending(self) -> tuple[ChainedPlan, ...]:
        """The plans that wait; none where the place in the chain is not known."""
        return self.status.place.pending if self.status.place is not None else ()


def mark(connection: Connection[Any]) -> str | None:
    """What tells one state of a database from another, in two queries: its catalogs, and its last run. None
    where the role may not read all of that: then nothing is known to be unchanged."""
    from reconciler.core.errors import ReconcileError, Terminated
    from reconciler.engine.catalog.fingerprint import fingerprint
    from reconciler.engine.execute import journal

    catalogs = fingerprint(connection)
    if catalogs is None:
        return None
    try:
        last = journal.history(connection, 1)
    except Terminated:
        raise
    except ReconcileError:
        return None
    run = f"{last[0].id} {last[0].outcome} {last[0].finished_at}" if last else "none"
    return f"{catalogs} {run}"


def observe(aim: Aim, request: Request) -> Observation:
    """Look at everything. Raises what app.make_plan, app.status and app.drift raise."""
    from reconciler import app

    wanted = app.make_plan(request)
    status = app.status(request.url, aim.chain, aim.scope, wanted)
    return Observation(status, wanted, _refusal(status.place, request.url, aim))


def assessed(observation: Observation, aim: Aim) -> Finding:
    """What an observation means."""
    from reconciler import app
    from reconciler.engine.plan.consent import Consent, flags, missing_consent

    place, pending, wanted = observation.status.place, observation.pending, observation.wanted
    consent = aim.policy.consent(Consent())
    missing = [found for one in pending for found in missing_consent(one.plan, consent)]
    ahead = _what_waits(pending, wanted)
    state, trouble = State.IN_SYNC, None
    if place is None:
        state, trouble = State.BLOCKED, _lost(len(aim.chain))
    elif observation.refusal is not None:
        state, trouble = State.BLOCKED, observation.refusal
    elif missing:
        state, trouble = State.BLOCKED, _without_consent(missing, flags(missing))
    elif pending:
        state = State.PENDING
    elif not wanted.is_empty:
        state = State.DRIFTED if observation.drift else State.UNPLANNED
    return Finding(
        state=state,
        trouble=trouble,
        server=observation.status.server,
        major=observation.status.major,
        applied=len(place.done) if place is not None else None,
        pending=tuple(one.link.file_name for one in pending),
        drift=tuple((str(one.object), one.how) for one in app.heads(observation.drift)),
        differences=tuple(f"{step.action.value} {step.label}" for step in wanted.steps),
        needs_consent=tuple(f"{hazard.code}:{hazard.object}" for _, hazard in missing),
        hazards=Counter(hazard.code.value for plan in ahead for _, hazard in plan.hazards),
        notes=tuple(_notes(observation)),
    )


def _what_waits(pending: tuple[ChainedPlan, ...], wanted: Plan) -> list[Plan]:
    return [one.plan for one in pending] or [wanted]


def _lost(length: int) -> Trouble:
    return Trouble(
        "stale",
        f"the database is at none of the states of the chain ({counted(length, 'plan')}), and its journal"
        " names none",
        "reconcile status and reconcile plan tell what differs; reconcile adopt takes it as it is",
    )


def _refusal(place: Place | None, url: str, aim: Aim) -> Trouble | None:
    """As a value: what is found twice must be equal, or it would be taken for something new."""
    from reconciler import app

    if place is None:
        return None
    try:
        for one in place.pending:
            app.require_approval(one.plan, one.saved, aim.requirement)
        app.require_unused(place, place.pending, url, aim.requirement)
    except NotApproved as error:
        hint = aim.told(error.hint) if error.hint else None
        return Trouble(code_of(error), aim.told(brief(error)), hint)
    return None


def _without_consent(missing: Iterable[tuple[Step, Hazard]], allowed: tuple[str, ...]) -> Trouble:
    told = [f"step {step.number}: {hazard.code}: {hazard.message}" for step, hazard in missing]
    count = "1 hazard needs" if len(told) == 1 else f"{len(told)} hazards need"
    return Trouble(
        "blocked",
        "\n".join([f"{count} consent:", *told]),
        f"consent in the plan (reconcile ack), or apply by hand: reconcile apply {' '.join(allowed)}",
    )


def _notes(observation: Observation) -> Iterable[str]:
    from reconciler.app import uncovered

    if observation.status.place is not None and observation.pending:
        elsewhere = uncovered(observation.pending, observation.wanted)
        if elsewhere:
            objects = counted(len(elsewhere), "object")
            yield f"the pending plans do not lead to the declared state: {objects} otherwise"
            yield from (line.strip() for line in elsewhere[:10])
        moved = {one.object for one in observation.drift} & observation.pending[0].plan.touches.keys()
        if moved:
            name = observation.pending[0].link.file_name
            objects = counted(len(moved), "drifted object")
            yield f"{name} expects {objects} as before: it will be refused as stale"
    if observation.wanted.unknown:
        yield f"{counted(len(observation.wanted.unknown), 'object')} of kinds that are not modelled"
