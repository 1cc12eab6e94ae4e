"""A plan, or why there is none, for machines. Keys are only ever added; every key is always there."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from reconciler.core.errors import InvalidInput, ReconcileError
from reconciler.core.redaction import code_of
from reconciler.core.statement import BLOCKING, Hazard
from reconciler.engine.plan.model import Action, Plan, Step
from reconciler.engine.plan.plan_file import FORMAT, plan_id
from reconciler.report.plan_context import Context, Standing, labels, state_of


def render(plan: Plan, context: Context | None = None) -> str:
    """The plan as JSON, indented by two, with a newline at its end. Equal plans give equal bytes."""
    return json.dumps(as_data(plan, context), indent=2, ensure_ascii=False) + "\n"


def render_failure(error: ReconcileError, more: Mapping[str, Any] | None = None) -> str:
    """Why a command failed, as JSON: an object with the key `error`, which no result has; `more` is added."""
    return json.dumps({**(more or {}), **failure_data(error)}, indent=2, ensure_ascii=False) + "\n"


def failure_data(error: ReconcileError) -> dict[str, Any]:
    """What `render_failure` writes, as plain data."""
    state = Standing.failed(error).state
    problems = error.problems if isinstance(error, InvalidInput) else ()
    return {
        "error": {
            "code": code_of(error),
            "exit_code": error.exit_code,
            "message": error.message,
            "where": error.where,
            "hint": error.hint,
        },
        "problems": [dataclasses.asdict(problem) for problem in problems],
        "state": state.value,
        "labels": list(labels(None, state)),
    }


def as_data(plan: Plan, context: Context | None = None) -> dict[str, Any]:
    """What `render` writes, as plain data."""
    context = context or Context()
    standing = context.standing or Standing(state_of(plan))
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
        "target": context.target,
        "state": standing.state.value,
        "labels": list(labels(plan, standing.state)),
        "sizes": {
            name: {"size_bytes": size.size_bytes, "rows": size.rows} for name, size in context.sizes.items()
        },
        "owners": [dataclasses.asdict(group) for group in context.owners],
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
        "search_path": step.search_path,
    }


def _hazard(step: Step, hazard: Hazard) -> dict[str, Any]:
    return {
        "step": step.number,
        "code": hazard.code.value,
        "object": str(hazard.object),
        "message": hazard.message,
        "needs_consent": hazard.code in BLOCKING,
    }
