"""Where a plan stands, what there is to know around it, and how a target's comment is found again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Blocked, NotApproved, ReconcileError, Stale
from reconciler.core.size import Size
from reconciler.core.statement import HazardCode
from reconciler.engine.plan.model import Plan
from reconciler.report.escape import in_comment

if TYPE_CHECKING:
    from reconciler.app.approval.code_owners import Owners

SEVERAL = "*"
"""The name in the marker of a comment on several targets; as a target's own name it would be encoded alike,
and no target is called so."""
_LONGEST = 200


class State(StrEnum):
    """Where a plan stands; the first thing that a comment says."""

    NO_CHANGES = "no changes"
    SAFE = "safe"
    NEEDS_APPROVAL = "needs approval"
    BLOCKED = "blocked"
    STALE = "stale"
    FAILED = "failed"
    APPLIED = "applied"


ICONS = {
    State.NO_CHANGES: "🟢",
    State.SAFE: "🔵",
    State.NEEDS_APPROVAL: "🟠",
    State.BLOCKED: "🔴",
    State.STALE: "⚪",
    State.FAILED: "❌",
    State.APPLIED: "✅",
}


_LEFT: dict[type[ReconcileError], State] = {
    Stale: State.STALE,
    Blocked: State.BLOCKED,
    NotApproved: State.NEEDS_APPROVAL,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A state with what there is to say about it: the policy that blocks, the error, when it was applied."""

    state: State
    detail: str = ""

    @classmethod
    def applied(cls, at: datetime, steps: int, of: int, seconds: float) -> Standing:
        """Carried out at that time, so many steps of so many, in so many seconds."""
        time = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
        return cls(State.APPLIED, f"{time}, {steps}/{of} steps, {seconds:.1f} s")

    @classmethod
    def failed(cls, error: ReconcileError) -> Standing:
        """Where an error leaves a plan: stale, held back, or not made at all."""
        state = next((state for kind, state in _LEFT.items() if isinstance(error, kind)), State.FAILED)
        where = f"{error.where}: " if error.where else ""
        hint = f"\nhint: {error.hint}" if error.hint else ""
        return cls(state, f"{where}{error.message}{hint}")


@dataclass(frozen=True, slots=True)
class Context:
    """What a report knows besides the plan."""

    target: str = "default"
    file: str | None = None
    """Where the plan is saved."""
    standing: Standing | None = None
    """None: what the plan itself says."""
    sizes: Mapping[str, Size] = field(default_factory=dict)
    """Of relations by the name that a lock has."""
    run_url: str | None = None
    """The CI run that made the report."""
    place: str = "."
    """The folder or file of the declared state."""
    again: str = "reconcile plan --save"
    """The command that plans again."""
    database_said: str = ""
    """The flag that names the database, where the command line did, as it can be pasted."""
    can_be_applied: bool = True
    """Whether it is a plan for a database, and not a comparison of two states."""
    doing: str = "plan"
    """What failed where the standing says so."""
    settled: str = "The database is as declared."
    """What is said where there is nothing to do."""
    owners: tuple[Owners, ...] = ()
    """Who must approve: of each group somebody."""


def state_of(plan: Plan) -> State:
    """The state of a plan that was made and not yet looked at by anybody."""
    if plan.is_empty:
        return State.NO_CHANGES
    return State.NEEDS_APPROVAL if plan.blocking else State.SAFE


def worst_of(plans: Iterable[Plan]) -> State:
    """Where several plans stand together: as the one that wants most."""
    states = {state_of(plan) for plan in plans}
    order = (State.NEEDS_APPROVAL, State.SAFE)
    return next((state for state in order if state in states), State.NO_CHANGES)


def labels(plan: Plan | None, state: State) -> tuple[str, ...]:
    """Labels for a pull request, by which branch rules and code owners can act."""
    if plan is None:
        return (f"schema/{state.value.replace(' ', '-')}",)
    names = {State.NO_CHANGES: "no-change"}
    first = "schema/" + names.get(state, state.value.replace(" ", "-"))
    is_destructive = any(hazard.code is HazardCode.DATA_LOSS for _, hazard in plan.hazards)
    return (first, "schema/destructive") if is_destructive else (first,)


def marker(target: str) -> str:
    """The hidden first line by which a target's comment is found again, whatever the plan is by then."""
    name = in_comment(target)
    if len(name) > _LONGEST:
        name = f"{name[:100]}...{hashlib.sha256(name.encode()).hexdigest()[:32]}"
    return f"<!-- reconcile:comment target={name} -->"
