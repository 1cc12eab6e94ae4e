"""Check constraints, on a real server."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from reconciler.core.catalog import Entry
from reconciler.core.ident import ObjectId
from reconciler.kinds.check import Check, CheckState
from reconciler.kinds.table import Table
from tests.kinds.constraints_schema import Database, major_of, tables
from tests.kinds.roundtrip import (
    alterations,
    assert_built,
    assert_written,
    declare,
    of_kind,
    read,
    run,
)

KIND = Check()
KINDS = (Table(), KIND)

OBJECTS = """
ALTER TABLE app.users ADD CONSTRAINT "C 1" CHECK (score > 0 AND "Odd, name" <> 'it''s') NO INHERIT;
ALTER TABLE app.users ADD CONSTRAINT users_backwards CHECK (app.backwards(id, score) = 1) NOT VALID;
ALTER TABLE app.base ADD CONSTRAINT base_n_check CHECK (n > 0);
ALTER TABLE app.derived ADD CONSTRAINT derived_extra_check CHECK (extra <> '');
ALTER TABLE public.events ADD CONSTRAINT events_kind_check CHECK (kind IN ('a', 'b'));
"""
SINCE_18 = "ALTER TABLE app.users ADD CONSTRAINT users_said CHECK (said = 'x') NOT ENFORCED"


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    major = major_of(source)
    run(source, tables(major), OBJECTS, *([SINCE_18] if major >= 18 else []))
    run(empty, tables(major))
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == 8 + (major >= 18)
    assert_built(KIND, catalog, empty, KINDS)


def test_inherited_checks_are_carried(database: Database) -> None:
    source = database()
    run(source, tables(major_of(source)), OBJECTS)
    entries = of_kind(read(source, KINDS), KIND)
    carried = {entry.id.path: entry.carrier.path for entry in entries.values() if entry.carrier}
    assert carried == {
        ("app", "derived", "base_n_check"): ("app", "base", "base_n_check"),
        ("public", "events_1", "events_kind_check"): ("public", "events", "events_kind_check"),
        ("public", "events_2", "events_kind_check"): ("public", "events", "events_kind_check"),
    }


def test_a_check_that_is_also_local_is_its_own(database: Database) -> None:
    source = database()
    own = "ALTER TABLE app.derived ADD CONSTRAINT base_n_check CHECK (n > 0)"
    run(source, tables(major_of(source)), own, OBJECTS)
    entry = read(source, KINDS)[ObjectId("check", ("app", "derived", "base_n_check"))]
    assert entry.carrier is None


def test_not_valid_is_validated_in_place(database: Database) -> None:
    source = database()
    run(source, tables(major_of(source)), OBJECTS)
    id = ObjectId("check", ("app", "users", "users_backwards"))
    old = read(source, KINDS)[id]
    assert old.state.not_valid
    assert not KIND.foldable(old)
    new = Entry(id, CheckState(old.state.expression), old.parent)
    run(source, *alterations(KIND, old, new))
    assert read(source, KINDS)[id].state == new.state


def test_rename_and_drop(database: Database) -> None:
    source = database()
    run(source, tables(major_of(source)), OBJECTS)
    entry = read(source, KINDS)[ObjectId("check", ("app", "users", "C 1"))]
    run(source, *KIND.rename(entry, "Other"))
    renamed = read(source, KINDS)[ObjectId("check", ("app", "users", "Other"))]
    assert renamed.state == entry.state
    run(source, *KIND.drop(renamed))
    assert renamed.id not in read(source, KINDS)


def test_short_form(database: Database) -> None:
    source = database()
    run(source, tables(major_of(source)), "ALTER TABLE app.orgs ADD CHECK (x > 0)")
    (entry,) = of_kind(read(source, KINDS), KIND).values()
    assert KIND.write(entry, "app") == ("orgs_x_check", "(x > 0)")


def test_domain(database: Database) -> None:
    """The domain's own kind is another file's: here its check is created as SQL says it."""
    source = database()
    run(source, tables(major_of(source)))
    id = ObjectId("check", ("app", "code", "code_check"))
    entry = Entry(id, CheckState("(VALUE <> ''::text)", not_valid=True), ObjectId("domain", ("app", "code")))
    assert declare(KIND, entry, "public").state == entry.state
    assert not KIND.foldable(entry)
    run(source, *KIND.create(entry))
    assert _domain_checks(source) == {("code_check", "(VALUE <> ''::text)", False)}
    valid = Entry(id, CheckState(entry.state.expression), entry.parent)
    run(source, *alterations(KIND, entry, valid), *KIND.rename(valid, "Other"))
    assert _domain_checks(source) == {("Other", "(VALUE <> ''::text)", True)}
    run(source, *KIND.drop(Entry(ObjectId("check", ("app", "code", "Other")), valid.state, valid.parent)))
    assert _domain_checks(source) == set()


def _domain_checks(connection: Connection[Any]) -> set[tuple[str, str, bool]]:
    rows = connection.execute(KIND.query(major_of(connection)))
    names = [column.name for column in rows.description or ()]
    found = [dict(zip(names, row, strict=True)) for row in rows]
    mine = [row for row in found if row["path"][1] == "code"]
    return {(row["path"][2], row["expression"], not row["not_valid"]) for row in mine}
