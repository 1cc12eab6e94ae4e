"""reconcile explain: say why a step is there."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from reconciler.cli import formats, options
from reconciler.cli.commands.show import PlanName
from reconciler.cli.failure_report import failing_in_format


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("explain")(failing_in_format(explain))


def explain(
    plan: PlanName = None,
    steps: Annotated[
        list[int] | None,
        typer.Argument(metavar="[STEP]...", help="Numbers of steps; else all.", show_default=False),
    ] = None,
    step: Annotated[
        list[int] | None,
        typer.Option("--step", help="The same, by name. Repeatable.", show_default=False),
    ] = None,
    target: options.Target = None,
    format: options.ResultFormat = formats.Shape.TEXT,
) -> int:
    """Say why steps are there, what they need, lock and risk."""
    from reconciler.cli.console import has_colour, show_json, width
    from reconciler.cli.plan_argument import named_plan
    from reconciler.report import json, text

    found = named_plan(plan, target)
    numbers = [*(steps or ()), *(step or ())] or [one.number for one in found.plan.steps]
    colour = has_colour(sys.stdout)
    shown = [text.render_step(found.plan, number, colour=colour, width=width()) for number in numbers]
    if format is formats.Shape.JSON:
        told = json.as_data(found.plan)["steps"]
        show_json([data for data in told if data["number"] in numbers])
        return 0
    sys.stdout.write("\n".join(shown) if shown else "the plan has no steps\n")
    return 0
