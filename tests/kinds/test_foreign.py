"""Foreign-data wrappers, servers, user mappings and foreign tables, on a real server."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from pydantic import TypeAdapter

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Kind, Nest
from reconciler.core.statement import BLOCKING, HazardCode
from reconciler.kinds.check import Check
from reconciler.kinds.column import Column
from reconciler.kinds.column_options import ColumnOptions
from reconciler.kinds.default import Default
from reconciler.kinds.foreign_data_wrapper import ForeignDataWrapper
from reconciler.kinds.foreign_table import ForeignTable
from reconciler.kinds.owner import Owner
from reconciler.kinds.privilege import Privilege
from reconciler.kinds.schema import Schema
from reconciler.kinds.server import Server
from reconciler.kinds.table import Table
from reconciler.kinds.user_mapping import UserMapping
from tests.kinds.constraints_schema import Database
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

WRAPPER, SERVER, MAPPING, TABLE = ForeignDataWrapper(), Server(), UserMapping(), ForeignTable()
COLUMN, DEFAULT, CHECK, OPTIONS = Column(), Default(), Check(), ColumnOptions()
OF_TABLE: tuple[Kind[Any], ...] = (COLUMN, DEFAULT, CHECK, OPTIONS)
KINDS: tuple[Kind[Any], ...] = (Schema(), Table(), WRAPPER, SERVER, MAPPING, TABLE, *OF_TABLE)

SCHEMA = """
CREATE SCHEMA app;
CREATE FUNCTION app.check(text[], oid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
"""
WRAPPERS = """
CREATE FOREIGN DATA WRAPPER plain;
CREATE FOREIGN DATA WRAPPER "Odd one" VALIDATOR app.check
    OPTIONS (zone 'x', debug 'true', "Api_Key" 'hidden');
"""
SERVERS = """
CREATE SERVER "Far away" TYPE 'it''s' VERSION '9.6' FOREIGN DATA WRAPPER "Odd one"
    OPTIONS (port '5432', host 'db=1', password 'hidden');
CREATE SERVER near FOREIGN DATA WRAPPER plain;
"""
MAPPINGS = """
CREATE USER MAPPING FOR pg_monitor SERVER "Far away" OPTIONS (user 'reader', password 'hidden', mode 'r\\w');
CREATE USER MAPPING FOR PUBLIC SERVER near;
"""
TABLES = """
CREATE FOREIGN TABLE app.sales (
    id integer OPTIONS (column_name 'Id', key 'true') NOT NULL, email text COLLATE "C" DEFAULT 'none',
    CONSTRAINT positive CHECK (id > 0)) SERVER near OPTIONS (table_name 'sales', schema_name 'public');
CREATE FOREIGN TABLE app.nothing () SERVER near;
"""
SALES = ObjectId("foreign_table", ("app", "sales"))
FAR = ObjectId("server", ("Far away",))
READER = ObjectId("user_mapping", ("Far away", "pg_monitor"))
ODD = ObjectId("foreign_data_wrapper", ("Odd one",))


@pytest.fixture
def catalog(database: Database) -> Catalog:
    source = database()
    run(source, SCHEMA, WRAPPERS, SERVERS, MAPPINGS, TABLES)
    return read(source, KINDS)


def test_round_trip(database: Database, catalog: Catalog) -> None:
    before = [SCHEMA]
    steps = ((WRAPPER, 2, WRAPPERS), (SERVER, 2, SERVERS), (MAPPING, 2, MAPPINGS))
    for kind, number, sql in steps:
        empty = database()
        run(empty, *before)
        assert assert_written(kind, catalog) == number
        assert_built(kind, catalog, empty, KINDS)
        before.append(sql)
    assert assert_written(TABLE, catalog) == 2


def test_nothing_secret_is_read(catalog: Catalog) -> None:
    assert "hidden" not in repr(catalog.entries)
    assert catalog[READER].state.secrets == ("password",)
    assert catalog[FAR].state.secrets == ("password",)
    assert catalog[ODD].state.secrets == ("Api_Key",)


@pytest.mark.parametrize(
    "name", ["password", "passfile", "sslpassword", "api_key", "SecretKey", "pwd", "token"]
)
def test_a_secret_is_refused(name: str) -> None:
    document = TypeAdapter(MAPPING.document).validate_python({"options": {name: "hidden"}})
    with pytest.raises(ValueError, match=f"{name}.*is a secret") as caught:
        list(MAPPING.declare("app", document, Nest("public", FAR, (FAR,))))
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("name", ["user", "key", "key_column", "passive", "host"])
def test_what_only_sounds_secret_is_not(name: str) -> None:
    document = TypeAdapter(MAPPING.document).validate_python({"options": {name: "x"}})
    (declared,) = MAPPING.declare("app", document, Nest("public", FAR, (FAR,)))
    assert declared.state.options == (f"{name}=x",)


def test_who_drops_a_secret_is_told(catalog: Catalog) -> None:
    for kind, id in ((SERVER, FAR), (MAPPING, READER)):
        hazards = [hazard for statement in kind.drop(catalog[id]) for hazard in statement.hazards]
        assert {hazard.code for hazard in hazards} & BLOCKING == {HazardCode.DATA_LOSS}
        assert any("password" in hazard.message for hazard in hazards)
    public = catalog[ObjectId("user_mapping", ("near", "public"))]
    hazards = [hazard for statement in MAPPING.drop(public) for hazard in statement.hazards]
    assert [hazard.code for hazard in hazards] == [HazardCode.ACCESS_CHANGE]


def test_altered_in_place(database: Database) -> None:
    source = database()
    run(source, SCHEMA, WRAPPERS, SERVERS, MAPPINGS, TABLES)
    assert_altered(source, WRAPPER, ODD, KINDS, validator=None, options=("debug=a'b", "new=1"))
    assert_altered(source, SERVER, FAR, KINDS, version=None, options=())
    assert_altered(source, SERVER, FAR, KINDS, version="10", options=("Host=x", "host=db=2"))
    assert_altered(source, MAPPING, READER, KINDS, options=("mode=", "user=writer"))
    assert_altered(source, TABLE, SALES, KINDS, options=("schema_name=app",))
    column = SALES.child("column", "id")
    assert_altered(source, OPTIONS, column.facet("column_options"), KINDS, options=("column_name=x", "odd=1"))
    assert_altered(source, COLUMN, column, KINDS, not_null=False)
    assert_altered(source, COLUMN, SALES.child("column", "email"), KINDS, type="character varying(9)")
    after = source.execute("SELECT umoptions FROM pg_user_mappings WHERE usename = 'pg_monitor'").fetchone()
    assert after is not None
    assert "password=hidden" in after[0]


def test_the_order_of_options_is_kept_and_says_nothing(catalog: Catalog) -> None:
    entry = catalog[SALES]
    assert entry.state.order == ("table_name=sales", "schema_name=public")
    assert entry.state.options == ("schema_name=public", "table_name=sales")
    (statement,) = TABLE.create(entry)
    assert statement.sql.endswith("OPTIONS (table_name 'sales', schema_name 'public')")
    assert dataclasses.replace(entry.state, order=()) == entry.state


def test_inside_a_foreign_table(database: Database, catalog: Catalog) -> None:
    empty = database()
    run(empty, SCHEMA, "CREATE FOREIGN DATA WRAPPER plain; CREATE SERVER near FOREIGN DATA WRAPPER plain")
    for entry in of_kind(catalog, TABLE).values():
        run(empty, *TABLE.create(entry))
    for kind, number in ((COLUMN, 2), (DEFAULT, 1), (CHECK, 1), (OPTIONS, 1)):
        assert assert_written(kind, catalog) == number
        assert_built(kind, catalog, empty, KINDS)
    for kind in reversed(OF_TABLE):
        for entry in of_kind(catalog, kind).values():
            run(empty, *kind.drop(entry))
    left = read(empty, KINDS)
    assert not any(of_kind(left, kind) for kind in OF_TABLE)


def test_folded_into_the_table(database: Database, catalog: Catalog) -> None:
    empty = database()
    run(empty, SCHEMA, "CREATE FOREIGN DATA WRAPPER plain; CREATE SERVER near FOREIGN DATA WRAPPER plain")
    clauses = [
        COLUMN.clause(entry, ["DEFAULT 'none'"] if entry.id.path[2] == "email" else [])
        for entry in of_kind(catalog, COLUMN).values()
    ]
    clauses += [CHECK.clause(entry) for entry in of_kind(catalog, CHECK).values()]
    run(empty, *TABLE.create(catalog[SALES], clauses))
    built = read(empty, KINDS)
    for id, entry in catalog.entries.items():
        if entry.parent == SALES:
            assert built[id].state == entry.state


def test_no_value_is_at_stake(catalog: Catalog) -> None:
    old = catalog[SALES.child("column", "id")]
    new = dataclasses.replace(old, state=dataclasses.replace(old.state, type="smallint", not_null=False))
    statements = [*alterations(COLUMN, old, new), *COLUMN.drop(old), *COLUMN.create(old)]
    assert statements
    assert not [hazard for statement in statements for hazard in statement.hazards]
    assert COLUMN.server_query(old, new) is None


def test_partition_and_child(database: Database) -> None:
    source, empty = database(), database()
    tables = (
        SCHEMA,
        "CREATE FOREIGN DATA WRAPPER plain; CREATE SERVER near FOREIGN DATA WRAPPER plain",
        "CREATE TABLE app.parted (id integer) PARTITION BY LIST (id); CREATE TABLE app.base (id integer)",
    )
    for connection in (source, empty):
        run(connection, *tables)
    run(source, "CREATE FOREIGN TABLE app.one PARTITION OF app.parted FOR VALUES IN (1) SERVER near")
    run(source, "CREATE FOREIGN TABLE app.other PARTITION OF app.parted DEFAULT SERVER near")
    run(source, "CREATE FOREIGN TABLE app.heir (more text) INHERITS (app.base) SERVER near")
    catalog = read(source, KINDS)
    assert assert_written(TABLE, catalog) == 3
    assert_built(TABLE, catalog, empty, KINDS)
    one = ObjectId("foreign_table", ("app", "one"))
    assert catalog[one.child("column", "id")].carrier == ObjectId("column", ("app", "parted", "id"))
    assert_altered(source, TABLE, one, KINDS, bound="FOR VALUES IN (2, 3)")
    assert_altered(source, TABLE, one, KINDS, partition_of=None, bound=None)
    heir = ObjectId("foreign_table", ("app", "heir"))
    fields: dict[str, Any] = {"inherits": ()}
    old = catalog[heir]
    run(source, *rendered(TABLE, "inherits", old, Entry(heir, dataclasses.replace(old.state, **fields))))
    assert read(source, KINDS)[heir].state.inherits == ()


def test_owner_and_privileges(database: Database) -> None:
    source = database()
    kinds = (*KINDS, Owner(), Privilege())
    run(source, SCHEMA, WRAPPERS, SERVERS, TABLES)
    targets = (
        (ObjectId("foreign_data_wrapper", ("plain",)), "FOREIGN DATA WRAPPER plain", "usage"),
        (ObjectId("server", ("near",)), "FOREIGN SERVER near", "usage with grant option"),
        (SALES, "TABLE app.sales", "select (id)"),
    )
    for _, target, privilege in targets:
        option = " WITH GRANT OPTION" if "option" in privilege else ""
        word = privilege.removesuffix(" with grant option")
        run(source, f"GRANT {word} ON {target} TO pg_monitor{option}")
    run(
        source,
        "ALTER SERVER near OWNER TO pg_read_all_data; ALTER FOREIGN TABLE app.sales OWNER TO pg_monitor",
    )
    catalog = read(source, kinds)
    owners = [entry for entry in of_kind(catalog, Owner()).values() if not Owner().built_in(entry)]
    assert {entry.parent for entry in owners} == {targets[1][0], SALES}
    for id, _, privilege in targets[:2]:
        entry = catalog[id.facet("privilege", "pg_monitor")]
        assert entry.state.privileges == (privilege,)
        run(source, *Privilege().drop(entry))
        run(source, *Privilege().create(entry))
        run(source, *Privilege().drop(entry))
        assert entry.id not in read(source, kinds)
    for entry in owners:
        run(source, *Owner().drop(entry))
    assert not {entry.id for entry in owners} & set(read(source, kinds).entries)


def test_documents(catalog: Catalog) -> None:
    assert SERVER.write(catalog[FAR], "app") == (
        "Far away",
        {"wrapper": "Odd one", "type": "it's", "version": "9.6", "options": {"port": 5432, "host": "db=1"}},
    )
    assert MAPPING.write(catalog[ObjectId("user_mapping", ("near", "public"))], "app") == ("public", {})
    document = TypeAdapter(TABLE.document).validate_python({"server": "near", "partition_of": "parted"})
    with pytest.raises(ValueError, match="for_values"):
        list(TABLE.declare("sales", document, Nest("app")))
    of_table = ObjectId("table", ("app", "users"))
    lineage = (of_table, of_table.child("column", "id"))
    with pytest.raises(ValueError, match="foreign tables"):
        list(OPTIONS.declare("", {"x": "1"}, Nest("app", lineage[1], lineage)))
    assert refusal(SERVER, "version", catalog[FAR], catalog[FAR]) is None
