"""Extensions, on a real server that has contrib's hstore and citext."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from reconciler.core.ident import ObjectId
from reconciler.core.kind import Kind, Nest
from reconciler.kinds.extension import Extension, ExtensionDocument
from reconciler.kinds.extension_version import ExtensionVersion, ExtensionVersionState
from tests.kinds.constraints_schema import Database
from tests.kinds.roundtrip import assert_altered, assert_written, of_kind, read, run

KIND, VERSION = Extension(), ExtensionVersion()
KINDS: tuple[Kind[Any], ...] = (KIND, VERSION)
HSTORE = ObjectId("extension", ("hstore",))


@pytest.fixture
def contrib(database: Database) -> Database:
    have = {name for (name,) in database().execute("SELECT name FROM pg_available_extensions()")}
    if not have >= {"hstore", "citext"}:
        pytest.skip("this server has no contrib extensions")
    return database


def test_round_trip(contrib: Database) -> None:
    source, empty = contrib(), contrib()
    for connection in (source, empty):
        run(connection, 'CREATE SCHEMA "My tools"')
    run(source, "CREATE EXTENSION citext", 'CREATE EXTENSION hstore SCHEMA "My tools"')
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == 3
    assert assert_written(VERSION, catalog) == 3
    for entry in of_kind(catalog, KIND).values():
        if not KIND.built_in(entry):
            run(empty, *KIND.create(entry, [VERSION.clause(catalog[entry.id.facet("extension_version")])]))
    built = read(empty, KINDS)
    assert {entry.id: entry.state for entry in built} == {entry.id: entry.state for entry in catalog}
    run(empty, *KIND.drop(built[HSTORE]))
    assert HSTORE not in read(empty, KINDS)


def test_moves(contrib: Database) -> None:
    source = contrib()
    run(source, "CREATE SCHEMA tools; CREATE EXTENSION hstore")
    assert_altered(source, KIND, HSTORE, KINDS, schema="tools")


def test_what_cannot_move_is_made_again(database: Database) -> None:
    plpgsql = read(database(), KINDS)[ObjectId("extension", ("plpgsql",))]
    assert KIND.built_in(plpgsql)
    rule: Any = KIND.rules["schema"]
    assert rule.unless(plpgsql.state, dataclasses.replace(plpgsql.state, schema="public"))


def test_updates(contrib: Database) -> None:
    source = contrib()
    run(source, "CREATE EXTENSION hstore VERSION '1.4'")
    id = HSTORE.facet("extension_version")
    old = read(source, KINDS)[id]
    assert old.state == ExtensionVersionState("1.4")
    run(source, *VERSION.create(dataclasses.replace(old, state=ExtensionVersionState("1.5"))))
    assert read(source, KINDS)[id].state == ExtensionVersionState("1.5")


@pytest.mark.parametrize(
    ("name", "schema"), [("citext", "public"), ("plpgsql", "pg_catalog"), ("uuid-ossp", "public")]
)
def test_where_an_extension_is_when_nobody_says_it(name: str, schema: str) -> None:
    (declared,) = KIND.declare(name, ExtensionDocument(), Nest("app"))
    assert (declared.id.path, declared.state.schema) == ((name,), schema)
    assert declared.needs == ({ObjectId("schema", ("public",))} if schema == "public" else set())


def test_privileges_of_what_postgresql_brings_along_are_named(database: Database) -> None:
    source = database()
    assert read(source, KINDS).unknown == ()
    run(source, "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_sleep(double precision) FROM PUBLIC")
    (named,) = read(source, KINDS).unknown
    assert (
        named == "privileges of objects of PostgreSQL itself: function pg_catalog.pg_sleep(double precision)"
    )
    run(
        source,
        "REVOKE SELECT ON pg_catalog.pg_settings FROM PUBLIC",
        "GRANT SELECT ON pg_catalog.pg_authid TO PUBLIC",
        "GRANT CREATE ON SCHEMA pg_catalog TO PUBLIC",
    )
    (named,) = read(source, KINDS).unknown
    assert named.endswith("table pg_catalog.pg_authid and 1 more")
