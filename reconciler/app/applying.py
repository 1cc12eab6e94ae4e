"""Applying a plan, under what the target's settings approve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.app.comparison import observer
from reconciler.app.policy import Policy
from reconciler.core.errors import InvalidInput, UsageError

if TYPE_CHECKING:
    from reconciler.engine.apply import Verdict
    from reconciler.engine.consent import Consent
    from reconciler.engine.plan import Plan
    from reconciler.engine.progress import Event
    from reconciler.engine.session import Pooler


@dataclass(frozen=True, slots=True)
class Application:
    """How and where plans are applied."""

    url: str
    consent: Consent
    wait_lock_seconds: float = 0.0
    pooler: Pooler = "refuse"
    report: Callable[[Event], None] = field(default=lambda _event: None)
    policy: Policy = field(default_factory=Policy)


def read_plan(path: Path) -> tuple[Plan, str]:
    """A plan file as a plan and as text. Raises UsageError and InvalidInput."""
    from reconciler.engine import planfile

    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not a plan file: it is not UTF-8") from None
    except OSError as error:
        raise UsageError(f"cannot read the plan {path}: {(error.strerror or str(error)).lower()}") from None
    return planfile.load(text, str(path)), text


def apply_plan(plan: Plan, how: Application, text: str | None = None) -> Verdict:
    """Carry out a plan; `text` is its file, where it has one. Raises what engine.apply.apply raises."""
    from reconciler import __version__
    from reconciler.engine import planfile
    from reconciler.engine.apply import ApplyOptions, apply

    consent = how.policy.consent(how.consent)
    how.policy.hold_back(plan, how.url, consent)
    options = ApplyOptions(
        consent=consent,
        plan_id=planfile.plan_id(plan),
        plan_text=text if text is not None else planfile.dump(plan),
        tool_version=__version__,
        wait_lock_seconds=how.wait_lock_seconds,
        pooler=how.pooler,
    )
    return apply(plan, how.url, observer(plan), options, how.report)
