"""A folder of tests/cases: what is in it, and the steps of playing it on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import psycopg
import yaml
from psycopg import sql
from pydantic import BaseModel, ConfigDict, Field

from reconciler.app import Application, Request, apply_plan, make_plan
from reconciler.core.statement import Cost, Mode
from reconciler.engine.catalog.scope import Scope
from reconciler.engine.plan.consent import Consent
from reconciler.engine.plan.model import Plan, Step
from reconciler.engine.yaml.writer import Writer, spread
from tests.conftest import AnyServer

CASES = Path(__file__).parent / "cases"


class Expectation(BaseModel):
    """What expect.yaml can say beside the plan."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    why: str = ""
    """What the case shows, in a sentence."""
    ownership: bool = False
    prune: Literal["never", "ask", "always"] = "ask"
    notes: list[str] = Field(default_factory=list)
    """What the plan says that it leaves."""
    roles: list[str] = Field(default_factory=list)
    """Roles that exist on the server."""
    min_major: int = 14
    blocked_by: list[str] = Field(default_factory=list)
    """Codes of the hazards without whose consent apply refuses."""
    same: list[str] = Field(default_factory=list)
    """Relations that are the very same afterwards: they are neither made again nor written anew."""
    rows: dict[str, list[list[Any]]] = Field(default_factory=dict)
    """Queries and their answers when the plan has been applied."""


def expectation_of(folder: Path) -> Expectation:
    """What expect.yaml says; the defaults where there is none."""
    file = folder / "expect.yaml"
    return Expectation.model_validate(yaml.safe_load(file.read_text()) if file.exists() else {})


def make_roles(server: AnyServer, roles: list[str]) -> None:
    """Create the roles that the case names, unless another case has done so."""
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for role in roles:
            # Another case may have made it.
            with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))


def plan_to(folder: Path, file: str, url: str, server: AnyServer, expected: Expectation) -> Plan:
    scope = Scope(ownership=expected.ownership, prune=expected.prune)
    return make_plan(Request(url, folder / file, scope, scratch_url=server.url(), base=folder))


def apply_all(plan: Plan, url: str) -> None:
    apply_plan(plan, Application(url, Consent(everything=True)))


def seed_rows(folder: Path, url: str) -> None:
    file = folder / "seed.sql"
    if file.exists():
        with psycopg.connect(url) as connection:
            connection.execute(file.read_bytes())


def golden_text(plan: Plan) -> str:
    """The steps without what only machines read: digests, numbers that follow from the order."""
    writer = Writer()
    if not plan.steps:
        return "steps: []\n"
    steps = [writer.entry("steps", [dict(_step(step))], 0)[1:] for step in plan.steps]
    return "\n".join(["steps:", *spread(steps), ""])


def _step(step: Step) -> Iterator[tuple[str, Any]]:
    yield "do", f"{step.action.value} {step.object}"
    yield "why", step.why[0] if len(step.why) == 1 else list(step.why)
    if step.source:
        yield "source", step.source
    if step.sql:
        texts = [f"{statement}\n" for statement in step.sql]
        yield "sql", texts[0] if len(texts) == 1 else texts
    if step.locks:
        yield "locks", {lock.relation: lock.mode.value for lock in step.locks}
    if step.hazards:
        yield "hazards", [f"{hazard.code.value}: {hazard.message}" for hazard in step.hazards]
    if step.cost is not Cost.INSTANT:
        yield "cost", step.cost.value
    if step.mode is not Mode.TRANSACTION:
        yield "mode", step.mode.value
    if step.group != 1:
        yield "group", step.group
