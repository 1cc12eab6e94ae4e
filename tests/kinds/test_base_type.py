"""Base types and shells, on a real server."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from reconciler import app
from reconciler.app.run.apply import Application, apply_plan
from reconciler.core.errors import Blocked
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Nest
from reconciler.engine.catalog.scope import Scope
from reconciler.engine.plan.consent import Consent
from reconciler.engine.yaml.writer import dump
from reconciler.kinds.base_type import BaseType
from reconciler.kinds.function import Function
from tests.kinds.constraints_schema import Database
from tests.kinds.roundtrip import assert_altered, assert_built, assert_written, of_kind, read, run

KIND = BaseType()
KINDS = (Function(), KIND)
BOX = ObjectId("base_type", ("app", "Big Box"))

SHELLS = """
CREATE SCHEMA app;
CREATE TYPE app."Big Box"; CREATE TYPE app.cell; CREATE TYPE app.byte; CREATE TYPE app.later;
CREATE FUNCTION app.box_in(cstring, oid, integer) RETURNS app."Big Box" LANGUAGE internal IMMUTABLE STRICT
    AS 'varcharin';
CREATE FUNCTION app.box_out(app."Big Box") RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'varcharout';
CREATE FUNCTION app.box_receive(internal, oid, integer) RETURNS app."Big Box" LANGUAGE internal STABLE STRICT
    AS 'varcharrecv';
CREATE FUNCTION app.box_send(app."Big Box") RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'varcharsend';
CREATE FUNCTION app.cell_in(cstring) RETURNS app.cell LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION app.cell_out(app.cell) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
CREATE FUNCTION app.byte_in(cstring) RETURNS app.byte LANGUAGE internal IMMUTABLE STRICT AS 'charin';
CREATE FUNCTION app.byte_out(app.byte) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'charout';
"""
TYPES = """
CREATE TYPE app."Big Box" (INPUT = app.box_in, OUTPUT = app.box_out, RECEIVE = app.box_receive,
    SEND = app.box_send, TYPMOD_IN = varchartypmodin, TYPMOD_OUT = varchartypmodout,
    ANALYZE = array_typanalyze, STORAGE = extended, CATEGORY = 'B', PREFERRED,
    DEFAULT = 'it''s', DELIMITER = ';', COLLATABLE);
CREATE TYPE app.cell (INPUT = app.cell_in, OUTPUT = app.cell_out, INTERNALLENGTH = 4,
    ALIGNMENT = int2, ELEMENT = smallint);
CREATE TYPE app.byte (INPUT = app.byte_in, OUTPUT = app.byte_out, INTERNALLENGTH = 1, PASSEDBYVALUE,
    ALIGNMENT = char);
"""


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    run(source, SHELLS, TYPES)
    run(empty, SHELLS, "DROP TYPE app.later")
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == 4
    assert_built(KIND, catalog, empty, KINDS)


def test_a_type_and_its_functions_need_one_another(database: Database) -> None:
    source = database()
    run(source, SHELLS, TYPES)
    catalog = read(source, KINDS)
    read_in = next(id for id in catalog.entries if id.path[-1].startswith("box_in"))
    assert read_in in catalog[BOX].needs
    assert BOX in catalog[read_in].needs


def test_altered_in_place(database: Database) -> None:
    source = database()
    run(source, SHELLS, TYPES)
    assert_altered(source, KIND, BOX, KINDS, receive=None, send=None, typmod_in=None, typmod_out=None)
    assert_altered(source, KIND, BOX, KINDS, analyze=None, storage="main")


def test_made_with_functions_and_columns_and_never_dropped_with_cascade(
    database: Database, tmp_path: Path
) -> None:
    source, empty = database(), database()
    run(source, SHELLS, TYPES, 'CREATE TABLE app.boxes (content app."Big Box"(7), cells app.cell[])')
    ours, theirs = (f"{one.info.dsn}" for one in (source, empty))
    for path, content in app.pull(ours, Scope())[0].items():
        file = tmp_path / "full" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dump(content))
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "nothing.yaml").write_text("schemas: {}\n")
    full, none = (app.Request(theirs, tmp_path / folder) for folder in ("full", "none"))
    apply_plan(app.make_plan(full), Application(theirs, Consent(everything=True)))
    assert not app.make_plan(full).steps
    assert len(of_kind(read(empty, KINDS), KIND)) == 4
    with pytest.raises(Blocked, match="CASCADE"):
        app.make_plan(none)


@pytest.mark.parametrize("document", [{"input": "app.cell_in"}, {"length": 4}])
def test_half_a_type_is_refused(document: dict[str, object]) -> None:
    said = TypeAdapter(KIND.document).validate_python(document)
    with pytest.raises(ValueError, match="shell"):
        list(KIND.declare("cell", said, Nest("app")))
