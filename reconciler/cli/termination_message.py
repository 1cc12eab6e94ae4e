"""How a command ended, for whoever started it: a termination message of a container.

Kubernetes shows what a container writes to /dev/termination-log, up to 4096 bytes (kubernetes.io, "Determine
the Reason for Pod Failure").
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reconciler.cli.started_plans import Begun, Course

if TYPE_CHECKING:
    from reconciler.core.errors import ReconcileError
    from reconciler.engine.execute.progress import Event
    from reconciler.engine.plan.model import Plan

VARIABLE = "RECONCILE_TERMINATION_LOG"
LIMIT_BYTES = 4096
_LAST_PLANS = 10
"""How many plans are told one by one: the last ones, so that there is room for the error."""

NAMES = {
    0: "ok",
    1: "error",
    2: "changes",
    3: "blocked",
    4: "stale",
    5: "not_approved",
    6: "busy",
    7: "stopped_part_way",
    64: "usage",
    65: "invalid_input",
    130: "interrupted",
    143: "terminated",
}
"""The exit codes of the contract (docs/format.md, section 4)."""

_OUTCOMES = {0: "succeeded", 2: "succeeded"}
_facts: dict[str, Any] = {}
_courses = [Course()]
"""The last is that of the command that runs."""


def begin(words: list[str]) -> None:
    """A command begins: forget the one before."""
    _facts.clear()
    _courses[:] = [Course()]
    _facts["command"] = next((word for word in words if not word.startswith("-")), None)


def note(**facts: Any) -> None:
    """Remember for the message: target, plan, steps_ran, message, hint. What is None is not remembered."""
    _facts.update({name: value for name, value in facts.items() if value is not None})


def course() -> Course:
    """What the command that runs has carried out so far."""
    return _courses[-1]


def note_plan(plan: Plan, name: str = "") -> Begun:
    """Remember which plan is carried out: its file, or its id where it has none."""
    begun = Begun(plan, name)
    course().plans.append(begun)
    if name or os.environ.get(VARIABLE):
        note(plan=name or begun.id)
    return begun


def counting(report: Callable[[Event], None]) -> Callable[[Event], None]:
    """A listener that counts the steps that are committed, and passes every event on."""
    from reconciler.engine.execute.progress import GroupCommitted

    def hear(event: Event) -> None:
        if isinstance(event, GroupCommitted):
            _facts["steps_ran"] = _facts.get("steps_ran", 0) + len(event.steps)
            if course().plans:
                course().plans[-1].ran += [step.number for step in event.steps]
        report(event)

    return hear


def note_error(error: ReconcileError) -> None:
    """Remember why the command failed."""
    from reconciler.core.redaction import brief

    note(message=brief(error, LIMIT_BYTES), hint=error.hint)


def write(code: int) -> None:
    """Write the message where RECONCILE_TERMINATION_LOG says, if it says so. Never fails."""
    path = os.environ.get(VARIABLE)
    if not path:
        return
    try:
        # In place: the file is mounted, and cannot be replaced. A pipe that nobody reads must not block.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NONBLOCK", 0)
        handle = os.open(path, flags, 0o644)
        try:
            os.write(handle, message(code))
        finally:
            os.close(handle)
    except Exception as error:
        from reconciler.cli.console import say

        say(f"the termination message could not be written: {type(error).__name__}")


def message(code: int) -> bytes:
    """The message, as JSON in UTF-8, at most 4096 bytes: what is too long loses its end."""
    from reconciler import __version__

    outcome = "stopped" if code in (130, 143) else _facts.get("outcome") or _OUTCOMES.get(code, "failed")
    data = {
        "command": _facts.get("command"),
        "target": _facts.get("target"),
        "exit_code": code,
        "exit_name": NAMES.get(code, "unknown"),
        "outcome": outcome,
        "plan": _facts.get("plan"),
        "steps_ran": _facts.get("steps_ran", 0),
        "plans": course().as_lines(outcome)[-_LAST_PLANS:],
        "message": _facts.get("message"),
        "hint": _facts.get("hint"),
        "version": __version__,
    }
    for name in ("message", "hint", "plan", "target", "command"):
        encoded = _encoded(data)
        if len(encoded) <= LIMIT_BYTES:
            break
        data[name] = _cut(data, name, len(encoded) - LIMIT_BYTES)
    return _encoded(data)


def _encoded(data: dict[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False).encode("utf-8", errors="replace")


def _cut(data: dict[str, Any], name: str, excess: int) -> str | None:
    """A value without its end, so that the whole is shorter by `excess` bytes if it can be."""
    text = data[name]
    if not isinstance(text, str):
        return None
    wanted = len(_encoded({name: text})) - excess
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if len(_encoded({name: text[:middle] + " ..."})) <= wanted:
            low = middle
        else:
            high = middle - 1
    return text[:low] + " ..." if low else None
