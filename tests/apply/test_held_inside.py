"""Values of a domain inside arrays and rows: PostgreSQL cannot look at them, and the plan says so."""

from __future__ import annotations

import pytest

from reconciler.core.errors import Blocked
from tests.apply.conftest import Played

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


@pytest.mark.matrix
@pytest.mark.parametrize("name", HOLDERS)
def test_a_check_that_must_look_inside_is_refused_with_a_way_on(name: str, played: Played) -> None:
    column, named = HOLDERS[name]
    played(SCHEMA % ("", "", column))
    with pytest.raises(Blocked) as refused:
        played(SCHEMA % (CHECKED % "false", "", column))
    assert "schema.yaml:3: check public.size.size_check: " in refused.value.message
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
