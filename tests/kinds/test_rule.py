"""Rewrite rules, on a real server."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from reconciler.core.catalog import Entry
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Declared, Nest
from reconciler.kinds.column import Column
from reconciler.kinds.rule import RewriteRule
from reconciler.kinds.table import Table
from reconciler.kinds.view import View
from tests.kinds.constraints_schema import Database
from tests.kinds.roundtrip import (
    assert_altered,
    assert_built,
    assert_written,
    of_kind,
    read,
    run,
)

KIND = RewriteRule()
KINDS = (Table(), Column(), View(), KIND)
USERS = ObjectId("table", ("app", "users"))
ODD = USERS.child("rule", "Odd AS one")

BEFORE = """
CREATE SCHEMA app;
CREATE TABLE app.users (id integer, email text);
CREATE TABLE app.log (said text);
CREATE VIEW app.people AS SELECT id, email FROM app.users;
"""
OBJECTS = """
CREATE RULE kept AS ON DELETE TO app.users DO INSTEAD NOTHING;
CREATE RULE "Odd AS one" AS ON UPDATE TO app.users WHERE old.email = ';' AND new.email <> ' AS '
    DO ALSO (SELECT old.email AS said; SELECT 'b;'::text AS said);
ALTER TABLE app.users DISABLE RULE "Odd AS one";
CREATE RULE redirected AS ON INSERT TO app.people DO INSTEAD INSERT INTO app.users VALUES (new.id, new.email)
    RETURNING id, email;
CREATE RULE always AS ON UPDATE TO app.users DO INSTEAD NOTHING;
ALTER TABLE app.users ENABLE ALWAYS RULE always;
"""


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    run(source, BEFORE, OBJECTS)
    run(empty, BEFORE)
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == 4
    for entry in of_kind(catalog, KIND).values():
        run(empty, *KIND.create(entry))
    built = of_kind(read(empty, KINDS), KIND)
    assert {id: entry.state for id, entry in built.items()} == {
        id: entry.state for id, entry in of_kind(catalog, KIND).items()
    }


def test_locks(database: Database) -> None:
    source, empty = database(), database()
    run(source, BEFORE, "CREATE RULE kept AS ON DELETE TO app.users DO INSTEAD NOTHING")
    run(empty, BEFORE)
    assert_built(KIND, read(source, KINDS), empty, KINDS)


def test_altered_in_place(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    assert_altered(source, KIND, ODD, KINDS, definition="ON DELETE TO app.users DO INSTEAD NOTHING")
    assert_altered(source, KIND, ODD, KINDS, enabled="replica")
    assert_altered(source, KIND, USERS.child("rule", "kept"), KINDS, enabled="disabled")


def _declare(document: object) -> Declared:
    checked = TypeAdapter(KIND.document).validate_python(document)
    (declared,) = KIND.declare("r", checked, Nest("app", USERS, (USERS,)))
    return declared


@pytest.mark.parametrize(
    ("document", "definition"),
    [
        ("on delete to users do instead nothing;\n", "ON DELETE TO app.users DO INSTEAD NOTHING"),
        ({"event": "delete", "instead": True}, "ON DELETE TO app.users DO INSTEAD NOTHING"),
        (
            {"event": "update", "where": "old.id > 0", "commands": ["select 1;"]},
            "ON UPDATE TO app.users\n   WHERE (old.id > 0) DO  SELECT 1",
        ),
        (
            {"event": "update", "instead": True, "commands": ["select 1", "select 2"]},
            "ON UPDATE TO app.users DO INSTEAD ( SELECT 1;\n SELECT 2;\n)",
        ),
    ],
)
def test_loose_documents(database: Database, document: object, definition: str) -> None:
    source = database()
    run(source, BEFORE, "SET search_path = app")
    declared = _declare(document)
    run(source, *KIND.create(Entry(declared.id, declared.state)))
    found = read(source, KINDS)[declared.id].state.definition
    assert found.replace('AS "?column?"', "").replace("1 ;", "1;").replace("2 ;", "2;").strip() == definition


@pytest.mark.parametrize(
    "document", [{}, {"definition": "x", "event": "insert"}, {"definition": "x", "where": "true"}]
)
def test_nonsense(document: object) -> None:
    with pytest.raises(ValueError, match=r"a rule has either|belong to a rule"):
        _declare(document)


def test_rules_of_views_always_fire() -> None:
    people = ObjectId("view", ("app", "people"))
    document = TypeAdapter(KIND.document).validate_python({"definition": "x", "enabled": "disabled"})
    with pytest.raises(ValueError, match="not a view's"):
        list(KIND.declare("r", document, Nest("app", people, (people,))))


def test_drop(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    for entry in of_kind(read(source, KINDS), KIND).values():
        run(source, *KIND.drop(entry))
    assert not of_kind(read(source, KINDS), KIND)
