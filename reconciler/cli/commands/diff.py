"""reconcile diff: any two states."""

from __future__ import annotations

import dataclasses
import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import formats, options, state_argument
from reconciler.cli.failure_report import failing_in_format, state_named
from reconciler.cli.report_context import told_around


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("diff")(failing_in_format(diff))


def diff(
    first: Annotated[
        str,
        typer.Argument(
            metavar="A", help=f"The state to start from: {state_argument.ANY}", show_default=False
        ),
    ],
    second: Annotated[
        str,
        typer.Argument(metavar="B", help=f"The state to end at: {state_argument.ANY}", show_default=False),
    ],
    target: options.Target = None,
    url: options.Url = None,
    detailed_exitcode: options.DetailedExitcode = False,
    ownership: options.Ownership = False,
    scratch_url: options.ScratchUrl = None,
    verbose: options.Verbose = False,
    format: options.PlanFormat = formats.Format.TEXT,
    max_chars: options.MaxChars = None,
) -> int:
    """What would turn state A into state B; nothing is changed."""
    from reconciler import app, settings
    from reconciler.cli.report_output import show_plan

    project = settings.find_project(Path.cwd())
    states = [state_argument.state_of(text, target, url, None) for text in (first, second)]
    scratch = scratch_url or os.environ.get("RECONCILE_SCRATCH_URL")
    request = app.Request("", Path(), project.scope(ownership), scratch)
    found = app.difference(states[0], states[1], request)
    place = second if Path(second).exists() else "."
    names = [state_named(text) for text in (first, second)]
    context = told_around(" → ".join(names), place, again=f"reconcile diff {shlex.join(names)}")
    context = dataclasses.replace(context, settled="The two states are alike.", can_be_applied=False)
    show_plan(found, format, context, verbose, max_chars, "diff")
    return options.CHANGES if detailed_exitcode and not found.is_empty else 0
