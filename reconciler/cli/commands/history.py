"""reconcile history: the runs that the journal tells of."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import typer

from reconciler.cli import formats, options
from reconciler.cli.failure_report import failing_in_format


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("history")(failing_in_format(history))


def history(
    target: options.Target = None,
    url: options.Url = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many, newest first.")] = 20,
    format: options.ResultFormat = formats.Shape.TEXT,
) -> int:
    """The runs on this database, newest first."""
    from reconciler import app
    from reconciler.cli.console import show, show_json, show_wrapped
    from reconciler.cli.run_line import WayOn, run_text
    from reconciler.core.errors import InvalidInput

    chosen = options.choose(target, url)
    runs = app.history(chosen.url, limit)
    if format is formats.Shape.JSON:
        show_json([app.run_data(run) for run in runs])
        return 0
    chain: Sequence[app.ChainedPlan] = ()
    if any(run.outcome == "interrupted" for run in runs):
        with suppress(InvalidInput):
            chain = app.read_plans(chosen.plans)
    way_on = WayOn(chain, target, url)
    for run in runs:
        show_wrapped(f"{run_text(run, way_on)}; plan {run.plan.id[:19]}")
        if run.error_message:
            show_wrapped(run.error_message.splitlines()[0], "    ")
    if not runs:
        show("no runs yet")
    return 0
