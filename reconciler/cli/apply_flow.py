"""What the commands that change a database share: asking for consent, progress, and the result."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.cli.formats import AppliedFormat
from reconciler.cli.options import Chosen
from reconciler.core.dataclass import dataclass

if TYPE_CHECKING:
    from reconciler.app import ChainedPlan, Place, Saved
    from reconciler.engine.execute.apply import Verdict
    from reconciler.engine.plan.consent import Consent
    from reconciler.engine.plan.model import Plan


def consent_of(allow: Sequence[str] | None) -> Consent:
    """What --allow says; RECONCILE_ALLOW counts too, separated by commas. Raises UsageError."""
    import os

    from reconciler.engine.plan.consent import Consent

    more = [text for text in os.environ.get("RECONCILE_ALLOW", "").split(",") if text.strip()]
    return Consent.parse([*(allow or ()), *more])


def carry_out(
    plan: Plan, chosen: Chosen, consent: Consent, wait_lock: float, saved: Saved | None = None
) -> Verdict:
    """Apply with progress on standard error; at a terminal, ask for the consent that is missing.

    Raises what app.apply_plan raises.
    """
    from reconciler import app
    from reconciler.cli import termination_message
    from reconciler.cli.console import can_ask
    from reconciler.cli.progress import Display
    from reconciler.core.errors import Blocked
    from reconciler.engine.plan.consent import missing_consent

    display = Display()
    heard = termination_message.counting(display)
    how = app.Application(
        chosen.url, consent, wait_lock, chosen.pooler, heard, chosen.policy, requirement=chosen.requirement
    )
    try:
        return app.apply_plan(plan, how, saved)
    except Blocked:
        missing = missing_consent(plan, consent)
        if not missing or not can_ask():
            raise
        given = _asked(plan, consent)
        if given is None:
            raise
    finally:
        display.end()
    return app.apply_plan(plan, dataclasses.replace(how, consent=given), saved)


def require_approvals(place: Place, taken: Sequence[ChainedPlan], chosen: Chosen) -> None:
    """Raise NotApproved for the first plan that lacks what the target wants, before any of them is run."""
    from reconciler import app
    from reconciler.cli import termination_message

    termination_message.course().waiting = len(place.pending)
    for one in taken:
        app.require_approval(one.plan, one.saved, chosen.requirement)
    app.require_unused(place, taken, chosen.url, chosen.requirement)


def _asked(plan: Plan, consent: Consent) -> Consent | None:
    from reconciler.cli.console import say
    from reconciler.engine.plan.consent import missing_consent

    missing = missing_consent(plan, consent)
    say("This plan needs your consent:")
    for step, hazard in missing:
        say(f"  step {step.number}: {hazard.code}: {hazard.message}")
    sys.stderr.write("Type yes to go on: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() != "yes":
        return None
    allowed = {(hazard.code, str(hazard.object)) for _, hazard in missing}
    return dataclasses.replace(consent, objects=consent.objects | allowed)


@dataclass(frozen=True, slots=True)
class Carried:
    """A plan that was carried out."""

    plan: Plan
    verdict: Verdict
    seconds: float
    name: str = ""
    """The plan's file, where it is one of a chain."""


def timed(
    chosen: Chosen, consent: Consent, wait_lock: float, plan: Plan, saved: Saved | None = None, name: str = ""
) -> Carried:
    """`carry_out` with the time that it took."""
    from time import monotonic

    from reconciler.cli import termination_message

    begun = termination_message.note_plan(plan, name)
    start = monotonic()
    try:
        begun.verdict = verdict = carry_out(plan, chosen, consent, wait_lock, saved)
    finally:
        begun.seconds = monotonic() - start
    return Carried(plan, verdict, begun.seconds, name)


def conclude(carried: Sequence[Carried], format: AppliedFormat, chosen: Chosen, pending: int = 0) -> None:
    """Say what was done: the last thing that a command writes."""
    from reconciler.cli.console import show, show_json
    from reconciler.cli.verdicts import verdict_data, verdict_text

    if format is AppliedFormat.MARKDOWN:
        _comment(carried, chosen, pending)
        return
    if format is AppliedFormat.JSON:
        plans = [verdict_data(one.verdict) | {"file": one.name or None} for one in carried]
        show_json({"plans": plans, "pending": pending})
        return
    for one in carried:
        show(verdict_text(one.verdict, one.seconds, one.name))
    if not carried:
        show("nothing is pending")
    elif pending:
        show(f"{pending} more pending")


def _comment(carried: Sequence[Carried], chosen: Chosen, pending: int) -> None:
    from datetime import UTC, datetime

    from reconciler.cli.report_context import told_around
    from reconciler.report import applied

    done = [
        applied.Done(
            one.plan,
            len(one.verdict.ran) + len(one.verdict.resumed_after),
            one.seconds,
            str(chosen.plans / one.name) if one.name else "",
            one.verdict.was_applied,
        )
        for one in carried
    ]
    context = told_around(chosen.target, str(chosen.schema))
    sys.stdout.write(applied.render(done, context, datetime.now(UTC), pending))


def require_no_difference(plan: Plan, chosen: Chosen) -> None:
    """Raise Blocked where the chain is applied, and the declared state is still another."""
    from reconciler.core.errors import Blocked

    if plan.is_empty:
        return
    lines = [f"  {step.action.value} {step.label}" for step in plan.steps[:20]]
    if len(plan.steps) > len(lines):
        lines.append(f"  and {len(plan.steps) - len(lines)} more")
    raise Blocked(
        "\n".join([f"after the chain's last plan the database still differs from {chosen.schema}:", *lines]),
        hint="save a plan for it and have it reviewed: reconcile plan --save",
    )
