"""Comments on everything that can have one, on a real server."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest
from psycopg import Connection
from pydantic import TypeAdapter

import reconciler.kinds
from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Kind, Nest
from reconciler.kinds.column_comment import ColumnComment
from reconciler.kinds.comment import Comment
from reconciler.kinds.index_comment import IndexComment
from tests.kinds.constraints_schema import Database
from tests.kinds.roundtrip import of_kind, read, run

COMMENT, COLUMN_COMMENT, INDEX_COMMENT = Comment(), ColumnComment(), IndexComment()


def _kinds() -> Iterator[Kind[Any]]:
    for found in iter_modules(reconciler.kinds.__path__, "reconciler.kinds."):
        for value in vars(import_module(found.name)).values():
            if isinstance(value, type) and issubclass(value, Kind) and value.__module__ == found.name:
                yield value()


KINDS = tuple(_kinds())

OBJECTS = """
CREATE SCHEMA app;
CREATE TABLE app.users (
    id integer PRIMARY KEY, email text UNIQUE, during tsrange, org integer REFERENCES app.users,
    "Odd, name" text, CONSTRAINT positive CHECK (id > 0), EXCLUDE USING gist (during WITH &&));
CREATE INDEX users_org ON app.users (org);
CREATE VIEW app.names AS SELECT id, email AS "E mail" FROM app.users;
CREATE MATERIALIZED VIEW app.counts AS SELECT count(*) AS n FROM app.users;
CREATE SEQUENCE app.numbers;
CREATE TYPE app.mood AS ENUM ('a');
CREATE DOMAIN app.amount AS integer CONSTRAINT positive CHECK (VALUE > 0);
CREATE TYPE app.address AS (street text);
CREATE TYPE app.floats AS RANGE (SUBTYPE = double precision);
CREATE FUNCTION app.add(a integer, b integer) RETURNS integer LANGUAGE sql AS 'SELECT a + b';
CREATE PROCEDURE app.act() LANGUAGE sql AS '';
CREATE AGGREGATE app.total(integer) (SFUNC = int4pl, STYPE = integer);
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER "Touch it" BEFORE UPDATE ON app.users FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE POLICY mine ON app.users;
CREATE FUNCTION app.call() RETURNS language_handler LANGUAGE c
    AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE LANGUAGE plmine HANDLER app.call;
CREATE TYPE app.shell;
CREATE CAST (date AS oid) WITHOUT FUNCTION;
CREATE OPERATOR app.<+> (FUNCTION = app.add, LEFTARG = integer, RIGHTARG = integer);
CREATE OPERATOR FAMILY app.numbers USING btree;
CREATE OPERATOR CLASS app.number_ops FOR TYPE integer USING btree FAMILY app.numbers AS STORAGE integer;
CREATE CONVERSION app.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TRANSFORM FOR integer LANGUAGE plmine (FROM SQL WITH FUNCTION varchar_support(internal));
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE TEXT SEARCH TEMPLATE app.template (LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH PARSER app.parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end,
    LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH DICTIONARY app.dictionary (TEMPLATE = simple);
CREATE TEXT SEARCH CONFIGURATION app.configuration (PARSER = "default");
CREATE COLLATION app.plain (LOCALE = 'C');
CREATE STATISTICS app.related ON id, org FROM app.users;
CREATE FUNCTION app.on_event() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watching ON sql_drop EXECUTE FUNCTION app.on_event();
CREATE FOREIGN DATA WRAPPER wrapper;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER wrapper;
CREATE FOREIGN TABLE app.far (id integer) SERVER elsewhere;
CREATE PUBLICATION said FOR TABLE app.users;
CREATE RULE quiet AS ON DELETE TO app.users DO INSTEAD NOTHING;
"""
TARGETS = {
    ("schema", "app"): "SCHEMA app",
    ("table", "app", "users"): "TABLE app.users",
    ("column", "app", "users", "Odd, name"): 'COLUMN app.users."Odd, name"',
    ("primary_key", "app", "users", "users_pkey"): "CONSTRAINT users_pkey ON app.users",
    ("unique", "app", "users", "users_email_key"): "CONSTRAINT users_email_key ON app.users",
    ("foreign_key", "app", "users", "users_org_fkey"): "CONSTRAINT users_org_fkey ON app.users",
    ("exclusion", "app", "users", "users_during_excl"): "CONSTRAINT users_during_excl ON app.users",
    ("check", "app", "users", "positive"): "CONSTRAINT positive ON app.users",
    ("check", "app", "amount", "positive"): "CONSTRAINT positive ON DOMAIN app.amount",
    ("index", "app", "users_org"): "INDEX app.users_org",
    ("view", "app", "names"): "VIEW app.names",
    ("materialized_view", "app", "counts"): "MATERIALIZED VIEW app.counts",
    ("sequence", "app", "numbers"): "SEQUENCE app.numbers",
    ("enum", "app", "mood"): "TYPE app.mood",
    ("domain", "app", "amount"): "DOMAIN app.amount",
    ("composite", "app", "address"): "TYPE app.address",
    ("range", "app", "floats"): "TYPE app.floats",
    ("function", "app", "add(integer, integer)"): "FUNCTION app.add(integer, integer)",
    ("procedure", "app", "act()"): "PROCEDURE app.act()",
    ("aggregate", "app", "total(integer)"): "AGGREGATE app.total(integer)",
    ("trigger", "app", "users", "Touch it"): 'TRIGGER "Touch it" ON app.users',
    ("policy", "app", "users", "mine"): "POLICY mine ON app.users",
    ("rule", "app", "users", "quiet"): "RULE quiet ON app.users",
    ("language", "plmine"): "LANGUAGE plmine",
    ("base_type", "app", "shell"): "TYPE app.shell",
    ("cast", "date AS oid"): "CAST (date AS oid)",
    ("operator", "app", "<+>(integer, integer)"): "OPERATOR app.<+> (integer, integer)",
    ("operator_family", "app", "numbers", "btree"): "OPERATOR FAMILY app.numbers USING btree",
    ("operator_class", "app", "number_ops", "btree"): "OPERATOR CLASS app.number_ops USING btree",
    ("conversion", "app", "latin"): "CONVERSION app.latin",
    ("transform", "integer LANGUAGE plmine"): "TRANSFORM FOR integer LANGUAGE plmine",
    ("access_method", "heap2"): "ACCESS METHOD heap2",
    ("text_search_template", "app", "template"): "TEXT SEARCH TEMPLATE app.template",
    ("text_search_parser", "app", "parser"): "TEXT SEARCH PARSER app.parser",
    ("text_search_dictionary", "app", "dictionary"): "TEXT SEARCH DICTIONARY app.dictionary",
    ("text_search_configuration", "app", "configuration"): "TEXT SEARCH CONFIGURATION app.configuration",
    ("collation", "app", "plain"): "COLLATION app.plain",
    ("statistics", "app", "related"): "STATISTICS app.related",
    ("event_trigger", "watching"): "EVENT TRIGGER watching",
    ("foreign_data_wrapper", "wrapper"): "FOREIGN DATA WRAPPER wrapper",
    ("server", "elsewhere"): "SERVER elsewhere",
    ("foreign_table", "app", "far"): "FOREIGN TABLE app.far",
    ("publication", "said"): "PUBLICATION said",
}
TEXT = "It's\nlong: \\ back"


def _lineage(catalog: Catalog, id: ObjectId | None) -> tuple[ObjectId, ...]:
    entry = catalog.get(id)
    return (*_lineage(catalog, entry.parent), entry.id) if entry else ()


def _declared(kind: Kind[Any], catalog: Catalog, entry: Entry) -> Entry:
    """The entry as its own YAML declares it."""
    key, data = kind.write(entry, "app")
    document = TypeAdapter(kind.document).validate_python(data)
    (declared,) = kind.declare(key, document, Nest("app", entry.parent, _lineage(catalog, entry.parent)))
    return Entry(declared.id, declared.state, declared.parent)


def test_on_every_kind(database: Database) -> None:
    source, empty = database(), database()
    run(source, OBJECTS)
    run(empty, OBJECTS)
    for sql in TARGETS.values():
        run(source, f"COMMENT ON {sql} IS E'It''s\\nlong: \\\\ back'")
    catalog = read(source, KINDS)
    found = {id: entry for id, entry in of_kind(catalog, COMMENT).items() if not COMMENT.built_in(entry)}
    assert {id.path: entry.state.text for id, entry in found.items()} == dict.fromkeys(TARGETS, TEXT)
    for entry in found.values():
        declared = _declared(COMMENT, catalog, entry)
        assert (declared.id, declared.state, declared.parent) == (entry.id, entry.state, entry.parent)
        run(empty, *COMMENT.create(declared))
    built = of_kind(read(empty, KINDS), COMMENT)
    assert {id: built[id].state for id in found} == {id: entry.state for id, entry in found.items()}
    for entry in found.values():
        run(empty, *COMMENT.drop(entry))
    assert not set(of_kind(read(empty, KINDS), COMMENT)) & set(found)


def test_on_what_has_no_column_entries(database: Database) -> None:
    source = database()
    run(source, OBJECTS)
    columns = ('app.names."E mail"', "app.counts.n", "app.address.street")
    for column in columns:
        run(source, f"COMMENT ON COLUMN {column} IS 'said'")
    catalog = read(source, KINDS)
    found = of_kind(catalog, COLUMN_COMMENT)
    assert {id.path for id in found} == {
        ("view", "app", "names", "E mail"),
        ("materialized_view", "app", "counts", "n"),
        ("composite", "app", "address", "street"),
    }
    for id, entry in found.items():
        declared = _declared(COLUMN_COMMENT, catalog, entry)
        assert (declared.id, declared.state, declared.parent) == (entry.id, entry.state, entry.parent)
        new = dataclasses.replace(entry, state=dataclasses.replace(entry.state, text="else"))
        run(source, *COLUMN_COMMENT.create(new))
        assert read(source, KINDS)[id].state.text == "else"
        run(source, *COLUMN_COMMENT.drop(entry))
    assert not of_kind(read(source, KINDS), COLUMN_COMMENT)


def test_on_the_index_of_a_constraint(database: Database) -> None:
    source = database()
    run(source, OBJECTS)
    for index in ("users_pkey", "users_email_key", "users_during_excl"):
        run(source, f"COMMENT ON INDEX app.{index} IS 'of the index'")
    run(source, "COMMENT ON CONSTRAINT users_pkey ON app.users IS 'of the key'")
    catalog = read(source, KINDS)
    found = of_kind(catalog, INDEX_COMMENT)
    assert {id.path for id in found} == {
        ("primary_key", "app", "users", "users_pkey"),
        ("unique", "app", "users", "users_email_key"),
        ("exclusion", "app", "users", "users_during_excl"),
    }
    assert [
        entry.state.text for entry in of_kind(catalog, COMMENT).values() if entry.id.path[1] == "app"
    ] == ["of the key"]
    for id, entry in found.items():
        declared = _declared(INDEX_COMMENT, catalog, entry)
        assert (declared.id, declared.state, declared.parent) == (entry.id, entry.state, entry.parent)
        new = dataclasses.replace(entry, state=dataclasses.replace(entry.state, text="else"))
        run(source, *INDEX_COMMENT.create(new))
        assert read(source, KINDS)[id].state.text == "else"
        run(source, *INDEX_COMMENT.drop(entry))
    assert not of_kind(read(source, KINDS), INDEX_COMMENT)


def test_what_postgresql_says_itself_is_built_in(database: Database) -> None:
    source = database()
    comments = of_kind(read(source, KINDS), COMMENT)
    assert {id.path for id in comments} == {("schema", "public"), ("extension", "plpgsql")}
    assert all(COMMENT.built_in(entry) for entry in comments.values())
    run(source, "COMMENT ON EXTENSION plpgsql IS 'ours'; COMMENT ON SCHEMA public IS 'ours'")
    assert not any(COMMENT.built_in(entry) for entry in of_kind(read(source, KINDS), COMMENT).values())


def test_parts_that_postgresql_makes_are_left_out(database: Database) -> None:
    source = database()
    run(source, OBJECTS)
    before = own(source)
    run(source, "COMMENT ON RULE \"_RETURN\" ON app.names IS 'x'")
    run(source, "COMMENT ON TYPE app.users IS 'x'; COMMENT ON TYPE app._mood IS 'x'")
    assert own(source) == before


def own(source: Connection[Any]) -> set[ObjectId]:
    """What the database has. Roles are the server's: other tests make and drop theirs at the same time."""
    return {id for id in read(source, KINDS).entries if id.kind != "role"}


def test_an_empty_comment_is_refused() -> None:
    for kind in (COMMENT, COLUMN_COMMENT, INDEX_COMMENT):
        with pytest.raises(ValueError, match="leave it out"):
            list(kind.declare("comment", "", Nest("app", ObjectId("view", ("app", "names")))))
