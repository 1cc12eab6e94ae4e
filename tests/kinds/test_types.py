"""Enums, domains, composite and range types, on a real server."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from reconciler.core.catalog import Entry
from reconciler.core.errors import Blocked
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Kind, Nest
from reconciler.core.statement import Mode
from reconciler.kinds.column import Column
from reconciler.kinds.composite import Composite, CompositeState
from reconciler.kinds.domain import Domain
from reconciler.kinds.enum import Enum, EnumDocument, EnumState
from reconciler.kinds.range import Range
from reconciler.kinds.table import Table
from tests.kinds.constraints_schema import Database
from tests.kinds.roundtrip import (
    alterations,
    assert_altered,
    assert_built,
    assert_written,
    of_kind,
    read,
    run,
)

KINDS: tuple[Kind[Any], ...] = (Enum(), Domain(), Composite(), Range(), Table(), Column())

BEFORE = """
CREATE SCHEMA app;
CREATE SCHEMA "Odd.Schema";
CREATE FUNCTION app.distance(numeric, numeric) RETURNS double precision LANGUAGE sql IMMUTABLE
    AS 'SELECT ($1 - $2)::double precision';
CREATE FUNCTION app.backwards(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE STRICT
    AS 'SELECT $2 - $1';
CREATE OPERATOR CLASS app.backwards_ops FOR TYPE integer USING btree AS
    OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <,
    FUNCTION 1 app.backwards(integer, integer);
"""
TYPES = {
    "enum": """
        CREATE TYPE app.mood AS ENUM ('sad', 'it''s', 'Very happy', 'back\\slash');
        CREATE TYPE "Odd.Schema"."An ""odd"" enum" AS ENUM ();
        CREATE TYPE public.one AS ENUM ('one')""",
    "domain": """
        CREATE DOMAIN app.plain AS integer;
        CREATE DOMAIN app.amount AS numeric(12,2) DEFAULT 1.50 NOT NULL;
        CREATE DOMAIN "Odd.Schema"."Some text" AS character varying(20) COLLATE "C" DEFAULT 'x''y'""",
    "composite": """
        CREATE TYPE app.address AS (street text, zip integer, "Odd, name" varchar(5) COLLATE "C");
        CREATE TYPE "Odd.Schema"."Empty type" AS ();
        CREATE TYPE public.attributes AS (attributes text, comment text[])""",
    "range": """
        CREATE TYPE app.amounts AS RANGE (SUBTYPE = numeric, SUBTYPE_DIFF = app.distance);
        CREATE TYPE app.textrange AS RANGE (SUBTYPE = text, COLLATION = "C");
        CREATE TYPE app.backwards_range AS RANGE (SUBTYPE = integer, SUBTYPE_OPCLASS = app.backwards_ops,
            MULTIRANGE_TYPE_NAME = "Odd.Schema"."Many of them")""",
}


@pytest.mark.parametrize("name", list(TYPES))
def test_round_trip(database: Database, name: str) -> None:
    kind = next(kind for kind in KINDS if kind.name == name)
    source, empty = database(), database()
    run(source, BEFORE, TYPES[name])
    run(empty, BEFORE)
    catalog = read(source, KINDS)
    assert assert_written(kind, catalog) == 3
    assert catalog.unknown == read(empty, KINDS).unknown
    assert_built(kind, catalog, empty, KINDS)
    for entry in of_kind(read(empty, KINDS), kind).values():
        run(empty, *kind.drop(entry))
    assert not of_kind(read(empty, KINDS), kind)


def test_composite_keeps_its_order(database: Database) -> None:
    source, empty = database(), database()
    run(source, "CREATE TYPE public.t AS (z integer, a text)")
    kind = Composite()
    (entry,) = of_kind(read(source, KINDS), kind).values()
    run(empty, *kind.create(entry))
    (built,) = of_kind(read(empty, KINDS), kind).values()
    assert built.state.order == ("z", "a")


MOOD = ObjectId("enum", ("public", "mood"))


def _enum(*labels: str, **fields: Any) -> Entry:
    return Entry(MOOD, EnumState(labels, **fields))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (("b",), ("a", "b", "c")),
        (("a", "d"), ("a", "b", "c", "d", "e")),
        ((), ("x'y", "z")),
        (("m",), ("a", "k", "m", "z", "zz")),
    ],
)
def test_labels_are_added_in_place(database: Database, old: tuple[str, ...], new: tuple[str, ...]) -> None:
    source = database()
    kind = Enum()
    run(source, *kind.create(_enum(*old)))
    statements = alterations(kind, _enum(*old), _enum(*new))
    assert len(statements) == len(new) - len(old)
    assert {statement.mode for statement in statements} == {Mode.COMMIT_AFTER}
    run(source, *statements)
    assert read(source, KINDS)[MOOD].state.labels == new


def test_a_label_is_renamed_where_the_transition_says_so(database: Database) -> None:
    source = database()
    kind = Enum()
    run(source, *kind.create(_enum("old", "kept")))
    new = _enum("first", "new", "kept", renamed=(("old", "new"),))
    run(source, *(statement for _, statement in kind.inner_renames(_enum("old", "kept"), new)))
    renamed = read(source, KINDS)[MOOD]
    assert renamed.state.labels == ("new", "kept")
    # Once there, the transition is inert.
    assert not list(kind.inner_renames(renamed, new))
    run(source, *alterations(kind, renamed, new))
    assert read(source, KINDS)[MOOD].state == new.state


@pytest.mark.parametrize(
    ("labels", "renamed", "expected"),
    [
        (("low", "mid"), {"low": "mid", "mid": "high"}, ["mid high", "low mid"]),
        (("mid", "high"), {"low": "mid", "mid": "high"}, []),
        (("a",), {"a": "b"}, ["a b"]),
        (("a", "b"), {"a": "b"}, []),
        (("c",), {"a": "b", "b": "c"}, []),
    ],
)
def test_renames_of_labels_that_are_pending(
    labels: tuple[str, ...], renamed: dict[str, str], expected: list[str]
) -> None:
    wanted = _enum("a", *renamed.values(), renamed=tuple(renamed.items()))
    statements = [statement.sql for _, statement in Enum().inner_renames(_enum(*labels), wanted)]
    assert [" ".join(sql.split("'")[1::2]) for sql in statements] == expected


def test_a_label_is_not_renamed_to_one_that_exists() -> None:
    with pytest.raises(Blocked, match="exists beside it"):
        list(Enum().inner_renames(_enum("a", "b"), _enum("b", renamed=(("a", "b"),))))


@pytest.mark.parametrize(("old", "new"), [(("a", "b"), ("a",)), (("a", "b"), ("b", "a")), (("a",), ("b",))])
def test_labels_that_go_or_move_need_a_new_type(old: tuple[str, ...], new: tuple[str, ...]) -> None:
    rule = Enum.rules["labels"]
    assert rule.unless(EnumState(old), EnumState(new))  # type: ignore[union-attr, misc]


@pytest.mark.parametrize(
    "document",
    [
        {"values": ["a", "a"]},
        {"values": ["a"], "transition": {"removed": {"b": {"map_to": "c"}}}},
        {"values": ["a", "b"], "transition": {"renamed": {"a": "b", "b": "a"}}},
        {"values": ["a", "b", "c"], "transition": {"renamed": {"a": "b", "b": "c", "c": "a"}}},
        {"values": ["c"], "transition": {"renamed": {"a": "c", "b": "c"}}},
    ],
)
def test_nonsense_in_an_enum_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"twice|none of the labels|to itself|two labels"):
        list(Enum().declare("mood", EnumDocument.model_validate(document), Nest("public")))


def test_domain_alterations(database: Database) -> None:
    source = database()
    run(source, "CREATE DOMAIN public.amount AS integer")
    id = ObjectId("domain", ("public", "amount"))
    for fields in ({"not_null": True}, {"default": "42"}, {"not_null": True, "default": "'-1'::integer"}):
        assert_altered(source, Domain(), id, KINDS, **fields)


def test_composite_alterations(database: Database) -> None:
    source = database()
    kind = Composite()
    run(source, "CREATE TYPE public.t AS (a integer, b text); CREATE TABLE public.holder (t public.t)")
    id = ObjectId("composite", ("public", "t"))
    old = read(source, KINDS)[id]
    state = CompositeState((("a", "integer", None), ("c", "text", 'pg_catalog."C"')), ("a", "c"))
    new = dataclasses.replace(old, state=state)
    statements = alterations(kind, old, new)
    assert [bool(statement.hazards) for statement in statements] == [True, False]
    run(source, *statements)
    assert read(source, KINDS)[id].state == state


def test_composite_attribute_is_retyped_in_place_where_the_order_forbids_text(database: Database) -> None:
    source = database()
    kind = Composite()
    run(source, "CREATE TYPE public.t AS (b integer, a text)")
    id = ObjectId("composite", ("public", "t"))
    old = read(source, KINDS)[id]
    wanted = (("a", "text", None), ("b", "bigint", None))
    rule = kind.rules["attributes"]
    same_order = CompositeState(wanted, ("b", "a"))
    assert rule.unless(old.state, same_order)  # type: ignore[union-attr, misc]
    new = dataclasses.replace(old, state=CompositeState(wanted, ("a", "b")))
    run(source, *alterations(kind, old, new))
    assert read(source, KINDS)[id].state == new.state


REPLACED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "enum": ("CREATE TYPE public.t AS ENUM ('a', 'b')", "'b'", {"labels": ("b",)}),
    "domain": ("CREATE DOMAIN public.t AS integer", "5", {"type": "bigint"}),
    "composite": (
        "CREATE TYPE public.t AS (a integer, b text)",
        "(1, 'x')",
        {"attributes": (("a", "bigint", None), ("b", "text", None))},
    ),
    "range": ("CREATE TYPE public.t AS RANGE (SUBTYPE = integer)", "'[1,3)'", {"subtype": "bigint"}),
}


@pytest.mark.parametrize("name", list(REPLACED))
@pytest.mark.parametrize("is_array", [False, True])
def test_columns_move_to_the_new_type(database: Database, name: str, is_array: bool) -> None:
    definition, value, fields = REPLACED[name]
    kind = next(kind for kind in KINDS if kind.name == name)
    source = database()
    type_name, value = ("public.t[]", f"ARRAY[{value}::public.t]") if is_array else ("public.t", value)
    run(source, definition, f"CREATE TABLE public.h (c {type_name})")
    run(source, f"INSERT INTO public.h VALUES ({value})")
    shown = source.execute("SELECT c::text FROM public.h").fetchone()
    catalog = read(source, KINDS)
    id, column_id = ObjectId(name, ("public", "t")), ObjectId("column", ("public", "h", "c"))
    old, column = catalog[id], catalog[column_id]
    assert id in column.needs
    new = dataclasses.replace(old, state=dataclasses.replace(old.state, **fields))
    aside = kind.rename_aside(old)
    assert aside is not None
    follow = Column().move_to_type(column, column, id, {})
    assert follow is not None
    run(source, *aside[1], *kind.create(new), *follow, *kind.drop_aside(old, aside[0]))
    after = read(source, KINDS)
    assert after[id].state == new.state
    assert after[column_id].state == column.state
    assert len(of_kind(after, kind)) == 1
    assert source.execute("SELECT c::text FROM public.h").fetchone() == shown


@pytest.mark.parametrize("name", list(REPLACED))
def test_rename(database: Database, name: str) -> None:
    kind = next(kind for kind in KINDS if kind.name == name)
    source = database()
    run(source, REPLACED[name][0])
    (old,) = of_kind(read(source, KINDS), kind).values()
    run(source, *kind.rename(old, "New name"))
    (new,) = of_kind(read(source, KINDS), kind).values()
    assert new.id.path == ("public", "New name")
