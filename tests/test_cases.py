"""Cases that people can read: before.yaml, after.yaml, and the plan that leads from one to the other.

A folder `tests/cases/<kind>/<case>/` is a test. `before.yaml` is built from nothing by the tool itself, then
`seed.sql` runs where there is one; the plan to `after.yaml` must be what `plan.yaml` says; it is applied, and
a second plan must be empty. `expect.yaml` may say more (tests/case_folder.py). `make golden` writes plan.yaml
anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from reconciler.app import Application, apply_plan, observer
from reconciler.core.errors import Blocked
from reconciler.core.server_version import NEWEST_MAJOR
from reconciler.engine.plan.consent import Consent
from reconciler.engine.plan.model import Plan
from tests.case_folder import CASES, apply_all, expectation_of, golden_text, make_roles, plan_to, seed_rows
from tests.conftest import AnyServer

FOLDERS = sorted(path.parent for path in CASES.glob("*/*/after.yaml"))
REWRITE = "RECONCILE_GOLDEN"
"""Set in the environment: plan.yaml is written, not compared."""


@pytest.mark.matrix
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_case(folder: Path, server: AnyServer, database: Callable[[], str]) -> None:
    expected = expectation_of(folder)
    if server.major < expected.min_major:
        pytest.skip(f"needs PostgreSQL {expected.min_major}")
    make_roles(server, expected.roles)
    url = database()
    before = plan_to(folder, "before.yaml", url, server, expected)
    apply_all(before, url)
    seed_rows(folder, url)
    plan = plan_to(folder, "after.yaml", url, server, expected)
    _compare(folder, golden_text(plan), server.major)
    assert list(plan.notes) == expected.notes
    assert sorted({hazard.code.value for _, hazard in plan.blocking}) == sorted(expected.blocked_by)
    if expected.blocked_by:
        _refused(plan, url)
    kept = _identities(expected.same, url)
    apply_all(plan, url)
    assert _identities(expected.same, url) == kept
    assert golden_text(plan_to(folder, "after.yaml", url, server, expected)) == "steps: []\n"
    assert _answers(expected.rows, url) == expected.rows


def test_every_folder_is_a_whole_case() -> None:
    files = {path.parent for path in CASES.glob("*/*/*")}
    assert files == set(FOLDERS)
    for folder in FOLDERS:
        names = {path.name for path in folder.iterdir()}
        assert {"before.yaml", "after.yaml", "plan.yaml"} <= names, folder
        assert names <= {"before.yaml", "after.yaml", "plan.yaml", "expect.yaml", "seed.sql"}, folder


def _refused(plan: Plan, url: str) -> None:
    """Nothing is run without consent."""
    with psycopg.connect(url, autocommit=True) as connection:
        before = observer(plan)(connection)
        with pytest.raises(Blocked):
            apply_plan(plan, Application(url, Consent()))
        assert observer(plan)(connection) == before


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
