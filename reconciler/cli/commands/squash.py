"""reconcile squash: one plan in the place of the chain's first plans."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli import formats, options
from reconciler.cli.failure_report import failing_in_format
from reconciler.core.counting import counted


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("squash")(failing_in_format(squash))


def squash(
    through: Annotated[
        int | None,
        typer.Argument(
            metavar="NUMBER", help="The last plan that is squashed; else all are.", show_default=False
        ),
    ] = None,
    target: options.Target = None,
    url: options.Url = None,
    name: Annotated[str, typer.Option("--name", help="The new plan's slug.")] = "squashed",
    ownership: options.Ownership = False,
    scratch_url: options.ScratchUrl = None,
    format: options.ResultFormat = formats.Shape.TEXT,
) -> int:
    """Put one plan in the place of the first plans of the target's chain. No database is connected to.

    A database that is after the last of them, or before the first, goes on as if nothing had happened. One in
    between is told which plans it needs first.
    """
    from reconciler import app
    from reconciler.cli.console import show, show_json

    chosen = options.choose(target, url, connects=False)
    before = app.read_plans(chosen.plans)
    path = app.squash(chosen.plans, through, options.offline_request(chosen, ownership, scratch_url), name)
    left = {one.path for one in app.read_plans(chosen.plans)}
    gone = [one.link.file_name for one in before if one.path not in left]
    if format is formats.Shape.JSON:
        show_json({"plan": str(path), "squashed": gone})
        return 0
    show(f"{path} does the work of {counted(len(gone), 'plan')}: {', '.join(gone)}")
    return 0
