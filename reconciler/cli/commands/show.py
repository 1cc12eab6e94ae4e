"""reconcile show: render a saved plan."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.cli import formats, options
from reconciler.cli.failure_report import failing_in_format
from reconciler.cli.report_context import owners_around, told_around

if TYPE_CHECKING:
    from reconciler.cli.plan_argument import Named
    from reconciler.report.plan_context import Context

PlanName = Annotated[
    str | None,
    typer.Argument(help="A plan file, or a number or slug of the chain; else the next or last in the chain.",
                   show_default=False),
]  # fmt: skip


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("show")(failing_in_format(show))


def show(
    plan: PlanName = None,
    target: options.Target = None,
    verbose: options.Verbose = False,
    format: options.PlanFormat = formats.Format.TEXT,
    max_chars: options.MaxChars = None,
    everything: Annotated[
        bool, typer.Option("--all", help="The last plan of every target, in one report: markdown or json.")
    ] = False,
) -> int:
    """Render a saved plan."""
    from reconciler import app
    from reconciler.cli.approval_note import approval
    from reconciler.cli.console import say
    from reconciler.cli.plan_argument import named_plan
    from reconciler.cli.report_output import show_plan

    if everything:
        _show_all(plan or target, format, max_chars)
        return 0
    found = named_plan(plan, target)
    context = _around(found)
    show_plan(found.plan, format, context, verbose, max_chars, "show")
    if (approved := approval(app.Saved(found.path, found.text), found.target)) is not None:
        say(f"{found.path}: {approved}")
    return 0


def _around(found: Named) -> Context:
    from reconciler.cli.approval_note import requirement_of

    again = f"reconcile plan --target {shlex.quote(found.target)} --save"
    named = None if found.target == "default" else again
    context = told_around(found.target, str(found.path), str(found.path), named)
    owners = owners_around(found.path, found.path.parent, requirement_of(found.target))
    return dataclasses.replace(context, owners=owners, settled="The plan has no steps.")


def _show_all(named: str | None, format: formats.Format, max_chars: int | None) -> None:
    """Raise UsageError where one plan is named, and for formats that are about one target."""
    import sys

    from reconciler import settings
    from reconciler.cli.console import show_json
    from reconciler.cli.plan_argument import named_plan
    from reconciler.core.errors import UsageError
    from reconciler.engine.chain.chain_file import CHAIN
    from reconciler.report import json, markdown

    if named is not None:
        raise UsageError("--all is about every target", hint=f"leave out `{named}`, or --all")
    if format not in (formats.Format.MARKDOWN, formats.Format.JSON):
        hint = "name each with --target, or pass --format markdown or json"
        raise UsageError(f"--format {format} is about one target", hint=hint)
    project = settings.find_project(Path.cwd())
    chained = [name for name in project.settings.targets if (project.plans / name / CHAIN).exists()]
    found = [named_plan(None, name) for name in chained]
    sections = [(one.plan, _around(one)) for one in found]
    if not sections:
        raise UsageError(f"no target has a chain in {project.plans}", hint="make one: reconcile plan --save")
    if format is formats.Format.JSON:
        show_json([json.as_data(saved, context) for saved, context in sections])
    else:
        sys.stdout.write(markdown.overview(sections, max_chars or markdown.BUDGET))
