"""Event triggers, on a real server."""

from __future__ import annotations

from pydantic import TypeAdapter

from reconciler.core.ident import ObjectId
from reconciler.core.kind import Nest
from reconciler.kinds.event_trigger import EventTrigger
from reconciler.kinds.function import Function
from reconciler.kinds.schema import Schema
from tests.kinds.constraints_schema import Database
from tests.kinds.roundtrip import assert_altered, assert_built, assert_written, of_kind, read, run

KIND = EventTrigger()
KINDS = (Schema(), Function(), KIND)
FULL = ObjectId("event_trigger", ("Full one",))

BEFORE = """
CREATE SCHEMA app;
CREATE FUNCTION app.audit() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION public."Odd" () RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
"""
OBJECTS = """
CREATE EVENT TRIGGER plain ON ddl_command_start EXECUTE FUNCTION app.audit();
CREATE EVENT TRIGGER "Full one" ON sql_drop WHEN TAG IN ('DROP TABLE', 'ALTER TABLE')
    EXECUTE FUNCTION public."Odd"();
ALTER EVENT TRIGGER "Full one" DISABLE;
"""


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    run(source, BEFORE, OBJECTS)
    run(empty, BEFORE)
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == 2
    assert_built(KIND, catalog, empty, KINDS)
    assert catalog[FULL].state.tags == ("ALTER TABLE", "DROP TABLE")
    assert catalog[FULL].needs == {ObjectId("function", ("public", '"Odd"()'))}
    assert KIND.write(catalog[FULL], "app")[1] == {
        "event": "sql_drop",
        "tags": ["DROP TABLE", "ALTER TABLE"],
        "function": "public.Odd()",
        "enabled": "disabled",
    }


def test_altered_in_place(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    for enabled in ("origin", "replica", "always"):
        assert_altered(source, KIND, FULL, KINDS, enabled=enabled)


def test_loose_document() -> None:
    said = {"event": "sql_drop", "function": "audit", "tags": ["drop  table", "DROP TABLE"]}
    (declared,) = KIND.declare("t", TypeAdapter(KIND.document).validate_python(said), Nest("app"))
    assert declared.state.tags == ("DROP TABLE",)
    assert declared.state.function == "app.audit"
    assert declared.needs == {ObjectId("function", ("app", "audit()"))}


def test_drop(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    for entry in of_kind(read(source, KINDS), KIND).values():
        run(source, *KIND.drop(entry))
    assert not of_kind(read(source, KINDS), KIND)
