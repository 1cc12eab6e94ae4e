"""Publications and what they publish, on a real server."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection
from pydantic import TypeAdapter

from reconciler.core.ident import ObjectId
from reconciler.core.kind import Disturbance, Nest
from reconciler.core.statement import HazardCode
from reconciler.kinds.column import Column
from reconciler.kinds.publication import Publication
from reconciler.kinds.publication_table import PublicationTable
from reconciler.kinds.schema import Schema
from reconciler.kinds.table import Table
from tests.kinds.constraints_schema import Database
from tests.kinds.roundtrip import assert_altered, assert_built, assert_written, of_kind, read, run

KIND, PUBLISHED = Publication(), PublicationTable()
KINDS = (Schema(), Table(), Column(), KIND, PUBLISHED)
FULL = ObjectId("publication", ("Full one",))
USERS = FULL.child("publication_table", "app", "Users")

BEFORE = """
CREATE SCHEMA app; CREATE SCHEMA "Odd.Schema";
CREATE TABLE app."Users" (id integer PRIMARY KEY, email text, note text);
CREATE TABLE app.orgs (id integer PRIMARY KEY);
"""
OBJECTS = """
CREATE PUBLICATION nothing;
CREATE PUBLICATION everything FOR ALL TABLES WITH (publish = '');
CREATE PUBLICATION "Full one" FOR TABLE app."Users", app.orgs
    WITH (publish = 'delete, insert', publish_via_partition_root);
"""
SINCE_15 = """
CREATE PUBLICATION schemas FOR TABLES IN SCHEMA app, "Odd.Schema";
CREATE PUBLICATION parts FOR TABLE app."Users" (id, email) WHERE (id > 0 AND note IS NULL), app.orgs;
"""
SINCE_18 = "CREATE PUBLICATION made WITH (publish_generated_columns = stored)"


def _make(connection: Connection[Any]) -> int:
    """How many publications there are then."""
    major = connection.info.server_version // 10000
    run(connection, BEFORE, OBJECTS)
    if major >= 15:
        run(connection, SINCE_15)
    if major >= 18:
        run(connection, SINCE_18)
    return 3 + 2 * (major >= 15) + (major >= 18)


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    number = _make(source)
    run(empty, BEFORE)
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == number
    assert assert_written(PUBLISHED, catalog) == (4 if number > 3 else 2)
    assert_built(KIND, catalog, empty, KINDS)
    assert_built(PUBLISHED, catalog, empty, KINDS)
    assert ObjectId("table", ("app", "Users")) in catalog[USERS].needs
    if number > 3:
        part = catalog[ObjectId("publication_table", ("parts", "app", "Users"))]
        assert ObjectId("column", ("app", "Users", "note")) in part.needs
        assert PUBLISHED.is_recreated_on(part, Disturbance.RETYPED)
        assert not PUBLISHED.is_recreated_on(catalog[USERS], Disturbance.RETYPED)
        schemas = catalog[ObjectId("publication", ("schemas",))]
        assert ObjectId("schema", ("Odd.Schema",)) in schemas.needs


def test_tables_folded_into_the_publication(database: Database) -> None:
    source, empty = database(), database()
    _make(source)
    run(empty, BEFORE)
    catalog = read(source, KINDS)
    for entry in of_kind(catalog, KIND).values():
        inside = [child for child in of_kind(catalog, PUBLISHED).values() if child.parent == entry.id]
        run(empty, *KIND.create(entry, [PUBLISHED.clause(child) for child in inside]))
    assert {entry.id: entry.state for entry in read(empty, KINDS)} == {
        entry.id: entry.state for entry in catalog
    }


def test_altered_in_place(database: Database) -> None:
    source = database()
    _make(source)
    assert_altered(source, KIND, FULL, KINDS, publish=(), via_partition_root=False)
    if source.info.server_version >= 150000:
        assert_altered(source, KIND, FULL, KINDS, schemas=("Odd.Schema", "public"))
    if source.info.server_version >= 180000:
        assert_altered(source, KIND, FULL, KINDS, generated_columns="stored")


def test_drop(database: Database) -> None:
    source = database()
    _make(source)
    catalog = read(source, KINDS)
    for kind in (PUBLISHED, KIND):
        for entry in of_kind(catalog, kind).values():
            statements = list(kind.drop(entry))
            assert HazardCode.APPLICATION_BREAK in {hazard.code for hazard in statements[0].hazards}
            run(source, *statements)
        assert not of_kind(read(source, KINDS), kind)


def test_documents() -> None:
    def declare(**said: object) -> Any:
        (declared,) = KIND.declare("p", TypeAdapter(KIND.document).validate_python(said), Nest("app"))
        return declared.state

    assert declare(publish=["delete", "insert"]).publish == ("insert", "delete")
    assert declare(publish=[]).publish == ()
    assert len(declare().publish) == 4
    with pytest.raises(ValueError, match="'select' cannot be published"):
        declare(publish=["select"])
    with pytest.raises(ValueError, match="all tables"):
        declare(all_tables=True, schemas=["app"])
    document = TypeAdapter(PUBLISHED.document).validate_python({"columns": ["id", "email"]})
    (declared,) = PUBLISHED.declare("Users", document, Nest("app", FULL, (FULL,)))
    assert declared.id == USERS
    assert declared.needs == {
        ObjectId("table", ("app", "Users")),
        ObjectId("column", ("app", "Users", "id")),
        ObjectId("column", ("app", "Users", "email")),
    }
