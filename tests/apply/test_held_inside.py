"""Values of a domain inside arrays and rows: PostgreSQL cannot look at them, and the plan says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.app import Application, Request, apply_plan, make_plan
from reconciler.core.errors import Blocked
from reconciler.engine.consent import Consent
from reconciler.engine.plan import Plan
from tests.conftest import AnyServer

Played = Callable[[str], Plan]

SCHEMA = """
domains:
  size: {type: integer%s}
  tall: {type: size%s}
composites:
  crate: {height: tall, depth: integer}
tables:
  boxes:
    columns: {id: integer, %s}
"""
CHECKED = ", checks: {size_check: {expression: VALUE > 0, not_valid: %s}}"
HOLDERS = {
    "array": ('sizes: "size[]"', "public.boxes.sizes"),
    "array of a domain above": ('sizes: "tall[]"', "public.boxes.sizes"),
    "row": ("crate: crate", "public.boxes.crate"),
    "array of rows": ('crates: "crate[]"', "public.boxes.crates"),
}


@pytest.fixture
def played(server: AnyServer, database: Callable[[], str], tmp_path: Path) -> Played:
    """Plans to a text, carries that out, and returns the plan."""
    url, file = database(), tmp_path / "schema.yaml"

    def play(text: str) -> Plan:
        file.write_text(text)
        plan = make_plan(Request(url, file, scratch_url=server.url(), base=tmp_path))
        apply_plan(plan, Application(url, Consent(everything=True)))
        return plan

    return play


@pytest.mark.matrix
@pytest.mark.parametrize("name", HOLDERS)
def test_a_check_that_must_look_inside_is_refused_with_a_way_on(name: str, played: Played) -> None:
    column, named = HOLDERS[name]
    played(SCHEMA % ("", "", column))
    with pytest.raises(Blocked) as refused:
        played(SCHEMA % (CHECKED % "false", "", column))
    assert refused.value.message.startswith("check public.size.size_check: ")
    assert named in refused.value.message
    assert "not_valid: true" in (refused.value.hint or "")
    unchecked = SCHEMA % (CHECKED % "true", "", column)
    assert len(played(unchecked).steps) == 1
    assert played(unchecked).is_empty
    with pytest.raises(Blocked, match=r"public\.boxes"):
        played(SCHEMA % (CHECKED % "false", "", column))


def test_not_null_and_another_condition_are_refused_too(played: Played) -> None:
    column, named = HOLDERS["row"]
    played(SCHEMA % (CHECKED % "false", "", column))
    with pytest.raises(Blocked, match=named):
        played(SCHEMA % (CHECKED % "false", ", not_null: true", column))
    with pytest.raises(Blocked, match=named):
        played(SCHEMA % (CHECKED.replace("> 0", "> 1") % "false", "", column))


@pytest.mark.parametrize("column", ["size: size", "size: tall", "id2: integer"])
def test_what_is_no_part_of_another_value_is_looked_at(column: str, played: Played) -> None:
    played(SCHEMA % ("", "", column))
    plan = played(SCHEMA % (CHECKED % "false", ", not_null: true", column))
    assert len(plan.steps) == 2
    assert played(SCHEMA % (CHECKED % "false", ", not_null: true", column)).is_empty


def test_an_array_that_comes_with_the_domain_is_no_obstacle(played: Played) -> None:
    column, _ = HOLDERS["array"]
    played(SCHEMA % (CHECKED % "false", ", not_null: true", column))
    assert played(SCHEMA % (CHECKED % "false", ", not_null: true", column)).is_empty
