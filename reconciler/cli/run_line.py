"""A run in one line, with the way on where it was cut off."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.cli import options
from reconciler.core.counting import counted

if TYPE_CHECKING:
    from reconciler.app import ChainedPlan
    from reconciler.engine.execute.journal import Run

__all__ = ["WayOn", "run_text"]


class WayOn:
    """Says how a run that was cut off is gone on with: by its plan's file, where the chain has it."""

    def __init__(self, chain: Sequence[ChainedPlan], target: str | None, url: str | None) -> None:
        """`target` and `url` as they were given on the command line."""
        self._files = {one.link.id: str(one.path) for one in chain}
        self._where = options.database_said(target, url)

    def __call__(self, run: Run) -> str:
        """The end of a sentence."""
        file = self._files.get(run.plan.id)
        if file is None:
            return "apply its plan again to go on, or plan anew"
        command = f"reconcile apply {shlex.quote(file)} {self._where}".rstrip()
        return f"run `{command}` again to go on"


def run_text(run: Run, way_on: WayOn) -> str:
    """A run in one line."""
    when = f"{run.finished_at or run.started_at:%Y-%m-%d %H:%M} by {run.role_name}"
    count, reached = run.plan.step_count, run.earlier + run.done
    steps = f"{run.done} of {counted(count, 'step')}"
    if run.outcome == "interrupted":
        last = "after the last step" if reached >= count else f"at step {reached + 1}"
        return f"run {run.id} interrupted {last} of {count}, begun {when}; {way_on(run)}"
    if run.outcome == "running or interrupted":
        return f"run {run.id} {run.outcome}, begun {when}, {steps}; its locks cannot be seen from here"
    if run.outcome == "applied" and count and not run.done and run.resumes is None:
        steps = "it was done already"
    return f"run {run.id} {run.outcome} {when}, {steps}"
