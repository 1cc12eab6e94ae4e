"""Owners, privileges and default privileges, on a real server."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId, quote
from reconciler.core.kind import Destination, Kind, Nest
from reconciler.kinds.default_privilege import DefaultPrivilege
from reconciler.kinds.owner import Owner
from reconciler.kinds.privilege import Privilege, PrivilegeState
from tests.conftest import AnyServer
from tests.kinds.constraints_schema import Database, major_of
from tests.kinds.roles import Roles, roles_on
from tests.kinds.roundtrip import alterations, assert_locks, of_kind, read, run
from tests.kinds.test_comment import KINDS, OBJECTS

OWNER, PRIVILEGE, DEFAULT = Owner(), Privilege(), DefaultPrivilege()
TABLE = ObjectId("table", ("app", "users"))
OURS = Destination("postgres", 18)


@pytest.fixture
def roles(server: AnyServer) -> Iterator[Roles]:
    with roles_on(server.url()) as made:
        yield made


def declare(kind: Kind[Any], key: str, data: Any, parent: ObjectId | None = None) -> Entry:
    document = TypeAdapter(kind.document).validate_python(data)
    (declared,) = kind.declare(key, document, Nest("app", parent))
    return Entry(declared.id, declared.state, declared.parent)


def rewritten(kind: Kind[Any], entry: Entry) -> Entry:
    return declare(kind, *kind.write(entry, "app"), entry.parent)


def told(kind: Kind[Any], catalog: Catalog) -> dict[ObjectId, Entry]:
    return {id: entry for id, entry in of_kind(catalog, kind).items() if not kind.built_in(entry)}


def states(entries: dict[ObjectId, Entry]) -> dict[ObjectId, Any]:
    return {id: entry.state for id, entry in entries.items()}


OWNED = (
    "SCHEMA app",
    "TABLE app.users",
    "VIEW app.names",
    "MATERIALIZED VIEW app.counts",
    "SEQUENCE app.numbers",
    "TYPE app.mood",
    "DOMAIN app.amount",
    "TYPE app.address",
    "TYPE app.floats",
    "FUNCTION app.add(integer, integer)",
    "PROCEDURE app.act()",
    "AGGREGATE app.total(integer)",
    "LANGUAGE plmine",
    "TYPE app.shell",
    "OPERATOR app.<+> (integer, integer)",
    "OPERATOR FAMILY app.numbers USING btree",
    "OPERATOR CLASS app.number_ops USING btree",
    "CONVERSION app.latin",
    "TEXT SEARCH DICTIONARY app.dictionary",
    "TEXT SEARCH CONFIGURATION app.configuration",
    "COLLATION app.plain",
    "STATISTICS app.related",
    "EVENT TRIGGER watching",
    "FOREIGN DATA WRAPPER wrapper",
    "SERVER elsewhere",
    "FOREIGN TABLE app.far",
    "PUBLICATION said",
)


def test_owners(roles: Roles, database: Database) -> None:
    source, empty = database(), database()
    run(source, OBJECTS)
    run(empty, OBJECTS)
    assert not told(OWNER, read(source, KINDS))
    run(source, f"ALTER ROLE {quote(roles.odd)} SUPERUSER")
    for sql in OWNED:
        run(source, f"ALTER {sql} OWNER TO {quote(roles.odd)}")
    found = told(OWNER, read(source, KINDS))
    # A subscription has a test of its own: as long as there is one, its database cannot be dropped. So has
    # the database, which decides on who is the usual owner.
    assert {id.path[0] for id in found} == {*Owner.parents} - {"subscription", "database"}
    for entry in found.values():
        assert rewritten(OWNER, entry) == dataclasses.replace(entry, needs=frozenset())
        assert_locks(empty, *OWNER.create(entry))
        run(empty, *OWNER.create(rewritten(OWNER, entry)))
    built = told(OWNER, read(empty, KINDS))
    assert states(built) == states(found)
    for entry in built.values():
        run(empty, *OWNER.drop(entry))
    assert not told(OWNER, read(empty, KINDS))


def test_the_database_owner_need_not_be_said(database: Database) -> None:
    source = database()
    entry = declare(OWNER, "owner", "postgres", TABLE)
    assert OWNER.normalized(entry, OURS) is None
    assert OWNER.normalized(entry, Destination("somebody", 18)) == entry
    run(source, "CREATE TABLE public.t (id serial)")
    assert not told(OWNER, read(source, KINDS))


def test_owned_sequences_follow_their_table(roles: Roles, database: Database) -> None:
    source = database()
    run(source, f"CREATE TABLE public.t (id serial); ALTER TABLE public.t OWNER TO {roles.owner}")
    assert {id.path for id in told(OWNER, read(source, KINDS))} == {("table", "public", "t")}


def grants(roles: Roles) -> str:
    other, odd = roles.other, quote(roles.odd)
    return f"""
GRANT SELECT, INSERT ON app.users TO {odd};
GRANT UPDATE (email, "Odd, name"), REFERENCES (id) ON app.users TO {odd};
GRANT SELECT ON app.users TO {other} WITH GRANT OPTION;
GRANT UPDATE (email) ON app.users TO {other} WITH GRANT OPTION;
GRANT ALL ON app.users TO {roles.owner};
GRANT SELECT ON app.users TO PUBLIC;
GRANT SELECT ("E mail") ON app.names TO {other};
GRANT SELECT ON app.counts TO {other};
GRANT USAGE ON SEQUENCE app.numbers TO {other};
GRANT ALL ON SEQUENCE app.numbers TO {odd} WITH GRANT OPTION;
GRANT USAGE ON SCHEMA app TO PUBLIC;
GRANT ALL ON SCHEMA app TO {odd};
REVOKE ALL ON FUNCTION app.add(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.add(integer, integer) TO {odd};
GRANT EXECUTE ON PROCEDURE app.act() TO {odd};
GRANT EXECUTE ON FUNCTION app.total(integer) TO {odd};
REVOKE ALL ON TYPE app.mood FROM PUBLIC;
GRANT USAGE ON DOMAIN app.amount TO {odd} WITH GRANT OPTION;
GRANT USAGE ON TYPE app.address TO {odd};
GRANT USAGE ON TYPE app.floats TO {odd};
"""


def test_privileges(roles: Roles, database: Database) -> None:
    source, empty = database(), database()
    run(source, OBJECTS)
    run(empty, OBJECTS)
    assert not told(PRIVILEGE, read(source, KINDS))
    run(source, grants(roles))
    found = told(PRIVILEGE, read(source, KINDS))
    assert found[TABLE.facet("privilege", roles.odd)].state.privileges == (
        "insert", "references (id)", "select", 'update ("Odd, name")', "update (email)"
    )  # fmt: skip
    assert found[TABLE.facet("privilege", roles.owner)].state.privileges == ("all",)
    assert len(found) == 18
    for entry in found.values():
        again = rewritten(PRIVILEGE, entry)
        assert (again.id, again.state, again.parent) == (entry.id, entry.state, entry.parent)
        run(empty, *PRIVILEGE.create(again))
    built = told(PRIVILEGE, read(empty, KINDS))
    assert states(built) == states(found)
    for entry in built.values():
        run(empty, *PRIVILEGE.drop(entry))
    assert not told(PRIVILEGE, read(empty, KINDS))


LISTS = (
    ["select"],
    ["all"],
    ["all with grant option"],
    ["select with grant option", "insert"],
    ["select (email)", "insert"],
    ["select", "select (email, id) with grant option"],
    ["select (email, id)"],
    ["insert", "update (email)", "delete with grant option"],
    ["all", "insert with grant option", "select (id)"],
    ["select with grant option", "select (id) with grant option"],
    ["select", "select (id) with grant option"],
)


@pytest.mark.parametrize("old", LISTS)
def test_privileges_change_in_place(roles: Roles, database: Database, old: list[str]) -> None:
    source = database()
    run(source, OBJECTS)
    first = declare(PRIVILEGE, roles.odd, old, TABLE)
    for new in LISTS:
        second = declare(PRIVILEGE, roles.odd, new, TABLE)
        run(source, *PRIVILEGE.create(first))
        present = read(source, KINDS)[first.id]
        assert present.state == first.state
        run(source, *alterations(PRIVILEGE, present, second))
        after = read(source, KINDS)[first.id]
        assert after.state == second.state
        run(source, *PRIVILEGE.drop(after))
        assert first.id not in read(source, KINDS)


def test_owner_with_less_than_all(roles: Roles, database: Database) -> None:
    source, empty = database(), database()
    for connection in (source, empty):
        run(connection, OBJECTS, f"ALTER TABLE app.users OWNER TO {roles.owner}")
    id = TABLE.facet("privilege", roles.owner)
    assert PRIVILEGE.built_in(read(source, KINDS)[id])
    run(source, f"REVOKE INSERT, UPDATE, TRUNCATE ON app.users FROM {roles.owner}")
    entry = read(source, KINDS)[id]
    assert not PRIVILEGE.built_in(entry)
    again = rewritten(PRIVILEGE, entry)
    assert again.state == entry.state
    run(empty, *PRIVILEGE.create(again))
    assert read(empty, KINDS)[id].state == entry.state
    run(empty, *PRIVILEGE.drop(read(empty, KINDS)[id]))
    assert PRIVILEGE.built_in(read(empty, KINDS)[id])


def test_owner_with_a_grant_option_spelt_out(roles: Roles, database: Database) -> None:
    source, empty = database(), database()
    for connection in (source, empty):
        run(connection, OBJECTS, f"ALTER TABLE app.users OWNER TO {roles.owner}")
    id = TABLE.facet("privilege", roles.owner)
    run(source, f"GRANT SELECT ON app.users TO {roles.owner} WITH GRANT OPTION")
    entry = read(source, KINDS)[id]
    assert entry.state.privileges == ("all", "select with grant option")
    again = rewritten(PRIVILEGE, entry)
    assert again.state == entry.state
    run(empty, *PRIVILEGE.create(again))
    assert read(empty, KINDS)[id].state == entry.state
    run(empty, *PRIVILEGE.drop(entry))
    assert PRIVILEGE.built_in(read(empty, KINDS)[id])


def test_public_in_the_schema_public(database: Database) -> None:
    source = database()
    id = ObjectId("schema", ("public",)).facet("privilege", "public")
    first = read(source, KINDS)[id]
    assert PRIVILEGE.built_in(first)
    assert first.state.privileges == (("usage",) if major_of(source) >= 15 else ("all",))
    run(source, "REVOKE ALL ON SCHEMA public FROM PUBLIC")
    revoked = read(source, KINDS)[id]
    assert (revoked.state.privileges, PRIVILEGE.built_in(revoked)) == ((), False)
    run(source, *PRIVILEGE.drop(revoked))
    assert read(source, KINDS)[id].state == first.state


def test_a_column_that_a_grant_names_is_needed(roles: Roles, database: Database) -> None:
    source = database()
    run(source, OBJECTS, f"GRANT SELECT (email) ON app.users TO {roles.other}")
    entry = read(source, KINDS)[TABLE.facet("privilege", roles.other)]
    assert TABLE.child("column", "email") in entry.needs


def test_what_holds_anyway_is_nothing() -> None:
    function = ObjectId("function", ("app", "add()"))
    assert PRIVILEGE.normalized(declare(PRIVILEGE, "public", ["execute"], function), OURS) is None
    assert PRIVILEGE.normalized(declare(PRIVILEGE, "public", [], function), OURS) is not None
    assert PRIVILEGE.normalized(declare(PRIVILEGE, "postgres", "all", TABLE), OURS) is None
    assert PRIVILEGE.normalized(declare(PRIVILEGE, "reader", [], TABLE), OURS) is None


def test_all_that_a_server_without_maintain_has_is_all() -> None:
    every = ["select", "insert", "update", "delete", "truncate", "references", "trigger"]
    held = declare(PRIVILEGE, "reader", every, TABLE)
    default = declare(DEFAULT, "reader", {"app": {"tables": {"public": every}}})
    told = [
        (entry.state.privileges, given.state.grants[0][3])
        for major in (16, 17)
        if (entry := PRIVILEGE.normalized(held, Destination("postgres", major)))
        and (given := DEFAULT.normalized(default, Destination("postgres", major)))
    ]
    assert told == [(("all",), ("all",)), (tuple(sorted(every)), tuple(sorted(every)))]
    passed_on = declare(PRIVILEGE, "reader", [f"{word} with grant option" for word in every], TABLE)
    entry = PRIVILEGE.normalized(passed_on, Destination("postgres", 14))
    assert entry is not None
    assert entry.state.privileges == ("all with grant option",)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("fly", "not a privilege on tables"),
        ("delete (email)", "cannot be granted on columns"),
        ("select (", "is not a privilege"),
        ("select ()", "not a list of columns"),
    ],
)
def test_nonsense_is_refused(said: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        declare(PRIVILEGE, "reader", [said], TABLE)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("ALL PRIVILEGES", ("all",)),
        ("Select", ("select",)),
        ("all with grant option", ("all with grant option",)),
        ("all (email)", ("insert (email)", "references (email)", "select (email)", "update (email)")),
        ('select ("Odd, name", plain) WITH GRANT OPTION', (
            'select ("Odd, name") with grant option', "select (plain) with grant option")),
    ],
)  # fmt: skip
def test_privileges_are_read_as_people_write_them(said: str, meant: tuple[str, ...]) -> None:
    assert declare(PRIVILEGE, "reader", [said], TABLE).state.privileges == meant


def defaults(roles: Roles) -> dict[str, Any]:
    return {
        "*": {
            "functions": {"public": []},
            "tables": {roles.odd: ["all"], roles.owner: ["select"]},
            "schemas": {roles.other: ["usage"]},
        },
        "app": {
            "tables": {roles.odd: ["select", "insert with grant option"], "public": ["select"]},
            "sequences": {roles.odd: ["all with grant option"]},
            "types": {roles.odd: ["usage"]},
        },
    }


def test_default_privileges(roles: Roles, database: Database) -> None:
    source = database()
    run(source, "CREATE SCHEMA app")
    wanted = declare(DEFAULT, roles.owner, defaults(roles))
    run(source, *DEFAULT.create(wanted))
    catalog = read(source, KINDS)
    entry = catalog[wanted.id]
    assert entry.state == wanted.state
    assert ObjectId("schema", ("app",)) in entry.needs
    assert catalog.unknown == ()
    again = rewritten(DEFAULT, entry)
    assert (again.id, again.state) == (entry.id, entry.state)
    less = declare(DEFAULT, roles.owner, {"app": {"tables": {roles.odd: ["select"]}}})
    run(source, *alterations(DEFAULT, entry, less))
    assert read(source, KINDS)[wanted.id].state == less.state
    run(source, *alterations(DEFAULT, less, entry))
    assert read(source, KINDS)[wanted.id].state == entry.state
    run(source, *DEFAULT.drop(entry))
    assert wanted.id not in read(source, KINDS)


def test_default_privileges_on_the_journal_are_not_the_schemas(roles: Roles, database: Database) -> None:
    source = database()
    before = read(source, KINDS)
    run(
        source,
        "CREATE SCHEMA _reconcile",
        f"ALTER DEFAULT PRIVILEGES IN SCHEMA _reconcile GRANT SELECT ON TABLES TO {quote(roles.other)}",
    )
    after = read(source, KINDS)
    assert (of_kind(after, DefaultPrivilege()), after.unknown) == ({}, before.unknown)


def test_default_privileges_of_single_columns_or_schemas_in_schemas_are_refused() -> None:
    with pytest.raises(ValueError, match="single columns"):
        declare(DEFAULT, "r", {"app": {"tables": {"reader": ["select (email)"]}}})
    with pytest.raises(ValueError, match="hold everywhere"):
        declare(DEFAULT, "r", {"app": {"schemas": {"reader": ["usage"]}}})


MADE = """
CREATE TABLE app.t ();
CREATE VIEW app.v AS SELECT 1 AS one;
CREATE SEQUENCE app.s;
CREATE FUNCTION app.f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE TYPE app.e AS ENUM ();
CREATE SCHEMA other;
CREATE TABLE other.t ();
"""


def test_what_default_privileges_give_is_foreseen(roles: Roles, database: Database) -> None:
    source = database()
    run(source, "CREATE SCHEMA app")
    (me,) = source.execute("SELECT CURRENT_USER").fetchone() or ("",)
    said = defaults(roles)
    said["*"]["tables"].pop(roles.owner)
    run(source, *DEFAULT.create(declare(DEFAULT, me, said)))
    before = read(source, KINDS)
    assert before[ObjectId("default_privilege", (me,))].state.connected
    run(source, MADE)
    after = read(source, KINDS)
    made = [entry for entry in after if entry.id not in before and entry.id.kind != "privilege"]
    foreseen = {entry.id: entry.state for other in made for entry in PRIVILEGE.implied_entries(other, before)}
    assert foreseen == {id: entry.state for id, entry in told(PRIVILEGE, after).items()}
    assert foreseen[ObjectId("function", ("app", "f()")).facet("privilege", "public")] == PrivilegeState(())
