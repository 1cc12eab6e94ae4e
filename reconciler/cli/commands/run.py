"""reconcile run: plan, gate and apply in one; the deploy Job."""

from __future__ import annotations

import typer

from reconciler.cli import formats, options
from reconciler.cli.failure_report import failing_in_format


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("run")(failing_in_format(run))


def run(
    target: options.Target = None,
    url: options.Url = None,
    schema: options.Schema = None,
    allow: options.Allow = None,
    wait_lock: options.WaitLock = 0.0,
    ownership: options.Ownership = False,
    scratch_url: options.ScratchUrl = None,
    format: options.AppliedShape = formats.AppliedFormat.TEXT,
) -> int:
    """Plan, gate and apply in one: the deploy Job.

    Where the target has a chain of plans, what is pending is applied, and then nothing may differ from the
    schema folder. Without one the plan is made on the spot, unless the target wants signed plans.
    """
    from reconciler import app
    from reconciler.cli import apply_flow, termination_message

    consent = apply_flow.consent_of(allow)
    chosen = options.choose(target, url, schema)
    request = options.request_of(chosen, ownership, scratch_url)
    chained = app.read_plans(chosen.plans)
    if not chained:
        made = app.make_plan(request)
        apply_flow.conclude([apply_flow.timed(chosen, consent, wait_lock, made)], format, chosen)
        return 0
    place = app.place_in(chained, chosen.url)
    pending = place.pending
    if place.done and not pending:
        termination_message.note(plan=place.done[-1].path.name)
    apply_flow.require_approvals(place, pending, chosen)
    done = [
        apply_flow.timed(chosen, consent, wait_lock, one.plan, one.saved, one.path.name) for one in pending
    ]
    apply_flow.require_no_difference(app.make_plan(request), chosen)
    apply_flow.conclude(done, format, chosen)
    return 0
