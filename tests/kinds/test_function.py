"""Functions, on a real server."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import psycopg
import pytest
from pydantic import TypeAdapter

from reconciler.core.catalog import Entry
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Declared, Nest
from reconciler.core.statement import HazardCode
from reconciler.kinds.function import Function, FunctionState
from reconciler.kinds.table import Table
from tests.kinds.constraints_schema import Database
from tests.kinds.roundtrip import (
    alterations,
    assert_altered,
    assert_built,
    assert_written,
    of_kind,
    read,
    refusal,
    rendered,
    run,
)

KIND = Function()
KINDS = (Table(), KIND)
FULL = ObjectId("function", ("app", "full_one(integer, text, integer[])"))
TOUCH = ObjectId("function", ("app", "touch()"))

BEFORE = """
CREATE SCHEMA app;
CREATE SCHEMA "Odd.Schema";
CREATE TYPE app.mood AS ENUM ('glad', 'sad');
CREATE TABLE app.users (id integer, email text);
"""
OBJECTS = r"""
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $f$
begin
    -- $$ 'quoted' \ and a $body$
    return new;
end
$f$;
CREATE FUNCTION app.full_one(a integer, b text DEFAULT 'x, (y)', VARIADIC c integer[] DEFAULT '{}')
    RETURNS SETOF integer LANGUAGE sql STABLE STRICT SECURITY DEFINER LEAKPROOF PARALLEL RESTRICTED
    COST 7.5 ROWS 12 SET search_path = app, "Odd.Schema", "$user"
    SET work_mem = '64MB' SET app."user" = 'it''s'
    AS 'SELECT 1';
CREATE FUNCTION app.no_path(integer) RETURNS integer LANGUAGE sql SET search_path = '' AS 'SELECT $1';
CREATE FUNCTION app.no_path(app.mood, numeric, character varying) RETURNS void LANGUAGE sql IMMUTABLE AS '';
CREATE FUNCTION "Odd.Schema"."The (odd"(INOUT "A b" integer, OUT d text) LANGUAGE sql PARALLEL SAFE
    AS 'SELECT 1, $$x$$';
CREATE FUNCTION public."left"() RETURNS TABLE (id integer, "E mail" text) LANGUAGE sql
    AS 'SELECT 1, NULL::text';
CREATE FUNCTION app.standard(integer) RETURNS bigint LANGUAGE sql RETURN $1 + 1;
CREATE FUNCTION app.atomic(n integer) RETURNS SETOF app.users LANGUAGE sql BEGIN ATOMIC
    SELECT * FROM app.users WHERE id = n; SELECT 1, ';'::text; END;
CREATE FUNCTION app.upper(text) RETURNS text LANGUAGE internal IMMUTABLE STRICT AS 'upper';
CREATE FUNCTION app.tracked(internal) RETURNS internal LANGUAGE internal AS 'generate_series_int4_support';
CREATE FUNCTION app.series(integer, integer) RETURNS SETOF integer LANGUAGE internal
    SUPPORT pg_catalog.generate_series_int4_support AS 'generate_series_int4';
CREATE FUNCTION app.ranked() RETURNS bigint LANGUAGE internal WINDOW IMMUTABLE AS 'window_rank';
CREATE FUNCTION app.in_c(cstring) RETURNS void LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_validator';
"""


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    run(source, BEFORE, OBJECTS)
    run(empty, BEFORE)
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == 13
    assert_built(KIND, catalog, empty, KINDS)


def test_what_the_catalog_says(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    catalog = read(source, KINDS)
    state: FunctionState = catalog[FULL].state
    assert state.settings == (
        'search_path=app, "Odd.Schema", "$user"',
        "work_mem=64MB",
        "app.user=it's",
    )
    assert (state.cost, state.rows, state.volatility, state.parallel) == ("7.5", "12", "stable", "restricted")
    assert state.inputs == ("i a", "i b", "v c")
    assert state.defaults == 2
    odd = catalog[ObjectId("function", ("Odd.Schema", '"The (odd"(integer)'))]
    assert odd.state.outputs == ("b A b integer", "o d text")
    atomic = catalog[ObjectId("function", ("app", "atomic(integer)"))]
    assert atomic.state.body is None
    assert ObjectId("table", ("app", "users")) in atomic.needs
    assert KIND.write(catalog[TOUCH], "app") == (
        "touch()",
        {"returns": "trigger", "language": "plpgsql", "body": catalog[TOUCH].state.body},
    )


def test_attributes_are_altered_in_place(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    assert_altered(source, KIND, TOUCH, KINDS, body="begin return old; end -- $")
    assert_altered(source, KIND, FULL, KINDS, settings=())
    assert_altered(source, KIND, FULL, KINDS, volatility="immutable", strict=False, leakproof=False)
    assert_altered(source, KIND, FULL, KINDS, security_definer=False, parallel="safe", cost=None, rows=None)
    assert_altered(source, KIND, FULL, KINDS, body=None, sql_body="RETURN 2")
    series = ObjectId("function", ("app", "series(integer, integer)"))
    assert_altered(source, KIND, series, KINDS, support=None)
    in_c = ObjectId("function", ("app", "in_c(cstring)"))
    assert_altered(source, KIND, in_c, KINDS, link_symbol="plpgsql_call_handler", volatility="stable")
    no_path = ObjectId("function", ("app", "no_path(integer)"))
    plain = {"language": "plpgsql", "body": "begin return 1; end"}
    assert_altered(source, KIND, no_path, KINDS, settings=("search_path=app",), **plain)


def test_replacing_one_attribute_keeps_the_others(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    old = read(source, KINDS)[FULL]
    new = dataclasses.replace(
        old, state=dataclasses.replace(old.state, body="SELECT 2", security_definer=False)
    )
    (statement,) = alterations(KIND, old, new)
    assert [hazard.code for hazard in statement.hazards] == [HazardCode.ACCESS_CHANGE]
    run(source, statement)
    assert read(source, KINDS)[FULL].state == new.state


@pytest.mark.parametrize(
    ("before", "after", "in_place"),
    [
        ("a integer, b text", "a integer, b text DEFAULT 'x'", True),
        ("integer, text", "a integer, b text", True),
        ("a integer, b text DEFAULT 'x'", "a integer DEFAULT 1, b text DEFAULT 'y'", True),
        ("a integer, b text", "b integer, a text", False),
        ("a integer, b text", "integer, text", False),
        ("a integer, b text DEFAULT 'x'", "a integer, b text", False),
        (
            "a integer, b text, OUT c integer, OUT d integer",
            "a integer, b text, OUT c integer, OUT e integer",
            False,
        ),
        (
            "a integer, b text, OUT c integer, OUT d integer",
            "a integer, b text, OUT c integer, OUT d bigint",
            False,
        ),
    ],
)
def test_arguments_are_replaced_where_postgresql_can(
    database: Database, before: str, after: str, in_place: bool
) -> None:
    source, other = database(), database()
    returns = "" if "OUT" in before else "RETURNS integer"
    for connection, arguments in ((source, before), (other, after)):
        body = "SELECT 1, 2" if "OUT" in arguments else "SELECT 1"
        run(connection, BEFORE, f"CREATE FUNCTION app.f({arguments}) {returns} LANGUAGE sql AS '{body}'")
    id = ObjectId("function", ("app", "f(integer, text)"))
    old, new = read(source, KINDS)[id], read(other, KINDS)[id]
    assert (refusal(KIND, "arguments", old, new) is None) is in_place
    statements = rendered(KIND, "arguments", old, new)
    if not in_place:
        with pytest.raises(psycopg.errors.InvalidFunctionDefinition):
            run(source, *statements)
    else:
        run(source, *statements)
        assert read(source, KINDS)[id].state == new.state


def _declare(key: str, home: str = "app", **document: object) -> Declared:
    checked = TypeAdapter(KIND.document).validate_python({"language": "sql", **document})
    (declared,) = KIND.declare(key, checked, Nest(home))
    return declared


@pytest.mark.parametrize(
    ("key", "canonical"),
    [
        ("add(a int, b int default 0)", "add(integer, integer)"),
        ("add(int,int4)", "add(integer, integer)"),
        ("add(integer, integer)", "add(integer, integer)"),
        ("feel( mood )", "feel(app.mood)"),
        ('"The odd"(x varchar(20))', '"The odd"(character varying)'),
    ],
)
def test_a_loose_key_is_resolved(database: Database, key: str, canonical: str) -> None:
    source = database()
    run(source, BEFORE, "SET search_path = app, public")
    declared = _declare(key, returns="integer", body="SELECT 1")
    run(source, *KIND.create(Entry(declared.id, declared.state)))
    assert KIND.resolve is not None
    schema, name = declared.id.path
    assert source.execute(KIND.resolve, {"schema": schema, "name": name}).fetchall() == [(canonical,)]
    assert set(of_kind(read(source, KINDS), KIND)) == {ObjectId("function", ("app", canonical))}


def test_an_overloaded_key_is_resolved(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    assert KIND.resolve is not None
    for name, canonical in (
        ("no_path(int)", "no_path(integer)"),
        ("no_path(mood, decimal, varchar)", "no_path(app.mood, numeric, character varying)"),
        ("no_path(text)", None),
        ("missing()", None),
    ):
        run(source, "SET search_path = app")
        assert source.execute(KIND.resolve, {"schema": "app", "name": name}).fetchone() == (canonical,)


def test_a_body_beside_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "schema"
    folder.mkdir()
    (folder / "touch.sql").write_bytes(b"begin\r\n return new;\nend\n")
    (tmp_path / "outside.sql").write_text("begin end")
    (folder / "binary.sql").write_bytes(b"\xff\xfe")

    def state(name: str) -> FunctionState:
        document = TypeAdapter(KIND.document).validate_python({"language": "plpgsql", "body_file": name})
        (declared,) = KIND.declare("touch()", document, Nest("app", folder=str(folder)))
        assert isinstance(declared.state, FunctionState)
        return declared.state

    assert state("touch.sql").body == "begin\r\n return new;\nend\n"
    with pytest.raises(ValueError, match="outside the folder"):
        state("../outside.sql")
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        state("missing.sql")
    with pytest.raises(ValueError, match="not UTF-8"):
        state("binary.sql")


@pytest.mark.parametrize(
    ("key", "document", "message"),
    [
        ("f()", {}, "found none"),
        ("f()", {"body": "x", "sql_body": "RETURN 1"}, "found body and sql_body"),
        ("f()", {"body": "x", "body_file": "y"}, "exclude one another"),
        ("f(integer", {"body": "x"}, "closing parenthesis"),
        ("a.b.c()", {"body": "x"}, "3 parts"),
        ("(integer)", {"body": "x"}, "not a name"),
    ],
)
def test_nonsense(key: str, document: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _declare(key, "app", **document)


def test_language_is_said_or_follows_from_the_body() -> None:
    with pytest.raises(ValueError, match="say the language"):
        _declare("f()", language=None, body="x")
    assert _declare("f()", language=None, sql_body="RETURN 1").state.language == "sql"


def test_drop(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    for entry in of_kind(read(source, KINDS), KIND).values():
        if entry.id.path[1] != "tracked(internal)":
            run(source, *KIND.drop(entry))
    assert [id.path[1] for id in of_kind(read(source, KINDS), KIND)] == ["tracked(internal)"]
