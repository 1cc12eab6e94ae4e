"""The part of a comment that gives way to the budget: SQL first, the last step first, then rows."""

from __future__ import annotations

from reconciler.core.statement import BLOCKING, BLOCKS_WRITES, LockMode
from reconciler.engine.plan.model import Plan, Step
from reconciler.engine.plan.notes import by_heading
from reconciler.report.caution import fitting, listed, place
from reconciler.report.escape import code, fenced, within
from reconciler.report.plan_context import Context
from reconciler.report.words import (
    HARM,
    SYMBOLS,
    Run,
    counted,
    ended,
    extent,
    runs,
    steps_named,
    visible,
    visible_sql,
)

MINUS = "\N{MINUS SIGN}"
_LOCKS = {LockMode.ACCESS_EXCLUSIVE: "reads and writes wait"}
_SPARE = 700
"""Characters kept for the lines that say what was left out, and for what holds a part together."""


def body(plan: Plan, context: Context, room: int) -> list[str]:
    """The table of steps, their SQL, and what was seen besides, in about `room` characters."""
    beside = asides(plan, room // 5)
    left = room - _SPARE - sum(len(part) + 2 for part in beside)
    table = _table(plan, context, left)
    return [table, *_sql(plan, context, left - len(table)), *beside]


def collapsed(title: str, body: str) -> list[str]:
    """Paragraphs that are shown on a click; `title` is HTML."""
    return [f"<details><summary>{title}</summary>", body, "</details>"]


def asides(plan: Plan, room: int) -> list[str]:
    """What was seen and is not part of the plan."""
    found: list[str] = []
    items = {"Not looked at: kinds that are not modelled": plan.unknown, **by_heading(plan.notes)}
    for title, lines in items.items():
        if lines:
            found += collapsed(f"{title} ({len(lines)})", listed(lines, room // 2 - 120))
    return found


def _table(plan: Plan, context: Context, room: int) -> str:
    rows = [_row(step, run, context) for run in runs(plan) for step in run.steps]
    shown = fitting(rows, room)
    lines = ["| # | Change | Hazards | Locks | In a transaction |", "|--:|---|---|---|---|", *rows[:shown]]
    if shown < len(rows):
        lines += ["", f"{counted(len(rows) - shown, 'more step')}: see {place(context.file)}."]
    return "\n".join(lines)


def _row(step: Step, run: Run, context: Context) -> str:
    hazards = [
        f"🔴 **{HARM[hazard.code]}**" if hazard.code in BLOCKING else HARM[hazard.code]
        for hazard in step.hazards
    ]
    cells = [
        str(step.number),
        f"`{SYMBOLS[step.action].replace('-', MINUS)}` {code(step.label)}",
        "<br>".join(dict.fromkeys(hazards)) or "none",
        "<br>".join(_locks(step, context)) or "none",
        "yes" if run.is_transaction else "**no**",
    ]
    return f"| {' | '.join(cells)} |"


def _locks(step: Step, context: Context) -> list[str]:
    cells = []
    for mode in dict.fromkeys(lock.mode for lock in step.locks):
        names = dict.fromkeys(lock.relation for lock in step.locks if lock.mode is mode)
        sized = [
            f"{code(name)}, {context.sizes[name].space}" if name in context.sizes else code(name)
            for name in names
        ]
        effect = _LOCKS.get(mode, "writes wait" if mode in BLOCKS_WRITES else "nobody waits")
        cells.append(f"{mode}, {step.cost}: {effect} ({'; '.join(sized)})")
    return cells


def _sql(plan: Plan, context: Context, room: int) -> list[str]:
    bodies = [_step_sql(step, number, run) for number, run in enumerate(runs(plan), 1) for step in run.steps]
    shown = fitting(bodies, room)
    # A fence outgrows its longest run of backticks, twice.
    while shown and len(block := fenced("\n\n".join(bodies[:shown]), "sql")) > room:
        shown -= 1
    left = [step.number for step in plan.steps[shown:]]
    numbers = within(200, steps_named(left), str) if left else ""
    pointer = [f"The SQL of {numbers} is left out here: see {place(context.file)}."] if left else []
    if not shown:
        return pointer
    outside = [run for run in runs(plan) if not run.is_transaction]
    title = f"SQL ({extent(plan)})" if outside else f"SQL ({counted(len(plan.steps), 'step')})"
    return [*collapsed(title, block), *pointer]


def _step_sql(step: Step, number: int, run: Run) -> str:
    where = f"transaction {number}" if run.is_transaction else "outside any transaction"
    statements = [ended(visible_sql(sql)) for sql in step.sql]
    return "\n".join([f"-- step {step.number}: {visible(step.label)}; {where}", *statements])
