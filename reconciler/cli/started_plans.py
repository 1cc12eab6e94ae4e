"""The plans that a command has begun to carry out, so that it can tell of them where it fails at one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.engine.execute.apply import Verdict
    from reconciler.engine.plan.model import Plan

__all__ = ["Begun", "Course"]


@dataclass(slots=True)
class Begun:
    """A plan that was begun."""

    plan: Plan
    file: str
    """Empty where it was made on the spot, or is of no chain."""
    ran: list[int] = field(default_factory=list)
    """Numbers of the steps that this command has committed."""
    verdict: Verdict | None = None
    """None until it is at its end."""
    seconds: float = 0.0

    @property
    def id(self) -> str:
        """The plan's id."""
        from reconciler.engine.plan.plan_file import plan_id

        return plan_id(self.plan)


@dataclass(slots=True)
class Course:
    """What one command has carried out so far, in order."""

    plans: list[Begun] = field(default_factory=list)
    waiting: int | None = None
    """How many plans of the chain waited when it began; None where that was not found out."""

    @property
    def done(self) -> tuple[Begun, ...]:
        """The plans that are at their end."""
        return tuple(one for one in self.plans if one.verdict is not None)

    @property
    def failed(self) -> Begun | None:
        """The plan that is not."""
        return next((one for one in self.plans if one.verdict is None), None)

    @property
    def pending(self) -> int | None:
        """How many plans are still to be carried out, the one that failed included; None: nobody knows."""
        if self.waiting is None:
            return len(self.plans) - len(self.done) if self.plans else None
        return self.waiting - len(self.done)

    def as_data(self) -> Mapping[str, Any]:
        """For a command that failed, beside its error."""
        from reconciler.cli.verdicts import verdict_data

        done = [verdict_data(one.verdict) | {"file": one.file or None} for one in self.done if one.verdict]
        failed: dict[str, Any] | None = None
        if (last := self.failed) is not None:
            failed = {"plan": last.id, "file": last.file or None, "ran": sorted(last.ran)}
            failed["steps"] = len(last.plan.steps)
        return {"plans": done, "failed": failed, "pending": self.pending}

    def as_lines(self, end: str) -> list[Mapping[str, Any]]:
        """A short line for each plan; `end` is how the command ended, for the plan that failed."""
        from reconciler.cli.verdicts import outcome

        return [
            {
                "plan": one.file or one.id,
                "outcome": outcome(one.verdict) if one.verdict is not None else end,
                "steps_ran": len(one.ran),
                "steps": len(one.plan.steps),
            }
            for one in self.plans
        ]
