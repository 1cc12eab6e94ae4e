"""reconcile show: render a saved plan."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli import options

PlanName = Annotated[
    str | None,
    typer.Argument(help="A plan file, or a number or slug of the chain; else the next or last in the chain.",
                   show_default=False),
]  # fmt: skip


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("show")(show)


def show(
    plan: PlanName = None,
    target: options.Target = None,
    verbose: options.Verbose = False,
    format: options.PlanFormat = options.Format.TEXT,
) -> int:
    """Render a saved plan."""
    from reconciler.cli.naming import named_plan
    from reconciler.cli.output import show_plan

    found = named_plan(plan, target)
    show_plan(found.plan, format, found.target, verbose, str(found.path))
    return 0
