"""Primary keys, on a real server."""

from __future__ import annotations

import psycopg
import pytest

from reconciler.core.ident import ObjectId
from reconciler.core.statement import HazardCode
from reconciler.kinds.primary_key import PrimaryKey
from reconciler.kinds.table import Table
from tests.kinds.constraints_schema import Database, major_of, tables
from tests.kinds.roundtrip import assert_altered, assert_built, assert_written, of_kind, read, run

KIND = PrimaryKey()
KINDS = (Table(), KIND)
LONG = "t" * 40 + "é" * 11

BEFORE = f"CREATE TABLE app.{LONG} (id integer NOT NULL); ALTER TABLE public.events ALTER kind SET NOT NULL;"
OBJECTS = f"""
ALTER TABLE app.orgs ADD CONSTRAINT "The Key" PRIMARY KEY (id, x) INCLUDE (note) WITH (fillfactor = 70)
    DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE app.orgs CLUSTER ON "The Key";
ALTER TABLE app.users ADD PRIMARY KEY (id);
ALTER TABLE app.users REPLICA IDENTITY USING INDEX users_pkey;
ALTER TABLE "Odd.Schema"."Odd(Table" ADD PRIMARY KEY ("a ""b", id);
ALTER TABLE app.{LONG} ADD PRIMARY KEY (id);
ALTER TABLE public.events_2 ADD CONSTRAINT own_name PRIMARY KEY (id, day);
ALTER TABLE public.events ADD PRIMARY KEY (id, day);
"""
ONLY_18 = "ALTER TABLE app.terms ADD CONSTRAINT terms_pkey PRIMARY KEY (id, valid_at WITHOUT OVERLAPS)"


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    major = major_of(source)
    run(source, tables(major), BEFORE, OBJECTS, *([ONLY_18] if major >= 18 else []))
    run(empty, tables(major), BEFORE)
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == 7 + (major >= 18)
    assert_built(KIND, catalog, empty, KINDS)


def test_short_form_and_default_name(database: Database) -> None:
    source = database()
    run(source, tables(major_of(source)), BEFORE, OBJECTS)
    entries = {id.path[1]: entry for id, entry in of_kind(read(source, KINDS), KIND).items()}
    assert KIND.write(entries["orgs"], "app")[1]["name"] == "The Key"
    assert KIND.write(entries["events"], "app") == ("primary_key", ["id", "day"])
    assert KIND.write(entries[LONG], "app") == ("primary_key", ["id"])


def test_partitions_are_carried(database: Database) -> None:
    source = database()
    run(source, tables(major_of(source)), BEFORE, OBJECTS)
    catalog = read(source, KINDS)
    parent = catalog[ObjectId("primary_key", ("public", "events", "events_pkey"))]
    plain = catalog[ObjectId("primary_key", ("public", "events_1", "events_1_pkey"))]
    named = catalog[ObjectId("primary_key", ("public", "events_2", "own_name"))]
    assert plain.carrier == named.carrier == parent.id
    assert not KIND.deviates(plain, parent)
    assert KIND.deviates(named, parent)


def test_a_name_that_the_yaml_says_stays_when_the_table_is_renamed(database: Database) -> None:
    source = database()
    run(source, tables(major_of(source)), BEFORE, OBJECTS)
    entries = {id.path[1]: entry for id, entry in of_kind(read(source, KINDS), KIND).items()}
    (statement,) = KIND.rename_with_parent(entries["users"], "people", ())
    assert statement.sql == "ALTER TABLE app.users RENAME CONSTRAINT users_pkey TO people_pkey"
    said = ObjectId("primary_key", ("app", "people", "users_pkey"))
    assert not list(KIND.rename_with_parent(entries["users"], "people", {said}))
    assert not list(KIND.rename_with_parent(entries["orgs"], "people", ()))


def test_a_key_whose_index_is_lent_says_so_when_it_goes(database: Database) -> None:
    source = database()
    run(source, tables(major_of(source)))
    run(source, "ALTER TABLE public.events ALTER kind SET NOT NULL")
    run(source, "ALTER TABLE public.events_1 ADD PRIMARY KEY (id, day)")
    run(source, "CREATE UNIQUE INDEX every_day ON public.events (id, day)")
    entry = read(source, KINDS)[ObjectId("primary_key", ("public", "events_1", "events_1_pkey"))]
    (statement,) = KIND.drop(entry)
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        run(source, statement)
    assert HazardCode.MAY_FAIL in {hazard.code for hazard in statement.hazards}
    run(source, "ALTER TABLE public.events DETACH PARTITION public.events_1")
    entry = read(source, KINDS)[entry.id]
    (statement,) = KIND.drop(entry)
    assert HazardCode.MAY_FAIL not in {hazard.code for hazard in statement.hazards}
    run(source, statement)


def test_incomplete_on_partitions(database: Database) -> None:
    source, empty = database(), database()
    run(source, tables(major_of(source)), "ALTER TABLE ONLY public.events ADD PRIMARY KEY (id, day)")
    run(empty, tables(major_of(source)))
    catalog = read(source, KINDS)
    (entry,) = of_kind(catalog, KIND).values()
    assert entry.state.only
    assert_written(KIND, catalog)
    assert_built(KIND, catalog, empty, KINDS)


def test_alterations(database: Database) -> None:
    source = database()
    run(source, tables(major_of(source)), BEFORE, OBJECTS)
    orgs = ObjectId("primary_key", ("app", "orgs", "The Key"))
    users = ObjectId("primary_key", ("app", "users", "users_pkey"))
    assert_altered(source, KIND, orgs, KINDS, options=("deduplicate_items=off", "fillfactor=80"))
    assert_altered(source, KIND, orgs, KINDS, clustered=False)
    assert_altered(source, KIND, users, KINDS, options=("fillfactor=50",), clustered=True)
    run(source, "ALTER TABLE app.users REPLICA IDENTITY FULL")
    entry = read(source, KINDS)[users]
    assert not entry.state.replica_identity
    run(source, *KIND.rename(entry, "Other"))
    assert ObjectId("primary_key", ("app", "users", "Other")) in read(source, KINDS)
    run(source, *KIND.drop(read(source, KINDS)[orgs]))
    assert orgs not in read(source, KINDS)
