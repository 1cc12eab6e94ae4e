"""Subscriptions, on a real server; nothing in them ever connects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection
from pydantic import TypeAdapter

from reconciler.core.ident import ObjectId
from reconciler.core.kind import Declared, Nest
from reconciler.core.statement import BLOCKING
from reconciler.kinds.subscription import Subscription
from tests.kinds.constraints_schema import Database
from tests.kinds.roundtrip import assert_altered, assert_built, assert_written, of_kind, read, run

KIND = Subscription()
KINDS = (KIND,)
FULL = ObjectId("subscription", ("Full one",))
OBJECTS = """
CREATE SUBSCRIPTION plain CONNECTION 'dbname=x password=hidden' PUBLICATION p WITH (connect = false);
CREATE SUBSCRIPTION "Full one" CONNECTION 'dbname=x' PUBLICATION "Q q", p
    WITH (connect = false, slot_name = NONE, binary = true, streaming = true, synchronous_commit = 'local');
"""
SINCE_16 = """
CREATE SUBSCRIPTION more CONNECTION 'dbname=x' PUBLICATION p
    WITH (connect = false, slot_name = 'other', streaming = parallel, two_phase = true, origin = none,
        disable_on_error = true, password_required = false, run_as_owner = true);
"""


@pytest.fixture
def databases(database: Database) -> Iterator[tuple[Connection[Any], Connection[Any]]]:
    """Two databases whose subscriptions go at the end: they would keep the databases from going."""
    both = (database(), database())
    yield both
    for connection in both:
        for entry in of_kind(read(connection, KINDS), KIND).values():
            run(connection, *KIND.drop(entry))
        assert not of_kind(read(connection, KINDS), KIND)


def _make(connection: Connection[Any]) -> int:
    is_new = connection.info.server_version >= 160000
    for sql in (OBJECTS + (SINCE_16 if is_new else "")).split(";")[:-1]:
        run(connection, "SET client_min_messages = error", sql)
    return 3 if is_new else 2


def test_round_trip(databases: tuple[Connection[Any], Connection[Any]]) -> None:
    source, empty = databases
    number = _make(source)
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == number
    assert_built(KIND, catalog, empty, KINDS)
    assert "hidden" not in repr(catalog.entries)
    rows = empty.execute("SELECT subenabled, subconninfo FROM pg_subscription WHERE subname = 'plain'")
    assert (False, "") in rows.fetchall()


def test_altered_in_place(databases: tuple[Connection[Any], Connection[Any]]) -> None:
    source = databases[0]
    _make(source)
    assert_altered(source, KIND, FULL, KINDS, publications=("other",), slot_name="mine", options=())


def test_the_connection_is_used_once(databases: tuple[Connection[Any], Connection[Any]]) -> None:
    source = databases[0]
    declared = _declare(publications=["p"], connection="host=nowhere.invalid dbname=x")
    from reconciler.core.catalog import Entry

    run(source, *KIND.create(Entry(declared.id, declared.state)))
    rows = source.execute("SELECT subconninfo FROM pg_subscription s WHERE subname = 's'").fetchall()
    assert rows == [("host=nowhere.invalid dbname=x",)]
    assert read(source, KINDS)[declared.id].state == declared.state


def test_who_drops_one_is_told(databases: tuple[Connection[Any], Connection[Any]]) -> None:
    source = databases[0]
    _make(source)
    for entry in of_kind(read(source, KINDS), KIND).values():
        hazards = [hazard for statement in KIND.drop(entry) for hazard in statement.hazards]
        assert {hazard.code for hazard in hazards} <= BLOCKING
        assert ("stays on the publisher" in hazards[0].message) is (entry.state.slot_name != "none")


def _declare(**said: object) -> Declared:
    (declared,) = KIND.declare("s", TypeAdapter(KIND.document).validate_python(said), Nest("public"))
    return declared


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"connection": "dbname=x password=hidden"}, "holds a password"),
        ({"connection": "postgresql://me:hidden@db/x"}, "holds a password"),
        ({"connection": "hidden"}, "no connection string"),
        ({"options": {"enabled": True}}, "'enabled' is no option"),
    ],
)
def test_refused_documents(said: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        _declare(publications=["p"], **said)
    assert "hidden" not in str(caught.value)


def test_what_is_usual_is_not_said() -> None:
    declared = _declare(publications=["b", "a", "b"], options={"binary": False, "origin": "none"})
    assert declared.state.publications == ("a", "b")
    assert declared.state.slot_name == "s"
    assert declared.state.options == ("origin=none",)
