"""Unique constraints, on a real server."""

from __future__ import annotations

import pytest

from reconciler.core.ident import ObjectId
from reconciler.kinds.index import Index
from reconciler.kinds.table import Table
from reconciler.kinds.unique import Unique
from tests.kinds.constraints_schema import Database, major_of, tables
from tests.kinds.roundtrip import assert_altered, assert_built, assert_written, of_kind, read, run

KIND = Unique()
KINDS = (Table(), Index(), KIND)

OBJECTS = """
ALTER TABLE app.users ADD CONSTRAINT users_email_key UNIQUE (email);
ALTER TABLE app.users ADD CONSTRAINT "U 1" UNIQUE ("Odd, name", score) INCLUDE (email)
    WITH (fillfactor = 60, deduplicate_items = off) DEFERRABLE;
ALTER TABLE app.users ADD CONSTRAINT users_later UNIQUE (native) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE app.users ADD CONSTRAINT users_score_key UNIQUE (score);
ALTER TABLE app.users REPLICA IDENTITY USING INDEX users_score_key;
ALTER TABLE app.users CLUSTER ON users_email_key;
ALTER TABLE "Odd.Schema"."Odd(Table" ADD UNIQUE ("a ""b");
"""
SINCE_15 = "ALTER TABLE app.orgs ADD CONSTRAINT orgs_nulls UNIQUE NULLS NOT DISTINCT (note)"
SINCE_18 = "ALTER TABLE app.terms ADD CONSTRAINT terms_key UNIQUE (id, valid_at WITHOUT OVERLAPS)"
PARTITIONED = """
ALTER TABLE public.events_2 ADD CONSTRAINT own_name UNIQUE (day, id);
ALTER TABLE public.events ADD UNIQUE (day, id);
"""


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    major = major_of(source)
    newer = [sql for since, sql in ((15, SINCE_15), (18, SINCE_18)) if major >= since]
    run(source, tables(major), OBJECTS, *newer)
    run(empty, tables(major))
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == 5 + len(newer)
    assert_built(KIND, catalog, empty, KINDS)
    assert not of_kind(catalog, Index())


def test_short_form(database: Database) -> None:
    source = database()
    run(source, tables(major_of(source)), "ALTER TABLE app.users ADD UNIQUE (email)")
    (entry,) = of_kind(read(source, KINDS), KIND).values()
    assert KIND.write(entry, "app") == ("users_email_key", ["email"])


@pytest.mark.parametrize("table", ["partitioned", "child"])
def test_partitions_are_carried(database: Database, table: str) -> None:
    source = database()
    run(source, tables(major_of(source)), PARTITIONED)
    catalog = read(source, KINDS)
    parent = catalog[ObjectId("unique", ("public", "events", "events_day_id_key"))]
    name = {"partitioned": ("events_1", "events_1_day_id_key"), "child": ("events_2", "own_name")}[table]
    child = catalog[ObjectId("unique", ("public", *name))]
    assert child.carrier == parent.id
    assert KIND.deviates(child, parent) == (table == "child")


def test_constraint_under_a_plain_index_of_the_partitioned_table(database: Database) -> None:
    source = database()
    constraint = "ALTER TABLE public.events_1 ADD UNIQUE (day)"
    index = "CREATE UNIQUE INDEX events_day ON public.events (day)"
    run(source, tables(major_of(source)), constraint, index)
    catalog = read(source, KINDS)
    (child,) = of_kind(catalog, KIND).values()
    parent = catalog[ObjectId("index", ("public", "events_day"))]
    # PostgreSQL drops neither with the other: the constraint is an object of its own.
    assert child.carrier is None
    assert parent.id in child.needs


def test_alterations(database: Database) -> None:
    source = database()
    run(source, tables(major_of(source)), OBJECTS)
    id = ObjectId("unique", ("app", "users", "users_email_key"))
    assert_altered(source, KIND, id, KINDS, options=("fillfactor=50",), clustered=False)
    run(source, *KIND.rename(read(source, KINDS)[id], "Other"))
    entry = read(source, KINDS)[ObjectId("unique", ("app", "users", "Other"))]
    run(source, *KIND.drop(entry))
    assert entry.id not in read(source, KINDS)
