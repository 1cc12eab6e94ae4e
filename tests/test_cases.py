"""Cases that people can read: before.yaml, after.yaml, and the plan that leads from one to the other.

A folder `tests/cases/<kind>/<case>/` is a test. `before.yaml` is built from nothing by the tool itself, then
`seed.sql` runs where there is one; the plan to `after.yaml` must be what `plan.yaml` says; it is applied, and
a second plan must be empty. `expect.yaml` may say more (see `Expectation`). `make golden` writes plan.yaml
anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import psycopg
import pytest
import yaml
from psycopg import sql
from pydantic import BaseModel, ConfigDict, Field

from reconciler.app import Application, Request, apply_plan, make_plan, observer
from reconciler.core.errors import Blocked
from reconciler.core.statement import Cost, Mode
from reconciler.engine.catalog.scope import Scope
from reconciler.engine.plan.consent import Consent
from reconciler.engine.plan.model import Plan, Step
from reconciler.engine.yaml.writer import Writer, spread
from tests.conftest import NEWEST_MAJOR, AnyServer

CASES = Path(__file__).parent / "cases"
FOLDERS = sorted(path.parent for path in CASES.glob("*/*/after.yaml"))
REWRITE = "RECONCILE_GOLDEN"
"""Set in the environment: plan.yaml is written, not compared."""


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


@pytest.mark.matrix
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_case(folder: Path, server: AnyServer, database: Callable[[], str]) -> None:
    expected = _expectation(folder)
    if server.major < expected.min_major:
        pytest.skip(f"needs PostgreSQL {expected.min_major}")
    _make_roles(server, expected.roles)
    url = database()
    before = _plan(folder, "before.yaml", url, server, expected)
    _apply(before, url)
    _seed(folder, url)
    plan = _plan(folder, "after.yaml", url, server, expected)
    _compare(folder, _told(plan), server.major)
    assert list(plan.notes) == expected.notes
    assert sorted({hazard.code.value for _, hazard in plan.blocking}) == sorted(expected.blocked_by)
    if expected.blocked_by:
        _refused(plan, url)
    kept = _identities(expected.same, url)
    _apply(plan, url)
    assert _identities(expected.same, url) == kept
    assert _told(_plan(folder, "after.yaml", url, server, expected)) == "steps: []\n"
    assert _answers(expected.rows, url) == expected.rows


def test_every_folder_is_a_whole_case() -> None:
    files = {path.parent for path in CASES.glob("*/*/*")}
    assert files == set(FOLDERS)
    for folder in FOLDERS:
        names = {path.name for path in folder.iterdir()}
        assert {"before.yaml", "after.yaml", "plan.yaml"} <= names, folder
        assert names <= {"before.yaml", "after.yaml", "plan.yaml", "expect.yaml", "seed.sql"}, folder


def _expectation(folder: Path) -> Expectation:
    file = folder / "expect.yaml"
    return Expectation.model_validate(yaml.safe_load(file.read_text()) if file.exists() else {})


def _make_roles(server: AnyServer, roles: list[str]) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        for role in roles:
            # Another case may have made it.
            with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))


def _plan(folder: Path, file: str, url: str, server: AnyServer, expected: Expectation) -> Plan:
    scope = Scope(ownership=expected.ownership, prune=expected.prune)
    return make_plan(Request(url, folder / file, scope, scratch_url=server.url(), base=folder))


def _apply(plan: Plan, url: str) -> None:
    apply_plan(plan, Application(url, Consent(everything=True)))


def _refused(plan: Plan, url: str) -> None:
    """Nothing is run without consent."""
    with psycopg.connect(url, autocommit=True) as connection:
        before = observer(plan)(connection)
        with pytest.raises(Blocked):
            apply_plan(plan, Application(url, Consent()))
        assert observer(plan)(connection) == before


def _seed(folder: Path, url: str) -> None:
    file = folder / "seed.sql"
    if file.exists():
        with psycopg.connect(url) as connection:
            connection.execute(file.read_bytes())


def _identities(relations: list[str], url: str) -> list[Any]:
    # An index that need not be built again gets a new OID and keeps its file; a view has no file.
    query = """
        SELECT coalesce(pg_catalog.pg_relation_filenode(oid), oid) FROM pg_catalog.pg_class
        WHERE oid = %s::pg_catalog.regclass"""
    with psycopg.connect(url) as connection:
        return [connection.execute(query, (name,)).fetchone() for name in relations]


def _answers(queries: dict[str, list[list[Any]]], url: str) -> dict[str, list[list[Any]]]:
    with psycopg.connect(url) as connection:
        return {query: [list(row) for row in connection.execute(query.encode())] for query in queries}


def _compare(folder: Path, told: str, major: int) -> None:
    file = folder / "plan.yaml"
    if os.environ.get(REWRITE) and major == NEWEST_MAJOR:
        file.write_text(told)
    # Other majors deparse in other words, and 18 alone names NOT NULL constraints.
    if major == NEWEST_MAJOR:
        assert told == file.read_text(), f"the plan of {folder.name} is another one; `make golden` accepts it"


def _told(plan: Plan) -> str:
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
