"""reconcile push: development; make the database match now, without a saved plan."""

from __future__ import annotations

from typing import Annotated

import typer

from reconciler.cli import formats, options
from reconciler.cli.failure_report import failing_in_format


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("push")(failing_in_format(push))


def push(
    target: options.Target = None,
    url: options.Url = None,
    schema: options.Schema = None,
    allow: options.Allow = None,
    ownership: options.Ownership = False,
    scratch_url: options.ScratchUrl = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not show the plan.")] = False,
    format: options.ResultFormat = formats.Shape.TEXT,
) -> int:
    """Development: make the database match now, with no saved plan."""
    from reconciler import app
    from reconciler.cli import apply_flow
    from reconciler.cli.report_output import show_plan
    from reconciler.report.plan_context import Context

    consent = apply_flow.consent_of(allow)
    chosen = options.choose(target, url, schema)
    made = app.make_plan(options.request_of(chosen, ownership, scratch_url))
    if format is formats.Shape.TEXT and not quiet and not made.is_empty:
        show_plan(made, formats.Format.TEXT, Context(chosen.target))
    apply_flow.conclude([apply_flow.timed(chosen, consent, 0.0, made)], formats.AppliedFormat(format), chosen)
    return 0
