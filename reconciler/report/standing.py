"""Where a plan stands, and how a target's comment is found again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconciler.engine.plan import Plan
from reconciler.report.escape import in_comment


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


@dataclass(frozen=True, slots=True)
class Standing:
    """A state with what there is to say about it: the policy that blocks, the error, when it was applied."""

    state: State
    detail: str = ""


def state_of(plan: Plan) -> State:
    """The state of a plan that was made and not yet looked at by anybody."""
    if plan.is_empty:
        return State.NO_CHANGES
    return State.NEEDS_APPROVAL if plan.blocking else State.SAFE


def marker(target: str) -> str:
    """The hidden first line by which a target's comment is found again, whatever the plan is by then."""
    return f"<!-- reconcile:comment target={in_comment(target)} -->"
