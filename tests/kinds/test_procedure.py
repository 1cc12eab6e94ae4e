"""Procedures, on a real server."""

from __future__ import annotations

import dataclasses

from reconciler.core.ident import ObjectId
from reconciler.core.statement import HazardCode
from reconciler.kinds.function import Function
from reconciler.kinds.procedure import Procedure
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

KIND = Procedure()
KINDS = (Function(), KIND)
FULL = ObjectId("procedure", ("app", "archive(date, text)"))

BEFORE = """
CREATE SCHEMA app;
CREATE TABLE app.users (id integer);
"""
OBJECTS = """
CREATE PROCEDURE app.archive(before date, OUT rows bigint, INOUT said text DEFAULT 'x') LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = '' SET statement_timeout = 5000 AS $$
begin
    said := 'done';
    rows := 0;
end
$$;
CREATE PROCEDURE app."Odd (one"() LANGUAGE sql BEGIN ATOMIC SELECT id FROM app.users; SELECT 2; END;
CREATE PROCEDURE public.plain(integer) LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION app.f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
"""


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    run(source, BEFORE, OBJECTS)
    run(empty, BEFORE)
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == 3
    assert_built(KIND, catalog, empty, KINDS)


def test_altered_in_place(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    assert_altered(source, KIND, FULL, KINDS, body="begin rows := 1; end", settings=())
    plain = ObjectId("procedure", ("public", "plain(integer)"))
    assert_altered(source, KIND, plain, KINDS, language="plpgsql", body="begin end")


def test_whose_privileges_count_is_an_access_matter(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    old = read(source, KINDS)[FULL]
    new = dataclasses.replace(old, state=dataclasses.replace(old.state, security_definer=False))
    (statement,) = alterations(KIND, old, new)
    assert [hazard.code for hazard in statement.hazards] == [HazardCode.ACCESS_CHANGE]
    run(source, statement)
    assert read(source, KINDS)[FULL].state == new.state


def test_drop(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    for entry in of_kind(read(source, KINDS), KIND).values():
        run(source, *KIND.drop(entry))
    assert not of_kind(read(source, KINDS), KIND)
