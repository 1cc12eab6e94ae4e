"""A plan as the comment on a pull request: one per target, updated in place, within a budget of characters.

What must be seen is never collapsed and never cut: the state, the counts, what deletes data. SQL is cut
first, last statement first, then rows of the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from json import dumps

from reconciler.core.statement import BLOCKING, Hazard, LockMode
from reconciler.engine.plan import Plan, Step
from reconciler.engine.planfile import plan_id
from reconciler.report.escape import code, fenced, prose
from reconciler.report.standing import ICONS, Standing, State, marker, state_of
from reconciler.report.words import (
    HARM,
    SYMBOLS,
    Run,
    blocking_hazards,
    counted,
    ended,
    extent,
    other_hazards,
    runs,
    steps_named,
    tally,
    visible,
    visible_sql,
)

__all__ = ["Standing", "State", "marker", "render", "state_of"]

_MINUS = "\N{MINUS SIGN}"
_TAIL = 600
"""Characters kept free for the lines that say what was left out."""
_LOCKS = {LockMode.ACCESS_EXCLUSIVE: "reads and writes wait"}
_WRITERS_WAIT = frozenset({LockMode.SHARE, LockMode.SHARE_ROW_EXCLUSIVE, LockMode.EXCLUSIVE})


def render(
    plan: Plan | None,
    *,
    target: str,
    budget: int = 60_000,
    state: Standing | State | None = None,
    file: str | None = None,
) -> str:
    """The comment, at most `budget` characters (of at least 6,000) long.

    `plan` is None where planning failed. `state` is `state_of(plan)` unless it is given. `file` is where the
    plan is saved: what was left out is found there.
    """
    if state is None:
        state = State.FAILED if plan is None else state_of(plan)
    standing = state if isinstance(state, Standing) else Standing(state)
    head = [marker(target), *_meta(plan), _headline(plan, target, standing)]
    head += _detail(standing, budget // 8)
    if plan is None or plan.is_empty:
        return "\n\n".join(["\n".join(head), *_asides(plan, budget // 4), *_footer(plan, file)]) + "\n"
    caution = _caution(plan, file, budget // 2, standing.state is State.APPLIED)
    footer = _footer(plan, file)
    fixed = ["\n".join(head), *caution, *footer]
    left = budget - sum(len(part) + 2 for part in fixed) - _TAIL
    asides = _asides(plan, left // 5)
    left -= sum(len(part) + 2 for part in asides)
    table = _table(plan, file, left)
    sql = _sql(plan, file, left - len(table))
    body = [table, *sql]
    if standing.state is State.STALE:
        body = _collapsed("The plan that is stale", "\n\n".join(body))
    return "\n\n".join(["\n".join(head), *caution, *body, *asides, *footer]) + "\n"


def _meta(plan: Plan | None) -> list[str]:
    if plan is None:
        return []
    data = {"plan": plan_id(plan), "from": plan.from_fingerprint, "to": plan.to_fingerprint}
    return [f"<!-- reconcile:meta {dumps(data, separators=(',', ':'))} -->"]


def _headline(plan: Plan | None, target: str, standing: Standing) -> str:
    words = [f"### {ICONS[standing.state]} Schema plan", code(target)]
    if plan is not None and not plan.is_empty:
        words.append(f"**{' '.join(text.replace('-', _MINUS) for _, text in tally(plan))}**")
        if severe := blocking_hazards(plan):
            words.append(f"{len(severe)} destructive")
    words.append(
        f"**{standing.state}**" if standing.state in (State.STALE, State.FAILED) else standing.state.value
    )
    return " · ".join(words)


def _detail(standing: Standing, room: int) -> list[str]:
    if not standing.detail:
        hints = {State.STALE: "The database has moved on since. Plan again."}
        return ["", hints[standing.state]] if standing.state in hints else []
    if standing.state is State.FAILED:
        shown = fenced(_cut(visible_sql(standing.detail), room))
        # A fence longer than all that it holds would take the room three times.
        return ["", shown if len(shown) <= room + 20 else fenced(_cut(shown.strip("`\n"), room // 3))]
    return ["", _cut(prose(standing.detail), room)]


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room else text[: max(room - 1, 0)].rpartition(" ")[0] + " …"


def _caution(plan: Plan, file: str | None, room: int, is_done: bool) -> list[str]:
    """What deletes data, and the other harm in a line. Never collapsed."""
    found: list[str] = []
    if plan.edited is not None:
        found.append(f"> [!WARNING]\n> The SQL was edited by hand: {_cut(prose(plan.edited), room // 8)}")
    severe = blocking_hazards(plan)
    open_hazards = {(step.number, hazard) for step, hazard in (() if is_done else plan.blocking)}
    lines = [_caution_line(plan, step, harm, (step.number, harm) in open_hazards) for step, harm in severe]
    shown = _fitting(lines, room * 3 // 5)
    if shown < len(lines):
        more = counted(len(lines) - shown, "more hazard")
        numbers = _cut(steps_named(step.number for step, _ in severe[shown:]), room // 8)
        lines[shown:] = [f"> **And {more} of this sort**: {numbers}"]
    if open_hazards:
        lines.append(f"> Allow it in {_place(file)} under `acks`, with a reason, or change what is declared.")
    if lines:
        found.append(
            "\n>\n".join([f"> [!{'CAUTION' if open_hazards else 'WARNING'}]\n{lines[0]}", *lines[1:]])
        )
    most = max(room // 80, 30)
    if others := [f"**{harm}** ({_cut(steps, most)})" for harm, steps in other_hazards(plan)]:
        found.append(f"Also: {'; '.join(others)}.")
    return found


def _caution_line(plan: Plan, step: Step, hazard: Hazard, is_open: bool) -> str:
    label, message = code(_cut(step.label, 300)), _cut(prose(hazard.message), 1000)
    line = f"> **Step {step.number} {HARM[hazard.code]}**: {label}: {message}."
    reasons = [ack for ack in plan.acks if (ack.step, ack.code) == (step.number, hazard.code)]
    by = [f"{prose(ack.reason)}{f' ({code(ack.by)})' if ack.by else ''}" for ack in reasons]
    return line if is_open or not by else f"{line} Allowed: {'; '.join(by)}"


def _place(file: str | None) -> str:
    return code(file) if file else "the plan file"


def _fitting(parts: Sequence[str], room: int) -> int:
    """How many of the parts fit, from the first on."""
    for number, part in enumerate(parts):
        room -= len(part) + 3
        if room < 0:
            return number
    return len(parts)


def _table(plan: Plan, file: str | None, room: int) -> str:
    rows = [_row(step, run) for run in runs(plan) for step in run.steps]
    shown = _fitting(rows, room)
    lines = ["| # | Change | Hazards | Locks | In a transaction |", "|--:|---|---|---|---|", *rows[:shown]]
    if shown < len(rows):
        lines += ["", f"{counted(len(rows) - shown, 'more step')}: see {_place(file)}."]
    return "\n".join(lines)


def _row(step: Step, run: Run) -> str:
    hazards = [
        f"🔴 **{HARM[hazard.code]}**" if hazard.code in BLOCKING else HARM[hazard.code]
        for hazard in step.hazards
    ]
    cells = [
        str(step.number),
        f"`{SYMBOLS[step.action].replace('-', _MINUS)}` {code(step.label)}",
        "<br>".join(dict.fromkeys(hazards)) or "none",
        "<br>".join(_lock_cell(step)) or "none",
        "yes" if run.is_transaction else "**no**",
    ]
    return f"| {' | '.join(cells)} |"


def _lock_cell(step: Step) -> list[str]:
    cells = []
    for mode in dict.fromkeys(lock.mode for lock in step.locks):
        names = ", ".join(code(lock.relation) for lock in step.locks if lock.mode is mode)
        effect = _LOCKS.get(mode, "writes wait" if mode in _WRITERS_WAIT else "nobody waits")
        cells.append(f"{mode}, {step.cost}: {effect} ({names})")
    return cells


def _sql(plan: Plan, file: str | None, room: int) -> list[str]:
    bodies = [_step_sql(step, number, run) for number, run in enumerate(runs(plan), 1) for step in run.steps]
    shown = _fitting(bodies, room - 200)
    left = [step.number for step in plan.steps[shown:]]
    pointer = f"The SQL of {steps_named(left)} is left out here: see {_place(file)}." if left else ""
    if not shown:
        return [pointer]
    outside = [run for run in runs(plan) if not run.is_transaction]
    title = f"SQL ({extent(plan)})" if outside else f"SQL ({counted(len(plan.steps), 'step')})"
    block = fenced("\n\n".join(bodies[:shown]), "sql")
    return [*_collapsed(title, block), *([pointer] if pointer else [])]


def _step_sql(step: Step, number: int, run: Run) -> str:
    where = f"transaction {number}" if run.is_transaction else "outside any transaction"
    statements = [ended(visible_sql(sql)) for sql in step.sql]
    return "\n".join([f"-- step {step.number}: {visible(step.label)}; {where}", *statements])


def _collapsed(title: str, body: str) -> list[str]:
    return [f"<details><summary>{title}</summary>", body, "</details>"]


def _asides(plan: Plan | None, room: int) -> list[str]:
    found: list[str] = []
    if plan is None:
        return found
    listed = {"Not looked at: kinds that are not modelled": plan.unknown, "Seen, and left alone": plan.notes}
    for title, items in listed.items():
        if items:
            lines = [f"- {prose(item)}" for item in items]
            shown = _fitting(lines, room // 2)
            if shown < len(lines):
                lines[shown:] = [f"- and {len(items) - shown} more"]
            found += _collapsed(f"{title} ({len(items)})", "\n".join(lines))
    return found


def _footer(plan: Plan | None, file: str | None) -> list[str]:
    if plan is None:
        return []
    saved = [f"saved as {code(file)}"] if file else []
    facts = [
        f"plan {code(plan_id(plan)[7:15])}",
        f"from {code(plan.from_fingerprint[4:12])} → to {code(plan.to_fingerprint[4:12])}",
        f"PostgreSQL {plan.server_major}",
        *saved,
    ]
    advice = "`reconcile explain PLAN` says why a step is there. Change the YAML and plan again to change it."
    how = [] if plan.is_empty else _collapsed("How to look closer, or change this plan", advice)
    return [*how, f"<sub>{' · '.join(facts)}</sub>"]
