"""The part of a comment that is never collapsed and never cut away: what deletes data, and other harm."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.size import sizes_of
from reconciler.core.statement import Hazard
from reconciler.engine.plan.model import Plan, Step
from reconciler.report.escape import code, prose, within
from reconciler.report.plan_context import Context, State
from reconciler.report.words import HARM, blocking_hazards, counted, other_hazards, steps_named


def caution(plan: Plan, context: Context, room: int) -> list[str]:
    """Paragraphs of at most `room` characters in all. Every hazard is told or, where there are too many,
    counted with its step."""
    found: list[str] = []
    if plan.edited is not None:
        said = within(room // 8, plan.edited)
        found.append(f"> [!WARNING]\n> The SQL was edited by hand: {said}")
    is_done = context.standing is not None and context.standing.state is State.APPLIED
    unconsented = {(step.number, hazard) for step, hazard in (() if is_done else plan.blocking)}
    severe = blocking_hazards(plan)
    lines = [
        _line(plan, step, hazard, context, (step.number, hazard) in unconsented) for step, hazard in severe
    ]
    shown = fitting(lines, room // 2)
    if shown < len(lines):
        more = counted(len(lines) - shown, "more hazard")
        numbers = within(room // 8, steps_named(step.number for step, _ in severe[shown:]), str)
        lines[shown:] = [f"> **And {more} of this sort**: {numbers}"]
    if unconsented:
        lines.append(
            f"> Allow it in {place(context.file)} under `acks`, with a reason, or change what is declared."
        )
    if lines:
        kind = "CAUTION" if unconsented else "WARNING"
        found.append("\n>\n".join([f"> [!{kind}]\n{lines[0]}", *lines[1:]]))
    most = max(room // 80, 30)
    if others := [f"**{harm}** ({within(most, steps, str)})" for harm, steps in other_hazards(plan)]:
        found.append(f"Also: {'; '.join(others)}.")
    return found


def _line(plan: Plan, step: Step, hazard: Hazard, context: Context, is_open: bool) -> str:
    label, message = within(400, step.label, code), within(1000, hazard.message)
    sizes = sizes_of(step.locks, context.sizes)
    size = f" ({'; '.join(f'{within(200, name, code)}: {size}' for name, size in sizes.items())})"
    line = f"> **Step {step.number} {HARM[hazard.code]}**: {label}: {message}{size if sizes else ''}."
    reasons = [ack for ack in plan.acks if (ack.step, ack.code) == (step.number, hazard.code)]
    if is_open or not reasons:
        return line
    by = [
        f"{within(300, ack.reason)}{f' ({within(100, ack.by, code)})' if ack.by else ''}" for ack in reasons
    ]
    return f"{line} Allowed: {'; '.join(by)}"


def place(file: str | None) -> str:
    """The plan's file, by name where it has one."""
    return within(300, file, code) if file else "the plan file"


def fitting(parts: Sequence[str], room: int) -> int:
    """How many of the parts fit, from the first on."""
    for number, part in enumerate(parts):
        room -= len(part) + 3
        if room < 0:
            return number
    return len(parts)


def listed(items: Sequence[str], room: int) -> str:
    """The items as a list of at most `room` characters and a line for the rest."""
    lines = [f"- {prose(item)}" for item in items]
    shown = fitting(lines, room)
    if shown < len(lines):
        lines[shown:] = [f"- and {len(items) - shown} more" if shown else f"- {len(items)} in all"]
    return "\n".join(lines)
