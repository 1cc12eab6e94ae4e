"""A plan for people at a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import UsageError
from reconciler.core.ident import ObjectId
from reconciler.core.statement import BLOCKING, Hazard, Mode
from reconciler.engine.plan.model import Plan, Step
from reconciler.engine.plan.notes import by_heading
from reconciler.engine.plan.title import Subjects
from reconciler.report.paint import ACTION_COLOURS, Paint
from reconciler.report.plan_context import Context, State
from reconciler.report.words import (
    COUNTED,
    HARM,
    SYMBOLS,
    Run,
    allow_flag,
    blocking_hazards,
    counted,
    ended,
    extent,
    lock_lines,
    other_hazards,
    runs,
    steps_named,
    tally,
    visible,
    visible_sql,
)

_SQL_LINES = 16
"""Longer statements are cut unless all is asked for."""


def render(
    plan: Plan, context: Context | None = None, *, colour: bool, width: int, verbose: bool = False
) -> str:
    """The whole plan: what it adds up to, what it can harm, its steps, and what to run next.

    `verbose` shows long statements in full and ids.
    """
    paint = Paint(colour, width)
    context = context or Context()
    if plan.is_empty:
        nothing = paint("✓ ", "bold", "green") + f"nothing to do. {visible(context.settled)}"
        return _joined([[nothing], *_asides(plan, paint)])
    blocks = [_header(plan, context, paint, verbose), _held_back(context, paint), _hazards(plan, paint)]
    parts = runs(plan)
    subjects = Subjects(plan)
    for part in parts:
        if len(parts) > 1:
            blocks.append([paint.rule(_run_title(part))])
        for home, steps in _by_home(part, subjects):
            blocks.extend(_home_block(home, steps, _Drawn(part, paint, context, verbose)))
    return _joined([*blocks, *_asides(plan, paint), _next(plan, context, paint)])


def render_step(plan: Plan, number: int, context: Context | None = None, *, colour: bool, width: int) -> str:
    """All there is to know about one step. Raises UsageError where the plan has no such step."""
    part = next((part for part in runs(plan) for step in part.steps if step.number == number), None)
    if part is None:
        hint = f"steps are numbered from 1 to {len(plan.steps)}" if plan.steps else "the plan is empty"
        raise UsageError(f"the plan has no step {number}", hint=hint)
    paint = Paint(colour, width)
    step = next(step for step in part.steps if step.number == number)
    lines = [_head(step, paint, ""), ""]
    lines += _details(step, _Drawn(part, paint, context or Context(), True), "  ")
    facts = {
        "object": str(step.object),
        "after": _references(plan, step.requires),
        "before": _references(plan, [other.number for other in plan.steps if number in other.requires]),
        "with": _company(step, part),
        "makes": ", ".join(step.folded),
        "path": f"search_path is {step.search_path}, for functions that it runs" if step.search_path else "",
        "locks": ", ".join(f"{lock.mode} on {lock.relation}" for lock in step.locks),
    }
    for name, text in facts.items():
        if text:
            lines += paint.wrapped(f"{name:<7}  {visible(text)}", "  ", "dim", hanging=" " * 9)
    for hazard in step.hazards:
        if hazard.code in BLOCKING:
            lines += ["", f"  consent: reconcile apply PLAN {visible(allow_flag(hazard))}"]
    return _joined([lines, _sql_lines(step, paint, "  ", True)])


def _joined(blocks: list[list[str]]) -> str:
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _header(plan: Plan, context: Context, paint: Paint, verbose: bool) -> list[str]:
    counts = "  ".join(paint(text, "bold", ACTION_COLOURS[action]) for action, text in tally(plan))
    words = ", ".join(f"{text[1:]} {COUNTED[action]}" for action, text in tally(plan))
    lines = [
        f"{paint('Plan', 'bold')}  {counts}",
        paint(f"{words}; {extent(plan)}; PostgreSQL {plan.server_major}", "dim"),
    ]
    if verbose:
        lines.append(paint(f"{plan.from_fingerprint} → {plan.to_fingerprint}", "dim"))
    if plan.edited is not None:
        lines += paint.wrapped(f"The SQL was edited by hand: {visible(plan.edited)}", "", "yellow")
    if context.owners:
        named = "; ".join(visible(str(group)) for group in context.owners)
        lines += paint.wrapped(f"Approval by: {named}", "", "dim", hanging="  ")
    return lines


def _held_back(context: Context, paint: Paint) -> list[str]:
    """What the target's policy has against it."""
    if context.standing is None or context.standing.state is not State.BLOCKED:
        return []
    first, *rest = visible_sql(context.standing.detail).split("\n")
    lines = [paint(f"✗ held back: {first}", "bold", "red")]
    return lines + [part for line in rest for part in paint.wrapped(line.strip(), "    ", hanging="  ")]


def _hazards(plan: Plan, paint: Paint) -> list[str]:
    """What can hurt, before anything else; what deletes data is never shortened."""
    open_hazards = plan.blocking
    open_keys = {(step.number, hazard) for step, hazard in open_hazards}
    severe = blocking_hazards(plan)
    lines = []
    if open_hazards:
        needs = "hazard needs" if len(open_hazards) == 1 else "hazards need"
        lines.append(paint(f"✗ {len(open_hazards)} {needs} your consent", "bold", "red"))
    elif severe:
        lines.append(paint(f"✓ consent was given to {counted(len(severe), 'hazard')}", "bold", "yellow"))
    for step, hazard in severe:
        is_open = (step.number, hazard) in open_keys
        lines += _hazard_lines(step, hazard, paint, is_open)
        if not is_open:
            reasons = [ack for ack in plan.acks if (ack.step, ack.code) == (step.number, hazard.code)]
            for ack in reasons:
                by = f", says {visible(ack.by)}" if ack.by else ""
                lines += paint.wrapped(f"allowed: {visible(ack.reason)}{by}", "      ", "dim")
    if others := other_hazards(plan):
        lines.append(paint("! also" if lines else "! to know", "bold", "yellow"))
        breadth = max(len(harm) for harm, _ in others)
        lines += [f"    {paint(harm.ljust(breadth), 'yellow')}  {steps}" for harm, steps in others]
    return lines


def _hazard_lines(step: Step, hazard: Hazard, paint: Paint, is_open: bool) -> list[str]:
    style = "red" if is_open else "yellow"
    lines = paint.wrapped(f"step {step.number} {HARM[hazard.code]}: {visible(step.label)}", "    ", style)
    lines += paint.wrapped(visible(hazard.message), "      ")
    if is_open:
        lines.append("      " + paint(visible(allow_flag(hazard)), "cyan"))
    return lines


def _run_title(part: Run) -> str:
    named = steps_named(step.number for step in part.steps)
    if not part.is_transaction:
        return f"{named}, outside any transaction"
    return f"{named}, in a transaction"


def _by_home(part: Run, subjects: Subjects) -> list[tuple[ObjectId, list[Step]]]:
    found: dict[tuple[str, ...], tuple[ObjectId, list[Step]]] = {}
    for step in part.steps:
        home = subjects.home(step.object)
        found.setdefault(home.path if len(home.path) > 1 else (home.kind, *home.path), (home, []))[1].append(
            step
        )
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What the steps of one run are drawn with."""

    part: Run
    paint: Paint
    context: Context
    verbose: bool


def _home_block(home: ObjectId, steps: list[Step], drawn: _Drawn) -> Iterator[list[str]]:
    """The steps of one table or other object, under its own step or its name."""
    paint, verbose = drawn.paint, drawn.verbose
    is_led = steps[0].object == home
    heading = [] if is_led else [paint(f"{home.kind} {visible('.'.join(home.path))}".strip(), "bold")]
    for step in steps:
        indent = "" if step.object == home and is_led else "  "
        inner = indent + " " * 6
        lines = [_head(step, paint, indent), *_details(step, drawn, inner)]
        if verbose and step.folded:
            labels = ", ".join(visible(label) for label in step.folded)
            lines += paint.wrapped(f"with {labels}", inner, hanging="  ")
        yield [*heading, *lines, *_sql_lines(step, paint, inner + "  ", verbose)]
        heading = []


def _head(step: Step, paint: Paint, indent: str) -> str:
    style = ACTION_COLOURS[step.action]
    number = paint(f"{step.number:>3}", "dim")
    return (
        f"{indent}{number} {paint(SYMBOLS[step.action], 'bold', style)} {paint(visible(step.label), style)}"
    )


def _details(step: Step, drawn: _Drawn, indent: str) -> list[str]:
    paint = drawn.paint
    lines: list[str] = []
    for hazard in step.hazards:
        style = "red" if hazard.code in BLOCKING else "yellow"
        text = f"{HARM[hazard.code]}: {visible(hazard.message)}"
        lines += paint.wrapped(f"{'✗' if style == 'red' else '!'} {text}", indent, style, hanging="  ")
    for why in step.why:
        lines += paint.wrapped(visible(why), indent)
    if step.source:
        source = visible(step.source)
        if len(step.why) == 1 and len(lines[-1]) + len(source) + 3 <= paint.width:
            lines[-1] += f" ({paint(source, 'cyan')})"
        else:
            lines.append(indent + paint(source, "cyan"))
    for line in lock_lines(step, drawn.part, drawn.context.sizes):
        lines += paint.wrapped(line, indent, hanging="  ")
    return lines


def _sql_lines(step: Step, paint: Paint, indent: str, verbose: bool) -> list[str]:
    lines = [line for sql in step.sql for line in paint.sql(ended(visible_sql(sql)), indent)]
    if verbose or len(lines) <= _SQL_LINES + 1:
        return lines
    left = len(lines) - _SQL_LINES
    return [
        *lines[:_SQL_LINES],
        indent + paint(f"… {left} more lines: reconcile explain PLAN {step.number}", "dim"),
    ]


def _references(plan: Plan, numbers: list[int] | tuple[int, ...]) -> str:
    return ", ".join(f"step {number} ({plan.steps[number - 1].label})" for number in numbers)


def _company(step: Step, part: Run) -> str:
    if step.mode is Mode.ALONE:
        return "nothing: it runs outside any transaction"
    others = [other.number for other in part.steps if other is not step]
    end = "; the transaction is committed right after" if step.mode is Mode.COMMIT_AFTER else ""
    return (f"{steps_named(others)}, in one transaction" if others else "a transaction of its own") + end


def _asides(plan: Plan, paint: Paint) -> Iterator[list[str]]:
    if plan.unknown:
        count = counted(len(plan.unknown), "object")
        yield _listing(paint, f"Not looked at: {count} of a kind that is not modelled", plan.unknown)
    for heading, notes in by_heading(plan.notes).items():
        yield _listing(paint, heading, notes)


def _listing(paint: Paint, heading: str, items: tuple[str, ...]) -> list[str]:
    lines = [
        line for item in items for line in paint.wrapped("· " + visible(item), "  ", "dim", hanging="  ")
    ]
    return [paint(heading, "bold"), *lines]


def _next(plan: Plan, context: Context, paint: Paint) -> list[str]:
    """The commands that go on from here, as they can be copied."""
    if not context.can_be_applied:
        return []
    saving = [] if context.file else [context.again]
    file = shlex.quote(visible(context.file)) if context.file else ""
    apply = " ".join(filter(None, ("reconcile apply", file, visible(context.database_said))))
    blocking = plan.blocking
    if not blocking:
        return [f"Next: {paint(saving[0] if saving else apply, 'bold')}"]
    before = [f"  {paint(command, 'bold')}" for command in saving]
    flags = [visible(allow_flag(hazard)) for _, hazard in blocking]
    if len(flags) == 1:
        return ["If that is what you want:", *before, f"  {paint(f'{apply} {flags[0]}', 'bold')}"]
    command = " \\\n".join([f"  {paint(apply, 'bold')}", *(f"    {flag}" for flag in flags)])
    return ["If that is what you want:", *before, command]
