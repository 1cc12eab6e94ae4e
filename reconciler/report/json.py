"""A plan for machines. Keys are only ever added; every key is always there."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from reconciler.core.statement import BLOCKING, Hazard
from reconciler.engine.plan import Action, Plan, Step
from reconciler.engine.planfile import FORMAT, plan_id


def render(plan: Plan) -> str:
    """The plan as JSON, indented by two, with a newline at its end. Equal plans give equal bytes."""
    return json.dumps(as_data(plan), indent=2, ensure_ascii=False) + "\n"


def as_data(plan: Plan) -> dict[str, Any]:
    """What `render` writes, as plain data."""
    counts = plan.counts()
    open_hazards = plan.blocking
    return {
        "format": FORMAT,
        "id": plan_id(plan),
        "from": plan.from_fingerprint,
        "to": plan.to_fingerprint,
        "server": plan.server_major,
        "schema": plan.schema_digest,
        "ownership": plan.ownership,
        "edited": plan.edited,
        "is_empty": plan.is_empty,
        "counts": {action.value: counts.get(action, 0) for action in Action},
        "steps": [_step(step) for step in plan.steps],
        "hazards": [_hazard(step, hazard) for step, hazard in plan.hazards],
        "blocking": [_hazard(step, hazard) for step, hazard in open_hazards],
        "unknown": list(plan.unknown),
        "notes": list(plan.notes),
        "acks": [dataclasses.asdict(ack) for ack in plan.acks],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "number": step.number,
        "action": step.action.value,
        "object": str(step.object),
        "label": step.label,
        "sql": list(step.sql),
        "why": list(step.why),
        "source": step.source,
        "requires": list(step.requires),
        "locks": [{"relation": lock.relation, "mode": lock.mode.value} for lock in step.locks],
        "hazards": [_hazard(step, hazard) for hazard in step.hazards],
        "cost": step.cost.value,
        "mode": step.mode.value,
        "group": step.group,
        "folded": list(step.folded),
    }


def _hazard(step: Step, hazard: Hazard) -> dict[str, Any]:
    return {
        "step": step.number,
        "code": hazard.code.value,
        "object": str(hazard.object),
        "message": hazard.message,
        "needs_consent": hazard.code in BLOCKING,
    }
