"""Triggers, on a real server."""

from __future__ import annotations

import dataclasses

import pytest
from pydantic import TypeAdapter

from reconciler.core.catalog import Entry
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Declared, Disturbance, Nest
from reconciler.kinds.column import Column
from reconciler.kinds.function import Function
from reconciler.kinds.table import Table
from reconciler.kinds.trigger import Trigger
from reconciler.kinds.view import View
from tests.kinds.constraints_schema import Database
from tests.kinds.roundtrip import (
    assert_altered,
    assert_built,
    assert_written,
    of_kind,
    read,
    refusal,
    run,
)

KIND = Trigger()
KINDS = (Table(), Column(), View(), Function(), KIND)
USERS = ObjectId("table", ("app", "users"))
FULL = USERS.child("trigger", "Full one")
CONSTRAINT = USERS.child("trigger", "checked")

BEFORE = """
CREATE SCHEMA app;
CREATE SCHEMA "Odd.Schema";
CREATE TABLE app.users (id integer, email text, "Odd, name" text);
CREATE TABLE app.orgs (id integer);
CREATE TABLE app.parts (id integer) PARTITION BY RANGE (id);
CREATE TABLE app.parts_1 PARTITION OF app.parts FOR VALUES FROM (1) TO (9);
CREATE VIEW app.people AS SELECT id, email FROM app.users;
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end';
CREATE FUNCTION "Odd.Schema"."The (odd"() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end';
"""
OBJECTS = r"""
CREATE TRIGGER plain AFTER INSERT ON app.users EXECUTE FUNCTION app.touch();
CREATE TRIGGER "Full one" BEFORE UPDATE OF email, "Odd, name" OR DELETE OR INSERT ON app.users FOR EACH ROW
    WHEN (pg_trigger_depth() < 9 AND CASE WHEN (current_user = ') EXECUTE') THEN true END)
    EXECUTE FUNCTION "Odd.Schema"."The (odd"('it''s', 'a \ (b)', 3);
CREATE TRIGGER compared AFTER UPDATE ON app.users FOR EACH ROW
    WHEN (old.email IS DISTINCT FROM new.email) EXECUTE FUNCTION app.touch();
CREATE TRIGGER rows_seen AFTER UPDATE ON app.users REFERENCING OLD TABLE AS "Old ones" NEW TABLE AS new_ones
    EXECUTE FUNCTION app.touch();
CREATE TRIGGER emptied BEFORE TRUNCATE ON app.users EXECUTE FUNCTION app.touch();
ALTER TABLE app.users DISABLE TRIGGER emptied;
CREATE TRIGGER unchanged BEFORE UPDATE ON app.users FOR EACH ROW
    EXECUTE FUNCTION suppress_redundant_updates_trigger();
ALTER TABLE app.users ENABLE ALWAYS TRIGGER unchanged;
CREATE CONSTRAINT TRIGGER checked AFTER INSERT OR UPDATE ON app.users FROM app.orgs
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.touch();
ALTER TABLE app.users ENABLE REPLICA TRIGGER checked;
CREATE CONSTRAINT TRIGGER checked_late AFTER INSERT ON app.users DEFERRABLE FOR EACH ROW
    EXECUTE FUNCTION app.touch();
CREATE TRIGGER instead INSTEAD OF INSERT OR UPDATE ON app.people FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE TRIGGER on_all AFTER INSERT ON app.parts FOR EACH ROW EXECUTE FUNCTION app.touch();
ALTER TABLE app.orgs ADD PRIMARY KEY (id);
ALTER TABLE app.users ADD FOREIGN KEY (id) REFERENCES app.orgs;
"""


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    run(source, BEFORE, OBJECTS)
    run(empty, BEFORE)
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == 10
    assert_built(KIND, catalog, empty, KINDS)


def test_what_the_catalog_says(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    catalog = read(source, KINDS)
    state = catalog[FULL].state
    assert state.events == ("insert", "delete", 'update of email, "Odd, name"')
    assert state.function == "\"Odd.Schema\".\"The (odd\"('it''s', 'a \\ (b)', '3')"
    assert catalog[USERS.child("trigger", "compared")].state.when == "(old.email IS DISTINCT FROM new.email)"
    unchanged = catalog[USERS.child("trigger", "unchanged")].state
    assert unchanged.function == "pg_catalog.suppress_redundant_updates_trigger()"
    assert ObjectId("function", ("Odd.Schema", '"The (odd"()')) in catalog[FULL].needs
    assert catalog[CONSTRAINT].state.referenced == "app.orgs"
    assert ObjectId("view", ("app", "people")).child("trigger", "instead") in catalog


def test_replaced_in_place(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    assert_altered(source, KIND, FULL, KINDS, timing="after", events=("insert",), when=None)
    assert_altered(source, KIND, FULL, KINDS, function="app.touch()", enabled="disabled")
    emptied = USERS.child("trigger", "emptied")
    assert_altered(source, KIND, emptied, KINDS, timing="after")
    assert_altered(source, KIND, emptied, KINDS, enabled="replica")
    assert_altered(source, KIND, USERS.child("trigger", "rows_seen"), KINDS, old_table=None, new_table="n")
    assert_altered(source, KIND, USERS.child("trigger", "plain"), KINDS, for_each="row")
    assert_altered(source, KIND, CONSTRAINT, KINDS, enabled="origin")


def test_constraint_triggers_are_not_replaced(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    catalog = read(source, KINDS)
    old = catalog[CONSTRAINT]
    new = dataclasses.replace(
        old, state=dataclasses.replace(old.state, deferrable=False, initially_deferred=False)
    )
    assert refusal(KIND, "deferrable", old, new) is not None
    run(source, *KIND.drop(old), *KIND.create(new))
    assert read(source, KINDS)[CONSTRAINT].state == new.state


def test_only_what_names_columns_gives_way(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    triggers = of_kind(read(source, KINDS), KIND).values()
    yielding = {entry.id.path[2] for entry in triggers if KIND.is_recreated_on(entry, Disturbance.RETYPED)}
    assert yielding == {"Full one", "compared"}
    assert not any(KIND.is_recreated_on(entry, Disturbance.RESHAPED) for entry in triggers)


def _declare(**document: object) -> Declared:
    checked = TypeAdapter(KIND.document).validate_python(document)
    (declared,) = KIND.declare("t", checked, Nest("app", USERS, (USERS,)))
    return declared


def test_loose_document(database: Database) -> None:
    source = database()
    run(source, BEFORE, "SET search_path = app")
    events = ["truncate", "UPDATE OF  id,email", "Insert"]
    declared = _declare(
        timing="before", events=events[1:], function="touch( 1 )", for_each="row", when="new.id > 0"
    )
    assert ObjectId("function", ("app", "touch()")) in declared.needs
    run(source, *KIND.create(Entry(declared.id, declared.state)))
    state = read(source, KINDS)[declared.id].state
    assert state.events == ("insert", "update of id, email") == declared.state.events
    assert (state.function, state.when) == ("app.touch('1')", "(new.id > 0)")
    assert _declare(timing="before", events=events, function="touch()").state.events[-1] == "truncate"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"events": [], "function": "touch()"}, "at least one event"),
        ({"events": ["upsert"], "function": "touch()"}, "no event of a trigger"),
        ({"events": ["insert"], "function": "touch"}, "no call of a trigger function"),
    ],
)
def test_nonsense(document: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _declare(timing="after", **document)


def test_triggers_of_views_always_fire() -> None:
    people = ObjectId("view", ("app", "people"))
    said = {"timing": "instead of", "events": ["insert"], "function": "touch()", "enabled": "always"}
    document = TypeAdapter(KIND.document).validate_python(said)
    with pytest.raises(ValueError, match="a view's triggers"):
        list(KIND.declare("t", document, Nest("app", people, (people,))))


def test_drop(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    for entry in of_kind(read(source, KINDS), KIND).values():
        run(source, *KIND.drop(entry))
    assert not of_kind(read(source, KINDS), KIND)


def test_a_partition_whose_trigger_fires_otherwise_is_named(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    assert not any("fires" in named for named in read(source, KINDS).unknown)
    run(source, "ALTER TABLE app.parts_1 DISABLE TRIGGER on_all")
    found = [named for named in read(source, KINDS).unknown if "fires" in named]
    assert found == ["whether trigger on_all on app.parts_1 fires, which differs from its partitioned table"]
