"""Foreign keys, on a real server."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from reconciler.core.catalog import Entry
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Nest
from reconciler.kinds.foreign_key import ForeignKey, ForeignKeyDocument
from reconciler.kinds.primary_key import PrimaryKey
from reconciler.kinds.table import Table
from reconciler.kinds.unique import Unique
from tests.kinds.constraints_schema import Database, major_of, tables
from tests.kinds.roundtrip import (
    alterations,
    assert_altered,
    assert_built,
    assert_written,
    declare,
    of_kind,
    read,
    run,
)

KIND = ForeignKey()
KINDS = (Table(), PrimaryKey(), Unique(), KIND)

KEYS = """
ALTER TABLE app.orgs ADD PRIMARY KEY (id), ADD UNIQUE (id, x);
ALTER TABLE "Odd.Schema"."Odd(Table" ADD PRIMARY KEY ("a ""b");
ALTER TABLE public.events ADD PRIMARY KEY (id, day);
"""
OBJECTS = """
ALTER TABLE app.users ADD CONSTRAINT users_org_id_fkey FOREIGN KEY (org_id) REFERENCES app.orgs;
ALTER TABLE app.users ADD CONSTRAINT "F 1" FOREIGN KEY (org_id, org_x) REFERENCES app.orgs (id, x)
    MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE app.users ADD CONSTRAINT users_odd FOREIGN KEY (score)
    REFERENCES "Odd.Schema"."Odd(Table" ("a ""b")
    ON UPDATE RESTRICT ON DELETE SET DEFAULT DEFERRABLE NOT VALID;
ALTER TABLE public.events ADD CONSTRAINT events_org FOREIGN KEY (id)
    REFERENCES app.orgs (id) ON DELETE CASCADE;
ALTER TABLE app.orgs ADD CONSTRAINT orgs_self FOREIGN KEY (x) REFERENCES app.orgs (id);
ALTER TABLE app.orgs ADD CONSTRAINT orgs_event FOREIGN KEY (id, x) REFERENCES public.events (id, day);
"""
SINCE_15 = """ALTER TABLE app.users ADD CONSTRAINT users_some FOREIGN KEY (org_id, org_x)
    REFERENCES app.orgs (id, x) ON DELETE SET NULL (org_x)"""
KEYS_18 = "ALTER TABLE app.terms ADD CONSTRAINT terms_pkey PRIMARY KEY (id, valid_at WITHOUT OVERLAPS)"
SINCE_18 = """
ALTER TABLE app.uses ADD CONSTRAINT uses_term FOREIGN KEY (id, PERIOD valid_at)
    REFERENCES app.terms (id, PERIOD valid_at);
ALTER TABLE app.base ADD CONSTRAINT base_org FOREIGN KEY (n) REFERENCES app.orgs (id) NOT ENFORCED;
"""


def prepared(connection: Any) -> None:
    major = major_of(connection)
    run(connection, tables(major), KEYS, *([KEYS_18] if major >= 18 else []))


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    major = major_of(source)
    prepared(source)
    prepared(empty)
    run(source, OBJECTS, *([SINCE_15] if major >= 15 else []), *([SINCE_18] if major >= 18 else []))
    catalog = read(source, KINDS)
    count = assert_written(KIND, catalog, ("app", "public", "Odd.Schema"))
    assert count == 6 + (major >= 15) + 2 * (major >= 18)
    assert_built(KIND, catalog, empty, KINDS)


def test_needs_the_key_it_refers_to(database: Database) -> None:
    source = database()
    prepared(source)
    run(source, OBJECTS)
    entry = read(source, KINDS)[ObjectId("foreign_key", ("app", "users", "users_org_id_fkey"))]
    assert ObjectId("primary_key", ("app", "orgs", "orgs_pkey")) in entry.needs
    declared = declare(KIND, entry, "public")
    assert declared.needs == {entry.parent, ObjectId("table", ("app", "orgs"))}


def test_references_without_columns_mean_the_primary_key(database: Database) -> None:
    source = database()
    prepared(source)
    document = ForeignKeyDocument(columns=("org_id",), references="orgs")
    nest = Nest("app", ObjectId("table", ("app", "users")))
    (declared,) = KIND.declare("users_org_id_fkey", document, nest)
    assert declared.state.referenced_columns == ()
    run(source, *KIND.create(Entry(declared.id, declared.state, declared.parent)))
    (entry,) = of_kind(read(source, KINDS), KIND).values()
    assert entry.state == dataclasses.replace(declared.state, referenced_columns=("id",))
    assert KIND.write(entry, "app")[1] == {"columns": ["org_id"], "references": "orgs(id)"}
    assert KIND.write(entry, "public")[1]["references"] == "app.orgs(id)"


@pytest.mark.parametrize("text", ["", "(id)", "orgs(", "orgs(id,)", "a.b.c(id)", "orgs(id) x"])
def test_nonsense_references(text: str) -> None:
    document = ForeignKeyDocument(columns=("org_id",), references=text)
    with pytest.raises(ValueError, match=r"\w"):
        list(KIND.declare("f", document, Nest("app", ObjectId("table", ("app", "users")))))


def test_alterations(database: Database) -> None:
    source = database()
    prepared(source)
    run(source, OBJECTS)
    first = ObjectId("foreign_key", ("app", "users", "F 1"))
    assert_altered(source, KIND, first, KINDS, deferrable=False, initially_deferred=False)
    assert_altered(source, KIND, first, KINDS, initially_deferred=False)
    odd = ObjectId("foreign_key", ("app", "users", "users_odd"))
    old = read(source, KINDS)[odd]
    new = dataclasses.replace(old, state=dataclasses.replace(old.state, not_valid=False))
    run(source, *alterations(KIND, old, new))
    assert read(source, KINDS)[odd].state == new.state
    run(source, *KIND.rename(new, "Other"))
    renamed = read(source, KINDS)[ObjectId("foreign_key", ("app", "users", "Other"))]
    run(source, *KIND.drop(renamed))
    assert renamed.id not in read(source, KINDS)


def test_enforcement(database: Database) -> None:
    source = database()
    if major_of(source) < 18:
        pytest.skip("NOT ENFORCED came with 18")
    prepared(source)
    run(source, OBJECTS, SINCE_18)
    id = ObjectId("foreign_key", ("app", "base", "base_org"))
    assert_altered(source, KIND, id, KINDS, not_enforced=False)
    odd = ObjectId("foreign_key", ("app", "users", "users_odd"))
    old = read(source, KINDS)[odd]
    new = dataclasses.replace(old, state=dataclasses.replace(old.state, not_valid=False, not_enforced=True))
    run(source, *alterations(KIND, old, new))
    assert read(source, KINDS)[odd].state == new.state
