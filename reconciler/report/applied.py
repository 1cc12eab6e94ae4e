"""What was carried out, as the comment on a pull request: the plan's own comment, brought up to date."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime

from reconciler.core.counting import counted
from reconciler.core.dataclass import dataclass
from reconciler.engine.plan.model import Plan
from reconciler.report import markdown
from reconciler.report.escape import code, within
from reconciler.report.plan_context import Context, Standing, State

__all__ = ["Done", "render", "with_plans"]


@dataclass(frozen=True, slots=True)
class Done:
    """A plan that was carried out, or was already."""

    plan: Plan
    steps: int
    """Done in all; 0 where the database was there already."""
    seconds: float
    file: str = ""
    was_applied: bool = False
    has_failed: bool = False
    """Whether it ended before its last step."""


def render(done: Sequence[Done], context: Context, at: datetime, pending: int = 0) -> str:
    """The comment, of the time when it ended; `pending` plans still wait."""
    if len(done) == 1:
        (one,) = done
        around = dataclasses.replace(context, file=one.file or None, standing=_standing(done, at))
        return _with(markdown.render(one.plan, around), [], pending)
    if not done:
        none = dataclasses.replace(context, standing=Standing(State.NO_CHANGES, "Nothing was pending."))
        return markdown.render(None, none)
    around = dataclasses.replace(context, standing=_standing(done, at))
    return with_plans(markdown.render(None, around), done, pending)


def with_plans(comment: str, done: Sequence[Done], pending: int = 0) -> str:
    """A comment on several plans, with a row for each."""
    table = ["| Plan | Steps | Time |", "|---|--:|--:|", *(_row(one) for one in done)]
    return _with(comment, table, pending)


def _standing(done: Sequence[Done], at: datetime) -> Standing:
    if all(one.was_applied for one in done):
        return Standing(State.APPLIED, "before; nothing was run")
    carried = [one for one in done if not one.was_applied]
    steps, of = sum(one.steps for one in carried), sum(len(one.plan.steps) for one in carried)
    return Standing.applied(at, steps, of, sum(one.seconds for one in carried))


def _row(one: Done) -> str:
    name = within(200, one.file, code) if one.file else "made on the spot"
    steps = "applied before" if one.was_applied else f"{one.steps}/{len(one.plan.steps)}"
    steps += ", then it failed" if one.has_failed else ""
    return f"| {name} | {steps} | {one.seconds:.1f} s |"


def _with(comment: str, table: Sequence[str], pending: int) -> str:
    """The comment with more before its last paragraph, which is the small print."""
    head, _, tail = comment.rstrip("\n").rpartition("\n\n")
    more = ["\n".join(table)] if table else []
    if pending:
        more.append(f"{counted(pending, 'more plan')} pending.")
    return "\n\n".join([head, *more, tail]) + "\n"
