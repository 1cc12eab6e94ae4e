"""reconcile undo: a plan back to an earlier state in the chain."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import formats, options
from reconciler.cli.failure_report import failing_in_format


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("undo")(failing_in_format(undo))


def undo(
    to: Annotated[
        int | None,
        typer.Option(
            "--to",
            min=0,
            help="The plan to whose state to go back, 0: before the first; else the last but one.",
            show_default=False,
        ),
    ] = None,
    target: options.Target = None,
    url: options.Url = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the plan file here.", show_default=False)
    ] = None,
    save: Annotated[bool, typer.Option("--save", help="Append the plan to the target's chain.")] = False,
    name: Annotated[
        str | None, typer.Option("--name", help="The plan's slug with --save.", show_default=False)
    ] = None,
    ownership: options.Ownership = False,
    scratch_url: options.ScratchUrl = None,
    verbose: options.Verbose = False,
    format: options.PlanFormat = formats.Format.TEXT,
    max_chars: options.MaxChars = None,
) -> int:
    """Plan the way back to an earlier state in the target's chain. Nothing is run.

    No database is connected to. Rows and values that were thrown away do not come back; the plan says which.
    """
    from reconciler import app
    from reconciler.cli.console import say
    from reconciler.cli.report_context import planned_around
    from reconciler.cli.report_output import show_plan
    from reconciler.engine.plan import plan_file

    chosen = options.choose(target, url, connects=False)
    request = options.offline_request(chosen, ownership, scratch_url)
    found = app.undo(chosen.plans, to, request)
    plan, file = found.compared.plan, out
    for line in found.lost:
        say(f"lost: {line}")
    if out is not None:
        app.write_text(out, plan_file.dump(plan))
    if save and not plan.is_empty:
        usual = f"back_to_{found.to:04}" if found.to else "back_to_the_start"
        path = app.save_plan(chosen.plans, found.compared, request.scope, name or usual)
        if (saved := app.saved_as(chosen.plans, plan)) is not None:
            plan, file = saved.plan, saved.path  # with the id that it has in the chain
        say(f"saved as {file}" if path else f"saved already: {file}")
        say(f"{chosen.schema} still asks for the later state: take it back too, or it is planned again")
    shown, context = planned_around(plan, chosen, format, file, is_live=False)
    again = " ".join(filter(None, ("reconcile undo --to", str(found.to), chosen.database_said, "--save")))
    context = dataclasses.replace(context, again=again, settled="The last state is that state.")
    show_plan(shown, format, context, verbose, max_chars)
    return 0
