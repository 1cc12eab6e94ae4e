"""A removed label of an enum is replaced wherever a stand-in reaches it, and refused in a plan elsewhere."""

from __future__ import annotations

import pytest

from reconciler.core.errors import Blocked
from tests.apply.conftest import Played
from tests.apply.shop import rows, run

SCHEMA = """
enums: {mood: %s}
composites: {entry: {m: mood, note: text}, page: {e: entry}}
domains: {felt: mood, moods: "mood[]", entered: entry}
ranges: {span: mood}
tables: {diary: {columns: {id: integer, c: %s}}}
"""
OLD = "[sad, ok, glad]"
NEW = "{values: [ok, glad], transition: {removed: {sad: {map_to: ok}}}}"
GONE = "[ok, glad]"
ENTRY = "ROW(CASE (c).m::text WHEN 'sad' THEN 'ok' ELSE (c).m::text END, (c).note)::public.entry"


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("type_name", "before", "after"),
    [
        ("mood", "sad", "ok"),
        ("felt", "sad", "ok"),
        ("'mood[]'", "{sad,glad}", "{ok,glad}"),
        ("'felt[]'", "{sad,glad}", "{ok,glad}"),
    ],
)
def test_a_stand_in_reaches_values_and_elements(
    played: Played, type_name: str, before: str, after: str
) -> None:
    played(SCHEMA % (OLD, type_name))
    run(played.url, f"INSERT INTO public.diary VALUES (1, '{before}')")
    played(SCHEMA % (NEW, type_name))
    assert rows(played.url, "SELECT c::text FROM public.diary") == [(after,)]


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("type_name", "value"),
    [
        ("entry", "(sad,x)"),
        ("'entry[]'", '{"(sad,x)"}'),
        ("entered", "(sad,x)"),
        ("page", '("(sad,x)")'),
        ("moods", "{sad}"),
        ("'moods[]'", '{"{sad}"}'),
        ("span", "[sad,ok)"),
    ],
)
def test_a_value_inside_another_is_refused_in_the_plan(played: Played, type_name: str, value: str) -> None:
    played(SCHEMA % (OLD, type_name))
    run(played.url, f"INSERT INTO public.diary VALUES (1, '{value}')")
    played.file.write_text(SCHEMA % (NEW, type_name))
    with pytest.raises(Blocked) as refused:
        played.planned()
    assert refused.value.where == "schema.yaml:6"
    assert "column public.diary.c: values of its type can have sad inside them" in refused.value.message
    assert "using" in str(refused.value.hint)
    # The other way that the hint names.
    run(played.url, f"UPDATE public.diary SET c = '{value.replace('sad', 'ok')}'")
    played(SCHEMA % (GONE, type_name))
    assert rows(played.url, "SELECT c::text FROM public.diary") == [(_written(value),)]


def _written(value: str) -> str:
    return "empty" if value.startswith("[") else value.replace("sad", "ok")


@pytest.mark.matrix
def test_using_says_how_a_composite_is_converted(played: Played) -> None:
    played(SCHEMA % (OLD, "entry"))
    run(played.url, "INSERT INTO public.diary VALUES (1, '(sad,x)'), (2, '(glad,sad)'), (3, NULL)")
    using = f"CASE WHEN c IS DISTINCT FROM NULL THEN {ENTRY} END"
    played(SCHEMA % (NEW, f'{{type: entry, transition: {{using: "{using}"}}}}'))
    seen = rows(played.url, "SELECT c::text FROM public.diary ORDER BY id")
    assert seen == [("(ok,x)",), ("(glad,sad)",), (None,)]
