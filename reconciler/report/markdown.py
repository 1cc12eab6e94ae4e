"""A plan as the comment on a pull request: one per target, updated in place, within a budget of characters.

What must be seen is never collapsed and never cut: the state, the counts, what deletes data. SQL is cut
first, last step first, then rows of the table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from json import dumps
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.engine.plan.model import Action, Plan
from reconciler.engine.plan.plan_file import plan_id
from reconciler.report.caution import caution, fitting
from reconciler.report.escape import code, element, fenced, prose, within
from reconciler.report.plan_context import ICONS, SEVERAL, Context, Standing, State, marker, state_of
from reconciler.report.steptable import MINUS, body, collapsed
from reconciler.report.words import blocking_hazards, counted, tally, visible_sql

if TYPE_CHECKING:
    from reconciler.app.approval.code_owners import Owners

__all__ = [
    "BUDGET",
    "LEAST",
    "Context",
    "Standing",
    "State",
    "marker",
    "overview",
    "render",
    "state_of",
]

BUDGET = 60_000
"""Characters. GitHub refuses comments of more than 65,536; what is added around them has room."""
LEAST = 6_000
"""Characters that are always needed for what must be seen."""
_SPARE = 100
_MOST_OWNERS = 5
_HINTS = {State.STALE: "The database has moved on since. Plan again."}
_RUN_URL = re.compile(r"https?://[\w.:-]+(/[\w./:?=&%~+-]*)?\Z", re.ASCII)
_BY_SEVERITY = (
    State.FAILED,
    State.BLOCKED,
    State.STALE,
    State.NEEDS_APPROVAL,
    State.SAFE,
    State.APPLIED,
    State.NO_CHANGES,
)


def render(plan: Plan | None, context: Context, budget: int = BUDGET) -> str:
    """The comment, at most `budget` characters (of at least `LEAST`) long. `plan` is None where planning
    failed: then the standing says why."""
    standing = _standing(plan, context)
    head = [marker(context.target), *_meta(plan, standing), f"### {_headline(plan, context)}"]
    head += _detail(standing, budget // 8)
    parts = ["\n".join(head)]
    tail = _tail(plan, context)
    if plan is not None:
        parts += [*caution(plan, context, budget // 3), *_owners(plan, context, budget // 16)]
        room = budget - sum(len(part) + 2 for part in (*parts, *tail))
        parts += _body(plan, context, room)
    return "\n\n".join([*parts, *tail]) + "\n"


def overview(sections: Sequence[tuple[Plan | None, Context]], budget: int = BUDGET) -> str:
    """One comment on several targets: a table first, what deletes data in the open, then each target.

    At most `budget` characters long, of at least `LEAST` and some 700 for each target.
    """
    standings = [_standing(plan, context) for plan, context in sections]
    worst = min((standing.state for standing in standings), key=_BY_SEVERITY.index)
    headline = f"### {ICONS[worst]} Schema plans · {counted(len(sections), 'target')} · {_emphasized(worst)}"
    rows = [
        _overview_row(plan, context, standing.state)
        for (plan, context), standing in zip(sections, standings, strict=True)
    ]
    titles = f"| Target | State | + | ~ | {MINUS} | → | Deletes data |"
    table = [titles, "|---|---|--:|--:|--:|--:|--:|", *rows]
    parts = ["\n".join([marker(SEVERAL), headline]), "\n".join(table)]
    share = (budget - sum(len(part) + 2 for part in parts)) // max(len(sections), 1)
    cautions = []
    for plan, context in sections:
        found = caution(plan, context, share // 3) if plan is not None else []
        cautions += [f"**{within(200, context.target, code)}**", *found] if found else []
    parts += cautions
    left = budget - sum(len(part) + 2 for part in parts)
    omitted = 0
    for number, (plan, context) in enumerate(sections):
        section = _section(plan, context, left // (len(sections) - number))
        length = sum(len(part) + 2 for part in section)
        if length > left - _SPARE:
            omitted += 1
            continue
        left -= length
        parts += section
    if omitted:
        parts.append(f"The plans of {counted(omitted, 'more target')} are left out here: see their files.")
    return "\n\n".join(parts) + "\n"


def _overview_row(plan: Plan | None, context: Context, state: State) -> str:
    counts = plan.counts() if plan is not None else {}
    numbers = [str(counts.get(action, 0)) if plan is not None else "" for action in _COLUMNS]
    severe = str(len(blocking_hazards(plan))) if plan is not None else ""
    cells = [within(200, context.target, code), f"{ICONS[state]} {state}", *numbers, severe]
    return f"| {' | '.join(cells)} |"


_COLUMNS = (Action.CREATE, Action.ALTER, Action.DROP, Action.RENAME)


def _section(plan: Plan | None, context: Context, room: int) -> list[str]:
    standing = _standing(plan, context)
    name = within(300, context.target, element)
    detail = [line for line in _detail(standing, room // 8) if line]
    tail = _tail(plan, context)
    inner = [*detail, *tail]
    if plan is not None:
        owners = _owners(plan, context, room // 16)
        spent = sum(len(part) + 2 for part in (*inner, *owners)) + len(name) + 100
        inner = [*detail, *owners, *_body(plan, context, room - spent), *tail]
    return collapsed(f"{ICONS[standing.state]} {name}", "\n\n".join(inner)) if inner else []


def _standing(plan: Plan | None, context: Context) -> Standing:
    if context.standing is not None:
        return context.standing
    return Standing(State.FAILED if plan is None else state_of(plan))


def _meta(plan: Plan | None, standing: Standing) -> list[str]:
    """For whoever reads the comment by machine."""
    data = {"state": standing.state.value, "tool": __version__}
    if plan is not None:
        data |= {"plan": plan_id(plan), "from": plan.from_fingerprint, "to": plan.to_fingerprint}
    return [f"<!-- reconcile:meta {dumps(data, separators=(',', ':'))} -->"]


def _headline(plan: Plan | None, context: Context) -> str:
    standing = _standing(plan, context)
    words = [f"{ICONS[standing.state]} Schema plan", within(300, context.target, code)]
    if plan is not None and not plan.is_empty:
        words.append(f"**{' '.join(text.replace('-', MINUS) for _, text in tally(plan))}**")
        if severe := blocking_hazards(plan):
            words.append(f"{len(severe)} destructive")
    when = f" {prose(standing.detail)}" if _is_in_headline(standing) else ""
    return " · ".join([*words, _emphasized(standing.state, context.doing) + when])


def _is_in_headline(standing: Standing) -> bool:
    """Whether there is no more to say of it than when and how far it was applied."""
    detail = standing.detail
    return standing.state is State.APPLIED and 0 < len(detail) <= 100 and "\n" not in detail


def _emphasized(state: State, doing: str = "plan") -> str:
    if state is State.FAILED:
        return f"**{doing} failed**"
    return f"**{state}**" if state in (State.STALE, State.BLOCKED) else state.value


def _detail(standing: Standing, room: int) -> list[str]:
    text = standing.detail or _HINTS.get(standing.state, "")
    if not text or _is_in_headline(standing):
        return []
    if "\n" in text or standing.state is State.FAILED:
        return ["", within(room, visible_sql(text), fenced)]
    return ["", within(room, text, prose)]


def _body(plan: Plan, context: Context, room: int) -> list[str]:
    parts = body(plan, context, room)
    if plan.is_empty:
        return parts[1:]
    if _standing(plan, context).state is State.STALE:
        return collapsed("The plan that is stale", "\n\n".join(parts))
    return parts


def _owners(plan: Plan, context: Context, room: int) -> list[str]:
    """Who must approve. As code, so that nobody is called by it."""
    if not context.owners or plan.is_empty:
        return []
    groups = [_group(group) for group in context.owners]
    shown = fitting(groups, room)
    if shown < len(groups):
        groups[shown:] = [counted(len(groups) - shown, "more group" if shown else "group of owners")]
    return [f"Approval by: {'; '.join(groups)}."]


def _group(group: Owners) -> str:
    some = f"{group.approvals} of " if group.approvals > 1 else ""
    names = [within(200, name, code) for name in group.names[:_MOST_OWNERS]]
    if more := len(group.names) - len(names):
        names.append(counted(more, "more owner"))
    section = f" ({within(200, group.section or '')}{', optional' if group.is_optional else ''})"
    return f"{some}{' or '.join(names)}{section if group.section else ''}"


def _tail(plan: Plan | None, context: Context) -> list[str]:
    facts = [f"reconcile {__version__}"]
    how: list[str] = []
    if plan is not None:
        facts = [
            f"plan {code(plan_id(plan)[7:15])}",
            f"from {code(plan.from_fingerprint[4:12])} → to {code(plan.to_fingerprint[4:12])}",
            f"PostgreSQL {plan.server_major}",
            *facts,
        ]
        file = context.file or "PLAN"
        advice = [
            "- Change the YAML and push: this comment follows.",
            f"- {within(300, context.again, code)} plans again, against the database as it is by then.",
            f"- {within(400, f'reconcile explain {file} STEP', code)} says why a step is there, and what it"
            " locks.",
        ]
        if not plan.is_empty:
            how = collapsed("How to change this plan, or plan again", "\n".join(advice))
    if context.file:
        facts.append(f"saved as {within(300, context.file, code)}")
    if context.run_url and _RUN_URL.match(context.run_url):
        facts.append(f"[run]({context.run_url})")
    return [*how, f"<sub>{' · '.join(facts)}</sub>"]
