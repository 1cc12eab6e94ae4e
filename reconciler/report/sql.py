"""A plan as a script for psql, with a comment before each step and each transaction as the plan has it."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.statement import BLOCKING
from reconciler.engine.plan.model import Plan, Step
from reconciler.engine.plan.plan_file import plan_id
from reconciler.engine.plan.step_path import setting_path
from reconciler.report.words import SYMBOLS, ended, runs, visible

_SETTINGS = (
    r"\set ON_ERROR_STOP on",
    r"\encoding UTF8",
    "SET standard_conforming_strings = on;",
    "SET search_path = '';",
)
"""What the statements were written for. Names are qualified, so that the path finds nothing else."""


def render(plan: Plan) -> str:
    """The script; psql 14 or later runs it. Consent is not asked for: running it is consent."""
    lines = [
        f"-- plan {plan_id(plan)}",
        f"-- from {plan.from_fingerprint} to {plan.to_fingerprint}, PostgreSQL {plan.server_major}",
    ]
    for step, hazard in plan.hazards:
        if hazard.code in BLOCKING:
            lines.append(f"-- HAZARD: step {step.number}, {hazard.code}: {visible(hazard.message)}")
    if plan.is_empty:
        return "\n".join([*lines, "-- nothing to do", ""])
    lines += ["-- psql --no-psqlrc --file THIS_FILE", "", *_SETTINGS]
    for run in runs(plan):
        body = [line for step in run.steps for line in ("", *_step(step))]
        lines += ["", "BEGIN;", *body, "", "COMMIT;"] if run.is_transaction else body
    return "\n".join([*lines, ""])


def _step(step: Step) -> Iterator[str]:
    place = f" ({visible(step.source)})" if step.source else ""
    yield f"-- step {step.number}: {SYMBOLS[step.action]} {visible(step.label)}{place}"
    for hazard in step.hazards:
        yield f"-- {hazard.code}: {visible(hazard.message)}"
    if step.search_path is not None:
        yield ended(setting_path(step.search_path))
    for sql in step.sql:
        yield ended(sql)
    if step.search_path is not None:
        yield ended(setting_path(""))
