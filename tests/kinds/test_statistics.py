"""Extended statistics, on a real server."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from reconciler.core.ident import ObjectId
from reconciler.core.kind import Declared, Nest
from reconciler.kinds.column import Column
from reconciler.kinds.materialized_view import MaterializedView
from reconciler.kinds.statistics import Statistics
from reconciler.kinds.table import Table
from tests.kinds.constraints_schema import Database
from tests.kinds.roundtrip import assert_altered, assert_built, assert_written, of_kind, read, run

KIND = Statistics()
KINDS = (Table(), Column(), MaterializedView(), KIND)
USERS = ObjectId("table", ("app", "users"))
FULL = ObjectId("statistics", ("public", "Full one"))

BEFORE = """
CREATE SCHEMA app;
CREATE TABLE app.users (id integer, email text, "Odd, name" text) PARTITION BY LIST (id);
CREATE TABLE app.one PARTITION OF app.users FOR VALUES IN (1);
CREATE MATERIALIZED VIEW app.names AS SELECT id, email FROM app.users;
"""
OBJECTS = """
CREATE STATISTICS app.plain ON id, email FROM app.users;
CREATE STATISTICS app.of_part ON id, email FROM app.one;
CREATE STATISTICS app.single ON (lower(email)) FROM app.users;
CREATE STATISTICS app.of_view (mcv) ON id, email FROM app.names;
CREATE STATISTICS public."Full one" (ndistinct, dependencies) ON "Odd, name", id, lower(email), (id + 1)
    FROM app.users;
ALTER STATISTICS public."Full one" SET STATISTICS 7;
"""


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    run(source, BEFORE, OBJECTS)
    run(empty, BEFORE)
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == 5
    assert_built(KIND, catalog, empty, KINDS)
    assert KIND.write(catalog[ObjectId("statistics", ("app", "plain"))], "public") == (
        "plain",
        {"columns": ["email", "id"]},
    )
    assert KIND.write(catalog[FULL], "app") == (
        "public.Full one",
        {
            "columns": ["Odd, name", "id"],
            "expressions": ["lower(email)", "(id + 1)"],
            "kinds": ["dependencies", "ndistinct"],
            "target": 7,
        },
    )
    assert USERS.child("column", "id") in catalog[FULL].needs


def test_altered_in_place(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    assert_altered(source, KIND, FULL, KINDS, target=None)
    assert_altered(source, KIND, FULL, KINDS, target=0)


def test_those_of_a_partition_are_its_own(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    catalog = read(source, KINDS)
    part, whole = (catalog[ObjectId("statistics", ("app", name))] for name in ("of_part", "plain"))
    assert part.carrier is None
    assert part.state != whole.state


def _declare(**said: object) -> Declared:
    document = TypeAdapter(KIND.document).validate_python(said)
    (declared,) = KIND.declare("s", document, Nest("public", USERS, (USERS,)))
    return declared


def test_documents() -> None:
    declared = _declare(columns=["id", "email"], kinds=["mcv", "mcv"])
    assert declared.id == ObjectId("statistics", ("app", "s"))
    assert declared.state.kinds == ("mcv",)
    assert declared.needs == {USERS.child("column", "id"), USERS.child("column", "email")}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"columns": ["id"]}, "two `columns`"),
        ({}, "two `columns`"),
        ({"columns": ["id", "email"], "kinds": ["all"]}, "'all' is no kind"),
        ({"expressions": ["lower(email)"], "kinds": ["mcv"]}, "no `kinds`"),
    ],
)
def test_refused_documents(said: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _declare(**said)


def test_drop(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    for entry in of_kind(read(source, KINDS), KIND).values():
        run(source, *KIND.drop(entry))
    assert not of_kind(read(source, KINDS), KIND)
