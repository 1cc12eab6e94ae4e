"""Sequences and the columns that own them, on a real server."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from pydantic import TypeAdapter

from reconciler.core.catalog import Entry
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Declared, Kind, Nest
from reconciler.kinds.column import Column
from reconciler.kinds.default import Default
from reconciler.kinds.default_privilege import DefaultPrivilege
from reconciler.kinds.sequence import Sequence, SequenceDocument, SequenceState
from reconciler.kinds.sequence_ownership import SequenceOwnership
from reconciler.kinds.table import Table
from tests.kinds.constraints_schema import Database, major_of
from tests.kinds.roundtrip import assert_altered, assert_built, assert_written, of_kind, read, run

KIND, OWNERSHIP = Sequence(), SequenceOwnership()
KINDS: tuple[Kind[Any], ...] = (Table(), Column(), Default(), KIND, OWNERSHIP)

TABLES = """
CREATE SCHEMA app;
CREATE SCHEMA "Odd.Schema";
CREATE TABLE app.orders (id integer NOT NULL, other integer);
CREATE TABLE "Odd.Schema"."Odd, table" ("Odd ""column" integer);
"""
SEQUENCES = """
CREATE SEQUENCE app.plain;
CREATE SEQUENCE app.every AS smallint INCREMENT BY 5 MINVALUE -10 MAXVALUE 100 START WITH 7 CACHE 3 CYCLE;
CREATE SEQUENCE app.down AS integer INCREMENT BY -2;
CREATE SEQUENCE app.down_to INCREMENT BY -1 MINVALUE -5 MAXVALUE 50 START WITH 40;
CREATE SEQUENCE "Odd.Schema"."Odd ""sequence" AS integer MAXVALUE 9
    OWNED BY "Odd.Schema"."Odd, table"."Odd ""column";
CREATE SEQUENCE app.orders_id_seq AS integer OWNED BY app.orders.id;
"""
SINCE_15 = "CREATE UNLOGGED SEQUENCE app.careless"


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    newer = [SINCE_15] if major_of(source) >= 15 else []
    run(source, TABLES, SEQUENCES, *newer)
    run(empty, TABLES)
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == 6 + len(newer)
    assert assert_written(OWNERSHIP, catalog) == 2
    assert catalog.unknown == ()
    assert_built(KIND, catalog, empty, KINDS)
    assert_built(OWNERSHIP, catalog, empty, KINDS)


def test_identity_sequences_belong_to_their_column(database: Database) -> None:
    source = database()
    run(source, "CREATE TABLE public.t (id integer GENERATED ALWAYS AS IDENTITY)")
    catalog = read(source, KINDS)
    assert not of_kind(catalog, KIND)
    assert not of_kind(catalog, OWNERSHIP)


def test_what_an_identity_sequence_has_of_its_own_is_named(database: Database) -> None:
    source = database()
    run(
        source,
        "CREATE TABLE public.t (id integer GENERATED ALWAYS AS IDENTITY)",
        "CREATE TABLE public.u (id integer GENERATED ALWAYS AS IDENTITY)",
        "ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO pg_monitor",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON SEQUENCES TO pg_monitor",
        "CREATE TABLE public.as_usual (id integer GENERATED ALWAYS AS IDENTITY)",
    )
    kinds = (*KINDS, DefaultPrivilege())
    assert read(source, kinds).unknown == ()
    newer = ["ALTER SEQUENCE public.t_id_seq SET UNLOGGED"] if major_of(source) >= 15 else []
    run(
        source,
        "COMMENT ON SEQUENCE public.t_id_seq IS 'x'",
        "GRANT USAGE ON SEQUENCE public.t_id_seq TO pg_monitor",
        "COMMENT ON SEQUENCE public.u_id_seq IS 'x'",
        *newer,
    )
    assert read(source, kinds).unknown == (
        "comment of identity sequence public.t_id_seq",
        "comment of identity sequence public.u_id_seq",
        *(["persistence of identity sequence public.t_id_seq"] if newer else []),
        "privileges of identity sequence public.t_id_seq",
    )


def test_serial_makes_no_cycle(database: Database) -> None:
    source = database()
    run(source, "CREATE TABLE public.t (id serial)")
    catalog = read(source, KINDS)
    sequence, column = ObjectId("sequence", ("public", "t_id_seq")), ObjectId("column", ("public", "t", "id"))
    assert column not in catalog[sequence].needs
    assert sequence in catalog[ObjectId("default", column.path)].needs
    assert {sequence, column} <= catalog[ObjectId("sequence_ownership", sequence.path)].needs


@pytest.mark.parametrize(
    "fields",
    [
        {"increment": 3, "cache": 20, "cycle": True},
        {"type": "integer"},
        {"type": "smallint", "min": -5, "max": 30, "start": 2},
        {"increment": -1, "min": -100, "max": 1},
        {"min": 0, "start": 1},
    ],
)
def test_alterations(database: Database, fields: dict[str, Any]) -> None:
    source = database()
    run(source, "CREATE SEQUENCE public.s")
    assert_altered(source, KIND, ObjectId("sequence", ("public", "s")), KINDS, **fields)


def test_logged(database: Database) -> None:
    source = database()
    if major_of(source) >= 15:
        run(source, "CREATE SEQUENCE public.s")
        assert_altered(source, KIND, ObjectId("sequence", ("public", "s")), KINDS, unlogged=True)


def test_ownership_moves_and_ends(database: Database) -> None:
    source = database()
    run(source, TABLES, SEQUENCES)
    id = ObjectId("sequence_ownership", ("app", "orders_id_seq"))
    assert_altered(source, OWNERSHIP, id, KINDS, column="app.orders.other")
    run(source, *OWNERSHIP.drop(read(source, KINDS)[id]))
    catalog = read(source, KINDS)
    assert id not in catalog
    run(source, *KIND.drop(catalog[ObjectId("sequence", id.path)]))
    assert ObjectId("sequence", id.path) not in read(source, KINDS)


@pytest.mark.parametrize(
    "said",
    [
        {"min": 1, "max": 2**63 - 1, "start": 1},
        {"type": "integer", "increment": -1, "min": -(2**31), "max": -1, "start": -1},
        {"min": 5, "start": 5},
    ],
)
def test_what_postgresql_chooses_by_itself_need_not_be_said(said: dict[str, Any]) -> None:
    (declared,) = KIND.declare("s", SequenceDocument.model_validate(said), Nest("app"))
    bare = {name: value for name, value in said.items() if name in ("type", "increment")}
    if said.get("min") == 5:
        bare["min"] = 5
    assert declared.state == dataclasses.replace(SequenceState(), **bare)
    assert declared.id == ObjectId("sequence", ("app", "s"))


def test_identity_options_are_a_mapping() -> None:
    options = {"name": "Numbers", "increment": -2, "min": -9, "start": -1, "cache": 3, "cycle": True}
    told = {"type": "bigint", "identity": {"generation": "always", "options": options}}
    (declared,) = _declared(told)
    assert declared.state.identity_options == (
        'SEQUENCE NAME app."Numbers"',
        "INCREMENT BY -2",
        "MINVALUE -9",
        "START WITH -1",
        "CACHE 3",
        "CYCLE",
    )
    entry = Entry(declared.id, declared.state, declared.parent)
    assert Column().write(entry, "public") == ("id", told)


def test_identity_options_as_phrases_are_refused_with_the_mapping() -> None:
    phrases = ["INCREMENT BY 2", "start with 5", "CYCLE"]
    with pytest.raises(ValueError, match=r"write `options: \{increment: 2, start: 5, cycle: true\}`"):
        _declared({"type": "bigint", "identity": {"generation": "always", "options": phrases}})


def _declared(document: dict[str, Any]) -> list[Declared]:
    table = ObjectId("table", ("app", "t"))
    read = TypeAdapter(Column.document).validate_python(document)
    return list(Column().declare("id", read, Nest("public", table, (table,))))
