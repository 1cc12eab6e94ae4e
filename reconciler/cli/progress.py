"""A run as it goes on, told on standard error: a line that moves at a terminal, lines that stay in a log."""

from __future__ import annotations

import sys

from reconciler.cli.console import has_colour, width
from reconciler.core.counting import counted
from reconciler.engine.execute.progress import (
    Event,
    GroupCommitted,
    LeaseAwaited,
    Resumed,
    Retrying,
    StepFinished,
    StepStarted,
    WaitingForLock,
)
from reconciler.engine.plan.model import Step


class Display:
    """Tells a person, or a log, what the run does."""

    def __init__(self) -> None:
        self._stream = sys.stderr
        self._moves = self._stream.isatty()
        self._dim, self._green, self._plain = (
            ("\033[2m", "\033[32m", "\033[0m") if has_colour(self._stream) else ("", "", "")
        )
        self._of = 0

    def __call__(self, event: Event) -> None:
        """Tell one event."""
        match event:
            case StepStarted(step, of):
                self._of = of
                self._passing(f"{self._count(step)} {step.label} …")
            case StepFinished(step, seconds):
                took = f" {self._dim}{seconds:.1f} s{self._plain}" if seconds >= 0.1 else ""
                self._line(f"{self._green}✓{self._plain} {self._count(step)} {_done(step)}{took}")
            case GroupCommitted():
                pass
            case Resumed(done):
                did = counted(len(done), "step")
                self._line(f"going on after step {max(done)}: an earlier run did {did}")
            case LeaseAwaited(holder):
                self._line(f"waiting for another run to end: {holder or 'unknown'}")
            case WaitingForLock(step, blockers):
                held = "; ".join(map(str, blockers)) or "an unknown session"
                self._line(f"{self._count(step)} {step.label} waits for a lock held by {held}")
            case Retrying(step, attempt, sqlstate, pause):
                why = f" (SQLSTATE {sqlstate})" if sqlstate else ""
                self._line(f"{self._count(step)} rolled back{why}; attempt {attempt + 1} in {pause:.1f} s")

    def end(self) -> None:
        """Take back the line that moves."""
        if self._moves:
            self._stream.write("\r\033[K")
            self._stream.flush()

    def _count(self, step: Step) -> str:
        return f"[{step.number:>{len(str(self._of))}}/{self._of}]"

    def _passing(self, text: str) -> None:
        if self._moves:
            self._stream.write(f"\r\033[K{text[: width() - 1]}")
            self._stream.flush()

    def _line(self, text: str) -> None:
        start = "\r\033[K" if self._moves else ""
        self._stream.write(f"{start}{text}\n")
        self._stream.flush()


def _done(step: Step) -> str:
    return f"{step.action.value} {step.label}"
