"""Comments on and owners of what is not in a table's or type's family, on a real server."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from reconciler.app.kind_discovery import registry
from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Kind, Nest
from reconciler.kinds.comment import Comment
from reconciler.kinds.owner import Owner
from tests.kinds.constraints_schema import Database
from tests.kinds.roundtrip import of_kind, read, run

KINDS = tuple(registry())
OBJECTS = """
CREATE SCHEMA app;
CREATE TABLE app.users (id integer, email text);
CREATE FUNCTION app.audit() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE COLLATION app."Odd one" (locale = 'C');
CREATE FOREIGN DATA WRAPPER "Odd fdw";
CREATE SERVER near FOREIGN DATA WRAPPER "Odd fdw";
CREATE FOREIGN TABLE app.sales (id integer, CONSTRAINT positive CHECK (id > 0)) SERVER near;
CREATE PUBLICATION changes FOR TABLE app.users;
CREATE STATISTICS app.both ON id, email FROM app.users;
CREATE EVENT TRIGGER watch ON sql_drop EXECUTE FUNCTION app.audit();
"""
OWNED = {
    ("collation", "app", "Odd one"): 'COLLATION app."Odd one"',
    ("event_trigger", "watch"): "EVENT TRIGGER watch",
    ("foreign_data_wrapper", "Odd fdw"): 'FOREIGN DATA WRAPPER "Odd fdw"',
    ("foreign_table", "app", "sales"): "FOREIGN TABLE app.sales",
    ("publication", "changes"): "PUBLICATION changes",
    ("server", "near"): "SERVER near",
    ("statistics", "app", "both"): "STATISTICS app.both",
}
COMMENTED = {
    **OWNED,
    ("check", "app", "sales", "positive"): "CONSTRAINT positive ON app.sales",
    ("column", "app", "sales", "id"): "COLUMN app.sales.id",
}


def _lineage(catalog: Catalog, id: ObjectId | None) -> tuple[ObjectId, ...]:
    entry = catalog.get(id)
    return (*_lineage(catalog, entry.parent), entry.id) if entry else ()


def _declared(kind: Kind[Any], catalog: Catalog, entry: Entry) -> Entry:
    key, data = kind.write(entry, "app")
    document = TypeAdapter(kind.document).validate_python(data)
    (declared,) = kind.declare(key, document, Nest("app", entry.parent, _lineage(catalog, entry.parent)))
    return Entry(declared.id, declared.state, declared.parent)


def _told(kind: Kind[Any], catalog: Catalog) -> dict[tuple[str, ...], Entry]:
    return {id.path: entry for id, entry in of_kind(catalog, kind).items() if not kind.built_in(entry)}


def _assert_there_and_back(kind: Kind[Any], catalog: Catalog, empty: Any) -> None:
    said = _told(kind, catalog)
    for entry in said.values():
        declared = _declared(kind, catalog, entry)
        assert (declared.id, declared.state, declared.parent) == (entry.id, entry.state, entry.parent)
        run(empty, *kind.create(declared))
    built = _told(kind, read(empty, KINDS))
    assert {path: entry.state for path, entry in built.items()} == {
        path: entry.state for path, entry in said.items()
    }
    for entry in built.values():
        run(empty, *kind.drop(entry))
    assert not _told(kind, read(empty, KINDS))


def test_comments(database: Database) -> None:
    source, empty = database(), database()
    for connection in (source, empty):
        run(connection, OBJECTS)
    for sql in COMMENTED.values():
        run(source, f"COMMENT ON {sql} IS 'It''s'")
    catalog = read(source, KINDS)
    assert set(_told(Comment(), catalog)) == set(COMMENTED)
    _assert_there_and_back(Comment(), catalog, empty)


def test_owners(database: Database) -> None:
    source, empty = database(), database()
    # Event triggers and foreign-data wrappers belong to superusers only.
    run(source, "DROP ROLE IF EXISTS reconcile_test_super; CREATE ROLE reconcile_test_super SUPERUSER")
    try:
        for connection in (source, empty):
            run(connection, OBJECTS)
        for sql in OWNED.values():
            run(source, f"ALTER {sql} OWNER TO reconcile_test_super")
        catalog = read(source, KINDS)
        assert set(_told(Owner(), catalog)) == set(OWNED)
        _assert_there_and_back(Owner(), catalog, empty)
    finally:
        run(source, "DROP OWNED BY reconcile_test_super CASCADE; DROP ROLE reconcile_test_super")
