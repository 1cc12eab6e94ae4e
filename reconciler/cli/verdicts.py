"""How a run ended, in words and as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.core.counting import counted

if TYPE_CHECKING:
    from reconciler.engine.execute.apply import Verdict


def outcome(verdict: Verdict) -> str:
    """A verdict in one word or two, for people and machines."""
    if verdict.was_applied:
        return "already applied"
    return "resumed" if verdict.resumed_after else "applied"


def verdict_data(verdict: Verdict) -> dict[str, Any]:
    """A verdict as plain data."""
    return {
        "plan": verdict.plan_id,
        "outcome": outcome(verdict),
        "ran": list(verdict.ran),
        "resumed_after": list(verdict.resumed_after),
        "run": verdict.run,
    }


def verdict_text(verdict: Verdict, seconds: float, of: str = "") -> str:
    """A verdict as one line."""
    subject = f"{of}: " if of else ""
    if verdict.was_applied:
        return f"{subject}already applied: nothing to do"
    count = counted(len(verdict.ran), "step")
    after = f", after {len(verdict.resumed_after)} of an earlier run" if verdict.resumed_after else ""
    return f"{subject}applied: {count}{after} in {seconds:.1f} s"
