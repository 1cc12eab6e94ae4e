"""Materialized views, on a real server."""

from __future__ import annotations

from reconciler.core.ident import ObjectId
from reconciler.kinds.materialized_view import MaterializedView
from reconciler.kinds.table import Table
from tests.kinds.constraints_schema import Database, major_of
from tests.kinds.roundtrip import assert_altered, assert_built, assert_written, read, refusal, run

KIND = MaterializedView()
KINDS = (Table(), KIND)
FULL = ObjectId("materialized_view", ("app", "The Totals"))

BEFORE = """
CREATE SCHEMA app;
CREATE ACCESS METHOD mine TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE app.orders (id integer, customer text, price numeric);
"""
OBJECTS = """
CREATE MATERIALIZED VIEW app.plain AS SELECT id FROM app.orders;
CREATE MATERIALIZED VIEW app."The Totals" USING mine WITH (fillfactor = 70, toast.autovacuum_enabled = false)
    TABLESPACE pg_default AS SELECT customer, sum(price) AS total, ';'::text AS semicolon FROM app.orders
    GROUP BY customer WITH NO DATA;
ALTER MATERIALIZED VIEW app."The Totals" ALTER COLUMN customer SET STATISTICS 500;
ALTER MATERIALIZED VIEW app."The Totals" ALTER COLUMN customer SET (n_distinct = -0.5);
ALTER MATERIALIZED VIEW app."The Totals" ALTER COLUMN customer SET STORAGE external;
ALTER MATERIALIZED VIEW app."The Totals" ALTER COLUMN total SET COMPRESSION pglz;
"""


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    run(source, BEFORE, OBJECTS)
    run(empty, BEFORE)
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == 2
    assert_built(KIND, catalog, empty, KINDS)


def test_short_form(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    entry = read(source, KINDS)[ObjectId("materialized_view", ("app", "plain"))]
    query = (
        "SELECT id\n   FROM app.orders\n"
        if major_of(source) >= 16
        else "SELECT orders.id\n   FROM app.orders\n"
    )
    assert KIND.write(entry, "app") == ("plain", query)


def test_attributes_are_altered_in_place(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    assert_altered(source, KIND, FULL, KINDS, with_data=True)
    assert_altered(source, KIND, FULL, KINDS, options=("fillfactor=80",))
    assert_altered(source, KIND, FULL, KINDS, column_settings=(("total", "n_distinct", "9"),))
    plain = ObjectId("materialized_view", ("app", "plain"))
    run(source, "ALTER MATERIALIZED VIEW app.plain ALTER COLUMN id SET STATISTICS 9")
    assert_altered(source, KIND, plain, KINDS, column_settings=())
    assert_altered(source, KIND, FULL, KINDS, storage=(("customer", "main"),))


def test_storage_is_never_taken_back(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    catalog = read(source, KINDS)
    plain, full = catalog[ObjectId("materialized_view", ("app", "plain"))], catalog[FULL]
    assert refusal(KIND, "storage", full, plain) is not None
    assert refusal(KIND, "storage", plain, full) is None


def test_drop(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    run(source, *KIND.drop(read(source, KINDS)[FULL]))
    assert FULL not in read(source, KINDS)
