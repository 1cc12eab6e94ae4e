"""Applying a plan, under what the target's settings approve."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.app.approval.policy import Policy
from reconciler.app.approval.requirement import Requirement, require_approval
from reconciler.app.plans.plan_files import Saved
from reconciler.app.run.lost_privileges import require_known
from reconciler.app.run.stale_report import Witness
from reconciler.core.dataclass import dataclass
from reconciler.engine.connection.retry import Stop

if TYPE_CHECKING:
    from reconciler.engine.connection.session import Pooler
    from reconciler.engine.execute.apply import Verdict
    from reconciler.engine.execute.progress import Event
    from reconciler.engine.plan.consent import Consent
    from reconciler.engine.plan.model import Plan


@dataclass(frozen=True, slots=True)
class Application:
    """How and where plans are applied."""

    url: str
    consent: Consent
    wait_lock_seconds: float = 0.0
    pooler: Pooler = "refuse"
    report: Callable[[Event], None] = field(default=lambda _event: None)
    policy: Policy = field(default_factory=Policy)
    stop: Stop = field(default_factory=Stop)
    """Asked, it ends the run between two steps."""
    requirement: Requirement = field(default_factory=lambda: Requirement.of(None, Path(), os.environ))
    """What the plan needs before anything is done; what the environment asks for holds without settings."""


def apply_plan(plan: Plan, how: Application, saved: Saved | None = None) -> Verdict:
    """Carry out a plan; `saved` is its file, where it has one.

    Raises NotApproved before the database is connected to, and what engine.apply.apply raises. What was
    signed is run once.
    """
    from reconciler import __version__
    from reconciler.engine.execute.apply import ApplyOptions, apply
    from reconciler.engine.plan import plan_file

    require_approval(plan, saved, how.requirement)
    consent = how.policy.consent(how.consent)
    witness = Witness(plan, saved.path.parent if saved is not None else None, how.stop)

    def gate(done: Collection[int]) -> None:
        require_known(plan, witness.seen, consent, done)
        how.policy.hold_back(plan, how.url, consent, done)

    options = ApplyOptions(
        consent=consent,
        plan_id=plan_file.plan_id(plan),
        plan_text=saved.text if saved is not None else plan_file.dump(plan),
        tool_version=__version__,
        wait_lock_seconds=how.wait_lock_seconds,
        pooler=how.pooler,
        told=witness.told,
        runs_once=how.requirement.signers is not None,
        gate=gate,
        stop=how.stop,
    )
    return apply(plan, how.url, witness.observe, options, how.report)
