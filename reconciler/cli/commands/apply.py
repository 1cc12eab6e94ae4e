"""reconcile apply: carry out a saved plan, or what is pending in the target's chain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import formats, options
from reconciler.cli.failure_report import failing_in_format


def register(application: typer.Typer) -> None:
    """Add the command."""
    application.command("apply")(failing_in_format(apply))


def apply(
    plan: Annotated[
        Path | None,
        typer.Argument(help="A plan file; else the next in the target's chain.", show_default=False),
    ] = None,
    target: options.Target = None,
    url: options.Url = None,
    allow: options.Allow = None,
    wait_lock: options.WaitLock = 0.0,
    everything: Annotated[bool, typer.Option("--all", help="All that is pending in the chain.")] = False,
    format: options.AppliedShape = formats.AppliedFormat.TEXT,
) -> int:
    """Carry out a saved plan, or the next in the target's chain."""
    from reconciler import app
    from reconciler.cli import apply_flow, termination_message
    from reconciler.cli.console import say
    from reconciler.core.errors import UsageError

    consent = apply_flow.consent_of(allow)
    chosen = None
    if plan is not None:
        # What the file says is wrong with or without a server.
        read, text = app.read_plan(plan)
        chosen = options.choose(target, url)
        saved = app.Saved(plan, text)
        apply_flow.conclude([apply_flow.timed(chosen, consent, wait_lock, read, saved)], format, chosen)
        return 0
    chosen = options.choose(target, url)
    chained = app.read_plans(chosen.plans)
    if not chained:
        hint = "name a plan file, or make one: reconcile plan --save"
        raise UsageError(f"target `{chosen.target}` has no chain of plans in {chosen.plans}", hint=hint)
    place = app.place_in(chained, chosen.url)
    pending = place.pending
    if place.done and not pending:
        termination_message.note(plan=place.done[-1].path.name)
    taken = pending if everything else pending[:1]
    apply_flow.require_approvals(place, taken, chosen)
    done = []
    for next_one in taken:
        if len(taken) > 1:
            say(f"{next_one.path.name}:")
        done.append(
            apply_flow.timed(chosen, consent, wait_lock, next_one.plan, next_one.saved, next_one.path.name)
        )
    apply_flow.conclude(done, format, chosen, pending=len(pending) - len(done))
    return 0
