"""Row-level security policies, on a real server."""

from __future__ import annotations

import dataclasses

from pydantic import TypeAdapter

from reconciler.core.catalog import Entry
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Declared, Nest
from reconciler.core.statement import HazardCode
from reconciler.kinds.column import Column
from reconciler.kinds.policy import Policy
from reconciler.kinds.table import Table
from tests.kinds.constraints_schema import Database
from tests.kinds.roundtrip import (
    assert_altered,
    assert_built,
    assert_written,
    of_kind,
    read,
    refusal,
    rendered,
    run,
)

KIND = Policy()
KINDS = (Table(), Column(), KIND)
USERS = ObjectId("table", ("app", "users"))
FULL = USERS.child("policy", "Full one")
ROLES = ("pg_monitor", "pg_read_all_data")

BEFORE = """
CREATE SCHEMA app;
CREATE TABLE app.users (id integer, email text);
CREATE TABLE app.orgs (id integer, said text);
"""
OBJECTS = """
CREATE POLICY plain ON app.users;
CREATE POLICY "Full one" ON app.users AS RESTRICTIVE FOR UPDATE TO pg_read_all_data, pg_monitor
    USING (EXISTS (SELECT FROM app.orgs o WHERE o.id = users.id)) WITH CHECK (email <> ') WITH CHECK (');
CREATE POLICY seen ON app.users FOR SELECT TO current_user USING (id > 0);
CREATE POLICY made ON app.users FOR INSERT WITH CHECK (id > 0);
CREATE POLICY gone ON app.users FOR DELETE USING (false);
"""


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    run(source, BEFORE, OBJECTS)
    run(empty, BEFORE)
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == 5
    assert_built(KIND, catalog, empty, KINDS)
    assert catalog[FULL].state.roles == ROLES
    assert ObjectId("column", ("app", "orgs", "id")) in catalog[FULL].needs
    assert KIND.write(catalog[USERS.child("policy", "plain")], "app") == ("plain", {})


def test_altered_in_place(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    assert_altered(source, KIND, FULL, KINDS, roles=(), using="(id > 7)", check="(id > 8)")
    assert_altered(source, KIND, FULL, KINDS, roles=("pg_monitor",))


def test_an_expression_is_added_but_never_taken_away(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    old = read(source, KINDS)[USERS.child("policy", "plain")]
    new = dataclasses.replace(old, state=dataclasses.replace(old.state, using="(id > 0)"))
    assert refusal(KIND, "using", old, new) is None
    assert refusal(KIND, "using", new, old) is not None
    run(source, *rendered(KIND, "using", old, new))
    assert read(source, KINDS)[old.id].state == new.state


def test_every_statement_is_an_access_matter(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    entry = read(source, KINDS)[FULL]
    altering = rendered(KIND, "roles", entry, entry)
    for statement in (*KIND.create(entry), *KIND.drop(entry), *altering):
        assert [hazard.code for hazard in statement.hazards] == [HazardCode.ACCESS_CHANGE]


def _declare(**document: object) -> Declared:
    checked = TypeAdapter(KIND.document).validate_python(document)
    (declared,) = KIND.declare("p", checked, Nest("app", USERS, (USERS,)))
    return declared


def test_loose_document(database: Database) -> None:
    source = database()
    run(source, BEFORE, "SET search_path = app")
    declared = _declare(
        to=["pg_read_all_data", "pg_monitor"], using="exists (select from orgs o where o.id = users.id)"
    )
    assert {ObjectId("role", (role,)) for role in ROLES} <= declared.needs
    run(source, *KIND.create(Entry(declared.id, declared.state)))
    state = read(source, KINDS)[declared.id].state
    assert state.roles == declared.state.roles == ROLES
    assert "app.orgs o" in state.using
    assert _declare(to=["public"]).state.roles == ()
    odd = _declare(to=["Odd role", "user"])
    (statement,) = KIND.create(Entry(odd.id, odd.state))
    assert statement.sql == 'CREATE POLICY p ON app.users TO "Odd role", "user"'


def test_drop(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    for entry in of_kind(read(source, KINDS), KIND).values():
        run(source, *KIND.drop(entry))
    assert not of_kind(read(source, KINDS), KIND)
