"""Views, on a real server."""

from __future__ import annotations

import dataclasses

import pytest

from reconciler.core.catalog import Entry
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Nest
from reconciler.core.statement import HazardCode
from reconciler.kinds.column import Column
from reconciler.kinds.table import Table
from reconciler.kinds.view import View, ViewDocument
from tests.kinds.constraints_schema import Database, major_of
from tests.kinds.roundtrip import (
    alterations,
    assert_altered,
    assert_built,
    assert_written,
    of_kind,
    read,
    refusal,
    rendered,
    run,
)

KIND = View()
KINDS = (Table(), Column(), KIND)
PLAIN = ObjectId("view", ("app", "plain"))
FULL = ObjectId("view", ("Odd.Schema", 'The "View" x'))

BEFORE = """
CREATE SCHEMA app;
CREATE SCHEMA "Odd.Schema";
CREATE TABLE app.users (id integer, email text COLLATE "C", "Odd, name" varchar(20), deleted_at date);
CREATE SEQUENCE app.ids;
"""
OBJECTS = """
CREATE VIEW app.plain AS SELECT id, email FROM app.users;
CREATE VIEW app.literal AS SELECT ';'::text AS semicolon, E'a\\nb  ' AS lines;
CREATE VIEW app.on_view AS SELECT p.* FROM app.plain p JOIN app.users u USING (id)
    WHERE u."Odd, name" <> 'x;';
CREATE RECURSIVE VIEW public.counted (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM counted WHERE n < 9;
CREATE VIEW "Odd.Schema"."The ""View"" x" WITH (security_barrier, check_option = local) AS
    SELECT id, "Odd, name" FROM app.users WHERE deleted_at IS NULL;
ALTER VIEW "Odd.Schema"."The ""View"" x" ALTER COLUMN id SET DEFAULT nextval('app.ids');
ALTER VIEW "Odd.Schema"."The ""View"" x" ALTER COLUMN "Odd, name" SET DEFAULT 'a';
"""
SINCE_15 = "CREATE VIEW app.invoked WITH (security_invoker = true) AS SELECT id FROM app.users"


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    later = [SINCE_15] if major_of(source) >= 15 else []
    run(source, BEFORE, OBJECTS, *later)
    run(empty, BEFORE)
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == 5 + len(later)
    ordered = {entry.id: entry for entry in sorted(catalog, key=lambda entry: entry.id.path[1] == "on_view")}
    assert_built(KIND, dataclasses.replace(catalog, entries=ordered), empty, KINDS)


def test_what_the_catalog_says(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    catalog = read(source, KINDS)
    state = catalog[FULL].state
    assert (state.options, state.check_option) == (("security_barrier=true",), "local")
    assert dict(state.column_defaults) == {
        "id": "nextval('app.ids'::regclass)",
        "Odd, name": "'a'::character varying",
    }
    assert state.columns == (("id", "integer"), ("Odd, name", 'character varying(20) COLLATE "default"'))
    assert catalog[PLAIN].state.columns[1] == ("email", 'text COLLATE "C"')
    assert PLAIN in catalog[ObjectId("view", ("app", "on_view"))].needs
    assert ObjectId("column", ("app", "users", "deleted_at")) in catalog[FULL].needs


def test_attributes_are_altered_in_place(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    assert_altered(source, KIND, FULL, KINDS, options=())
    assert_altered(source, KIND, FULL, KINDS, check_option="cascaded")
    assert_altered(source, KIND, FULL, KINDS, check_option=None, options=("security_barrier=false",))
    assert_altered(source, KIND, FULL, KINDS, column_defaults=(("id", "7"),))


def _changed(database: Database, query: str) -> tuple[Entry, Entry]:
    """A view with options before and after its query becomes another one."""
    source, other = database(), database()
    run(source, BEFORE, OBJECTS)
    run(other, BEFORE, f'CREATE VIEW "Odd.Schema"."The ""View"" x" WITH (security_barrier) AS {query}')
    return read(source, KINDS)[FULL], read(other, KINDS)[FULL]


@pytest.mark.parametrize(
    ("query", "in_place"),
    [
        ('SELECT id, "Odd, name" FROM app.users WHERE id > 0', True),
        ('SELECT id, "Odd, name", email FROM app.users', True),
        ('SELECT "Odd, name", id FROM app.users', False),
        ("SELECT id FROM app.users", False),
        ('SELECT id::bigint AS id, "Odd, name" FROM app.users', False),
        ('SELECT id, "Odd, name"::varchar(30) AS "Odd, name" FROM app.users', False),
        ('SELECT id, "Odd, name" COLLATE "C" AS "Odd, name" FROM app.users', False),
        ('SELECT id AS key, "Odd, name" FROM app.users', False),
    ],
)
def test_the_query_is_replaced_where_postgresql_can(database: Database, query: str, in_place: bool) -> None:
    old, new = _changed(database, query)
    assert (refusal(KIND, "query", old, new) is None) is in_place
    source = database()
    run(source, BEFORE, OBJECTS)
    if in_place:
        run(source, *alterations(KIND, old, new))
        assert read(source, KINDS)[FULL].state == new.state
    elif (
        "COLLATE" not in query or major_of(source) >= 15
    ):  # 14 lets the collation change under its dependents
        with pytest.raises(Exception, match=r"cannot (change|drop)"):
            run(source, *rendered(KIND, "query", old, new))


def test_replacing_keeps_what_protects(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    old = read(source, KINDS)[FULL]
    new = dataclasses.replace(
        old, state=dataclasses.replace(old.state, query=old.state.query + " AND id > 0")
    )
    run(source, *alterations(KIND, old, new))
    state = read(source, KINDS)[FULL].state
    assert (state.options, state.check_option) == (old.state.options, "local")
    assert state.column_defaults == old.state.column_defaults


def test_the_barrier_is_an_access_matter(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    old = read(source, KINDS)[FULL]
    new = dataclasses.replace(old, state=dataclasses.replace(old.state, options=()))
    codes = [hazard.code for statement in alterations(KIND, old, new) for hazard in statement.hazards]
    assert codes == [HazardCode.ACCESS_CHANGE]


def test_loose_query_with_column_names(database: Database) -> None:
    source = database()
    run(source, BEFORE, "SET search_path = app, public")
    document = ViewDocument.model_validate(
        {"columns": ["key", "Odd"], "query": "\nselect id, email from users ;\n"}
    )
    (declared,) = KIND.declare("people", document, Nest("app"))
    run(source, *KIND.create(Entry(declared.id, declared.state)))
    (entry,) = of_kind(read(source, KINDS), KIND).values()
    assert [name for name, _ in entry.state.columns] == ["key", "Odd"]
    assert entry.state.column_names == ()
    assert entry.state != declared.state


def test_a_comment_at_the_end_hides_nothing(database: Database) -> None:
    source = database()
    run(source, BEFORE)
    query = "select id from app.users where id > 0 -- only these\n"
    document = ViewDocument(query=query, check_option="local")
    (declared,) = KIND.declare("app.people", document, Nest("public"))
    run(
        source,
        "; ".join(statement.sql for statement in KIND.create(Entry(declared.id, declared.state))) + ";",
    )
    assert read(source, KINDS)[declared.id].state.check_option == "local"


def test_drop(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    run(source, *KIND.drop(read(source, KINDS)[FULL]))
    assert FULL not in read(source, KINDS)
