"""Consent in a plan file: an entry of `acks`, with every other byte of the file as it was."""

from __future__ import annotations

import json
from pathlib import Path

from reconciler.app.files import write_text
from reconciler.app.plans.plan_files import read_plan
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import UsageError
from reconciler.core.statement import HazardCode
from reconciler.engine.plan.model import Ack, Plan

__all__ = ["Acked", "acknowledge"]


@dataclass(frozen=True, slots=True)
class Acked:
    """What became of a plan's consent."""

    ack: Ack
    remaining: tuple[str, ...]
    """What still needs consent: `step 4: data_loss of column:app.users.email`."""
    was_there: bool


def acknowledge(path: Path, step: int, code: str, reason: str, by: str | None = None) -> Acked:
    """Write consent to a hazard of a step into the plan file.

    Raises UsageError where the step has no such hazard or the reason is empty, InvalidInput for the file.
    """
    from reconciler.engine.plan import plan_file
    from reconciler.engine.yaml.append import with_items

    plan, text = read_plan(path)
    ack = Ack(step, _code(plan, step, code), reason.strip(), by.strip() if by else None)
    if not ack.reason:
        raise UsageError("consent needs a reason in words", hint="--reason 'the column was empty for a year'")
    said = {(one.step, one.code) for one in plan.acks}
    if (ack.step, ack.code) in said:
        return Acked(ack, _remaining(plan), True)
    new = with_items(text, ("acks",), [_item(ack)])
    after = plan_file.load(new, str(path))
    write_text(path, new)
    return Acked(ack, _remaining(after), False)


def _code(plan: Plan, step: int, said: str) -> HazardCode:
    number = next((one for one in plan.steps if one.number == step), None)
    if number is None:
        hint = f"steps are numbered from 1 to {len(plan.steps)}" if plan.steps else "the plan is empty"
        raise UsageError(f"the plan has no step {step}", hint=hint)
    wanted = said.strip().lower().replace("-", "_")
    found = next((code for code in number.consentable if code.value == wanted), None)
    if found is None:
        known = ", ".join(sorted(code.value for code in number.consentable)) or "none"
        raise UsageError(f"step {step} has no hazard {said!r} to consent to", hint=f"its hazards: {known}")
    return found


def _item(ack: Ack) -> str:
    """In flow style. Text is quoted as JSON, which YAML reads alike."""
    parts = [f"step: {ack.step}", f"code: {ack.code.value}", f"reason: {_quoted(ack.reason)}"]
    parts += [f"by: {_quoted(ack.by)}"] if ack.by else []
    return "{" + ", ".join(parts) + "}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=not text.isprintable())


def _remaining(plan: Plan) -> tuple[str, ...]:
    return tuple(f"step {step.number}: {hazard.code} of {hazard.object}" for step, hazard in plan.blocking)
