"""reconcile demo: the whole loop on the local server, with this project's schema or an example."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from reconciler.cli import options
from reconciler.core.counting import counted

if TYPE_CHECKING:
    from reconciler.app import Request, Stage
    from reconciler.engine.plan.model import Action, Plan
    from reconciler.report.paint import Paint


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("demo")(demo)


def demo(schema: options.Schema = None) -> int:
    """The whole loop on a local server: plan, save, apply, change, plan."""
    from reconciler import app, settings
    from reconciler.cli.console import has_colour, width
    from reconciler.report.paint import Paint

    project = settings.find_project(Path.cwd())
    paint = Paint(has_colour(sys.stdout), width())
    with _act(paint, 1, "A PostgreSQL server of our own"):
        stage = app.set_stage(project.root, schema or project.schema)
        _line(paint, "it runs under .reconcile/ and stays for the next time; the database is new and empty")
    request = app.Request(stage.url, stage.schema, base=stage.schema.parent)
    first = _first_plan(stage, request, paint)
    _second_plan(stage, request, paint)
    if first is not None:
        _farewell(stage, first, paint)
    return 0


def _first_plan(stage: Stage, request: Request, paint: Paint) -> Path | None:
    """Plan, show, save, apply, and plan again: the same schema is nothing to do."""
    from reconciler import app
    from reconciler.engine.chain import chain
    from reconciler.engine.plan.consent import Consent

    with _act(paint, 2, "Plan: from an empty database to what the YAML declares"):
        made = app.make_plan(request)
        _outline(made, paint)
    if made.is_empty:
        return None
    with _act(paint, 3, "Save: the plan is a file to review and merge"):
        path = chain.append(stage.plans, made, "start")
        lines = len(path.read_text(encoding="utf-8").splitlines())
        _line(paint, f"{options.near(path)} ({counted(lines, 'line')} of SQL, reasons, locks and hazards)")
    with _act(paint, 4, "Apply: in one transaction, verified at the end"):
        plan, text = app.read_plan(path)
        verdict = app.apply_plan(plan, app.Application(stage.url, Consent()), app.Saved(path, text))
        _line(paint, f"{counted(len(verdict.ran), 'step')} done; the database is what the plan makes of it")
    with _act(paint, 5, "Plan again: the database is in sync"):
        again = app.make_plan(request)
        _line(
            paint,
            "nothing to do"
            if again.is_empty
            else f"left, which is a defect: {counted(len(again.steps), 'step')}",
        )
    return path


def _second_plan(stage: Stage, request: Request, paint: Paint) -> None:
    """Change one thing in the copy, and show what the plan for it says."""
    from reconciler import app
    from reconciler.report import text

    with _act(paint, 6, "Change one line of a copy, and plan"):
        edit = app.add_column(stage.schema)
        if edit is None:
            _line(paint, "no table here has its columns one on a line, so that nothing is changed")
            return
        _line(paint, f"{options.near(edit.file)}:{edit.line}  {paint('+ ' + edit.text.strip(), 'green')}")
        made = app.make_plan(request)
        sys.stdout.write("\n")
        shown = text.render(made, colour=paint.colour, width=paint.width - 4)
        for line in shown.splitlines():
            if not line.startswith("Next: "):
                sys.stdout.write(f"    {line}\n" if line else "\n")


def _outline(plan: Plan, paint: Paint) -> None:
    """What there is to do, by kind: a line or two for each, with the names."""
    from reconciler.engine.plan.title import Subjects
    from reconciler.report.paint import ACTION_COLOURS
    from reconciler.report.words import SYMBOLS, extent

    subjects = Subjects(plan)
    groups: dict[tuple[Action, str], list[str]] = {}
    for step in plan.steps:
        is_facet = subjects.described(step.object) is not None
        kind = step.object.kind.replace("_", " ")
        name = "" if is_facet else ".".join(subjects.name(step.object))
        groups.setdefault((step.action, kind), []).append(name)
    for (action, kind), names in groups.items():
        sign = paint(SYMBOLS[action], "bold", ACTION_COLOURS[action])
        head = f"    {sign} {counted(len(names), kind):<22}"
        told = ", ".join(filter(None, names))
        room = paint.width - 28
        told = told if len(told) <= room else told[: told.rfind(",", 0, room - 1) + 1] + " …"
        sys.stdout.write(f"{head}{paint(told, 'dim')}".rstrip() + "\n")
    _line(paint, f"{extent(plan)}; PostgreSQL {plan.server_major}")


@contextmanager
def _act(paint: Paint, number: int, title: str) -> Iterator[None]:
    """A heading, and at the end how long it took."""
    from time import monotonic

    start = monotonic()
    sys.stdout.write(f"\n{paint(f' {number} ', 'bold', 'cyan')} {paint(title, 'bold')}\n")
    sys.stdout.flush()
    yield
    sys.stdout.write(f"    {paint(f'{monotonic() - start:.1f} s', 'dim')}\n")
    sys.stdout.flush()


def _line(paint: Paint, text: str) -> None:
    sys.stdout.write(f"    {text}\n")
    sys.stdout.flush()


def _farewell(stage: Stage, plan: Path, paint: Paint) -> None:
    sys.stdout.write(f"\n{paint('What to try next', 'bold')}\n")
    for command, why in (
        (f"reconcile show {options.near(plan)}", "the whole plan, as a reviewer reads it"),
        (f"reconcile explain {options.near(plan)} 3", "why a step is there, and what it locks"),
        ("reconcile push", "bring the local server to schema/ as it is now"),
        ("reconcile init my-project", "start a project; with --url from a database that exists"),
    ):
        _line(paint, f"{paint(command, 'cyan')}\n        {why}")
