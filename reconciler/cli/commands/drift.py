"""reconcile drift: what differs from the state that was last applied."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from reconciler.cli import formats, options, termination_message
from reconciler.cli.failure_report import failing_in_format

_MOST_NAMED = 20


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("drift")(failing_in_format(drift))


def drift(
    target: options.Target = None,
    url: options.Url = None,
    schema: options.Schema = None,
    detailed_exitcode: options.DetailedExitcode = False,
    ownership: options.Ownership = False,
    scratch_url: options.ScratchUrl = None,
    format: options.FindingsShape = formats.FindingsFormat.TEXT,
) -> int:
    """What differs from the state that was last applied."""
    from reconciler import app
    from reconciler.cli.console import show, show_json
    from reconciler.cli.report_context import told_around
    from reconciler.cli.report_output import show_findings
    from reconciler.report import findings

    chosen = options.choose(target, url, schema)
    wanted = None
    if chosen.schema.exists():
        wanted = app.make_plan(options.request_of(chosen, ownership, scratch_url))
    found = app.drift(chosen.url, chosen.project.scope(ownership), wanted)
    moved = None if found is None else app.heads(found)
    if moved:
        termination_message.note(message=_summary([f"{one.how} {one.object}" for one in moved]))
    if format is formats.FindingsFormat.JSON:
        told = [{"object": str(one.object), "how": one.how} for one in moved or ()]
        show_json({"has_baseline": moved is not None, "drift": told})
    elif format is not formats.FindingsFormat.TEXT:
        listed = None if moved is None else [(str(one.object), one.how) for one in moved]
        context = told_around(chosen.target, str(chosen.schema))
        show_findings(findings.of_drift(listed, wanted, context), format)
    elif moved is None:
        show("no run has left a state to compare with: reconcile apply or reconcile adopt makes one")
    else:
        for one in moved:
            show(f"{one.how:11} {one.object}")
        show(f"not as they were left: {len(moved)}" if moved else "no drift")
    return options.CHANGES if detailed_exitcode and moved else 0


def _summary(moved: Sequence[str]) -> str:
    """What differs, for a termination message: the number of objects, and the first of them."""
    more = f", and {len(moved) - _MOST_NAMED} more" if len(moved) > _MOST_NAMED else ""
    return f"not as they were left: {len(moved)} ({', '.join(moved[:_MOST_NAMED])}{more})"
