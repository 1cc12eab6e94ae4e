"""Columns of a partition key: PostgreSQL gives them no other type, and the plan says so."""

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
enums:
  mood: [%(moods)s]
domains:
  size: {type: %(size)s}
tables:
  boxes:
    partition_by: %(key)s
    columns: {id: %(id)s, label: %(label)s, mood: mood, size: size, note: %(note)s}
    partitions:
      boxes_rest: {for_values: DEFAULT%(below)s}
"""
BEFORE = {
    "moods": "calm, glad",
    "size": "integer",
    "key": "RANGE (id)",
    "id": "integer",
    "label": "varchar(10)",
    "note": "varchar(10)",
    "below": "",
}
BELOW = ", partition_by: RANGE (label), partitions: {boxes_deep: {for_values: \"FROM ('a') TO ('b')\"}}"
RETYPED = {
    "a column": ({}, {"id": "bigint"}, "boxes.id", "boxes"),
    "a column that keeps its bytes": (
        {"key": "LIST (label)"},
        {"label": "varchar(20)"},
        "boxes.label",
        "boxes",
    ),
    "an expression": ({"key": "RANGE (abs(id))"}, {"id": "bigint"}, "boxes.id", "boxes"),
    "the key of a partition": ({"below": BELOW}, {"label": "text"}, "boxes.label", "boxes_rest"),
    "an enum made anew": ({"key": "LIST (mood)"}, {"moods": "calm"}, "boxes.mood", "boxes"),
    "a domain made anew": ({"key": "LIST (size)"}, {"size": "bigint"}, "boxes.size", "boxes"),
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
@pytest.mark.parametrize("name", RETYPED)
def test_another_type_is_refused_with_a_way_on(name: str, played: Played) -> None:
    first, then, column, keyed = RETYPED[name]
    played(SCHEMA % (BEFORE | first))
    with pytest.raises(Blocked) as refused:
        played(SCHEMA % (BEFORE | first | then))
    assert refused.value.message.startswith(f"column public.{column}: ")
    assert f"partition key of public.{keyed}:" in refused.value.message
    assert "new partitioned table" in (refused.value.hint or "")
    assert played(SCHEMA % (BEFORE | first)).is_empty


@pytest.mark.parametrize("then", [{"note": "text"}, {"moods": "calm"}, {"size": "bigint"}])
def test_columns_beside_the_key_get_another_type(then: dict[str, str], played: Played) -> None:
    first = {"below": BELOW}
    played(SCHEMA % (BEFORE | first))
    assert played(SCHEMA % (BEFORE | first | then)).steps
    assert played(SCHEMA % (BEFORE | first | then)).is_empty


def test_a_table_that_is_made_anew_takes_the_type(played: Played) -> None:
    played(SCHEMA % BEFORE)
    anew = BEFORE | {"key": "LIST (id)", "id": "bigint"}
    assert played(SCHEMA % anew).steps
    assert played(SCHEMA % anew).is_empty
