"""Columns of a partition key: PostgreSQL gives them no other type, and the plan says so."""

from __future__ import annotations

import pytest

from reconciler.core.errors import Blocked
from tests.apply.conftest import Played

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
