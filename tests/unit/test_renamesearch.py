"""Declared renames against a catalog: names that are handed on, swapped, or in another schema."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.app.kind_discovery import registry
from reconciler.core.errors import Blocked, InvalidInput
from reconciler.engine.declaration.load import load
from reconciler.engine.declaration.written import Written
from reconciler.engine.elaborate.renames import renamings

BEFORE = "tables: {a: {columns: {p: text, q: text}}, b: {columns: {z: text}}}"


def _written(folder: Path, text: str) -> Written:
    file = folder / "schema.yaml"
    file.write_text(text)
    return load(file, registry())


def _renames(folder: Path, before: str, after: str) -> list[tuple[str, str]]:
    live = _written(folder, before).catalog(registry())
    return [(str(one.old.id), str(one.id)) for one in renamings(_written(folder, after), live, registry())]


def test_what_holds_the_name_goes_first(tmp_path: Path) -> None:
    after = """
        tables:
          b: {columns: {p: text, q: text}, transition: {rename_from: a}}
          c: {columns: {z: text}, transition: {rename_from: b}}"""
    assert _renames(tmp_path, BEFORE, after) == [
        ("table:public.b", "table:public.c"),
        ("table:public.a", "table:public.b"),
    ]


def test_columns_hand_on_their_names(tmp_path: Path) -> None:
    after = """
        tables:
          a:
            columns:
              q: {type: text, transition: {rename_from: p}}
              z: {type: text, transition: {rename_from: q}}
          b: {columns: {z: text}}"""
    assert _renames(tmp_path, BEFORE, after) == [
        ("column:public.a.q", "column:public.a.z"),
        ("column:public.a.p", "column:public.a.q"),
    ]


def test_a_column_is_renamed_in_a_table_that_takes_the_name_of_another(tmp_path: Path) -> None:
    after = """
        tables:
          b:
            columns: {p: text, z: {type: text, transition: {rename_from: q}}}
            transition: {rename_from: a}
          c: {columns: {z: text}, transition: {rename_from: b}}"""
    assert _renames(tmp_path, BEFORE, after) == [
        ("column:public.a.q", "column:public.b.z"),
        ("table:public.b", "table:public.c"),
        ("table:public.a", "table:public.b"),
    ]


def test_what_is_done_is_left_alone(tmp_path: Path) -> None:
    after = """
        tables:
          b: {columns: {p: text, q: text}, transition: {rename_from: a}}
          c: {columns: {z: text}, transition: {rename_from: b}}"""
    assert _renames(tmp_path, after, after) == []


@pytest.mark.parametrize(
    "after",
    [
        """
        tables:
          a: {columns: {z: text}, transition: {rename_from: b}}
          b: {columns: {p: text, q: text}, transition: {rename_from: a}}""",
        """
        tables:
          a:
            columns:
              q: {type: text, transition: {rename_from: p}}
              p: {type: text, transition: {rename_from: [q, w]}}
          b: {columns: {z: text}}""",
    ],
)
def test_a_swap_is_refused(tmp_path: Path, after: str) -> None:
    with pytest.raises(InvalidInput, match=r"schema\.yaml:\d+:.*have each other's former names"):
        _renames(tmp_path, BEFORE, after)


@pytest.mark.parametrize("said", ["", ", transition: {not_renamed: true}"])
def test_a_former_name_may_be_declared_again(tmp_path: Path, said: str) -> None:
    after = f"""
        tables:
          c: {{columns: {{p: text, q: text}}, transition: {{rename_from: a}}}}
          a: {{columns: {{p: text}}{said}}}
          b: {{columns: {{z: text}}}}"""
    assert _renames(tmp_path, BEFORE, after) == [("table:public.a", "table:public.c")]
    assert _renames(tmp_path, after, after) == []


def test_a_chain_may_end_in_a_name_that_is_declared_again(tmp_path: Path) -> None:
    after = """
        tables:
          a:
            columns:
              p: {type: text, transition: {not_renamed: true}}
              q: {type: text, transition: {rename_from: p}}
              r: {type: text, transition: {rename_from: q}}
          b: {columns: {z: text}}"""
    assert _renames(tmp_path, BEFORE, after) == [
        ("column:public.a.q", "column:public.a.r"),
        ("column:public.a.p", "column:public.a.q"),
    ]
    assert _renames(tmp_path, after, after) == []


def test_columns_of_a_new_table_are_not_those_that_left_with_the_old_one(tmp_path: Path) -> None:
    after = """
        tables:
          c:
            columns: {p2: {type: text, transition: {rename_from: p}}, q: text}
            transition: {rename_from: a}
          a: {columns: {p3: {type: text, transition: {rename_from: p}}, p: text, q: text}}
          b: {columns: {z: text}}"""
    assert _renames(tmp_path, BEFORE, after) == [
        ("column:public.a.p", "column:public.c.p2"),
        ("table:public.a", "table:public.c"),
    ]


def test_an_undeclared_former_name_comes_before_one_that_is_declared_again(tmp_path: Path) -> None:
    after = """
        tables:
          c: {columns: {z: text}, transition: {rename_from: [a, b]}}
          a: {columns: {p: text, q: text}}"""
    assert _renames(tmp_path, BEFORE, after) == [("table:public.b", "table:public.c")]
    both = (
        after
        + """
          b: {columns: {z: text}}"""
    )
    with pytest.raises(Blocked, match=r"table:public\.c may be any of table:public\.a, table:public\.b"):
        _renames(tmp_path, BEFORE, both)


def test_two_objects_cannot_have_been_the_same_one(tmp_path: Path) -> None:
    after = """
        tables:
          c: {columns: {p: text, q: text}, transition: {rename_from: a}}
          d: {columns: {p: text, q: text}, transition: {rename_from: a}}
          b: {columns: {z: text}}"""
    with pytest.raises(Blocked, match=r"table:public\.c and table:public\.d both say that they were"):
        _renames(tmp_path, BEFORE, after)


def test_half_a_swap_is_refused_too(tmp_path: Path) -> None:
    after = """
        tables:
          c: {columns: {z: text}, transition: {rename_from: b}}
          b: {columns: {z: text}, transition: {rename_from: c}}
          a: {columns: {p: text, q: text}}"""
    with pytest.raises(InvalidInput, match="have each other's former names"):
        _renames(tmp_path, BEFORE, after)


def test_a_former_name_may_say_its_schema(tmp_path: Path) -> None:
    after = """
        tables:
          c: {columns: {p: text, q: text}, transition: {rename_from: public.a}}
          b: {columns: {z: text}}"""
    assert _renames(tmp_path, BEFORE, after) == [("table:public.a", "table:public.c")]


def test_a_move_to_another_schema_is_refused(tmp_path: Path) -> None:
    after = """
        schemas: {app: {}}
        tables:
          app.a: {columns: {p: text, q: text}, transition: {rename_from: public.a}}
          b: {columns: {z: text}}"""
    with pytest.raises(Blocked, match=r"table:public\.a cannot become table:app\.a"):
        _renames(tmp_path, BEFORE, after)
    moved = BEFORE.replace("a: {", "app.a: {", 1)
    assert _renames(tmp_path, moved, after) == []
