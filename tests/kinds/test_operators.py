"""Operators, their classes and families, and casts, on a real server."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from reconciler.core.catalog import Entry
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Kind, Nest
from reconciler.kinds.cast import Cast
from reconciler.kinds.function import Function
from reconciler.kinds.operator import Operator
from reconciler.kinds.operator_class import OperatorClass
from reconciler.kinds.operator_family import OperatorFamily
from tests.kinds.constraints_schema import Database, major_of
from tests.kinds.roundtrip import (
    alterations,
    assert_altered,
    assert_built,
    assert_written,
    of_kind,
    read,
    run,
)

CAST, OPERATOR, CLASS, FAMILY = Cast(), Operator(), OperatorClass(), OperatorFamily()
KINDS = (Function(), CAST, OPERATOR, CLASS, FAMILY)

BEFORE = """
CREATE SCHEMA app;
CREATE SCHEMA "Odd.Schema";
CREATE TYPE app.mood AS ENUM ('glad', 'sad');
CREATE TYPE app.pair AS (a integer, b integer);
CREATE FUNCTION app.mood_of(integer) RETURNS app.mood LANGUAGE sql IMMUTABLE AS 'SELECT NULL::app.mood';
CREATE FUNCTION app.less(app.pair, app.pair) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT true';
CREATE FUNCTION app.more(app.pair, app.pair) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT true';
CREATE FUNCTION app.same(app.pair, app.pair) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT true';
CREATE FUNCTION app.unlike(app.pair, app.pair) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT true';
CREATE FUNCTION app.far(app.pair, integer) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT true';
CREATE FUNCTION app.compare(app.pair, app.pair) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS 'SELECT 0';
CREATE FUNCTION app.compare(app.pair, integer) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS 'SELECT 0';
CREATE FUNCTION app.negative(bigint) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS 'SELECT -$1';
CREATE FUNCTION app.backwards(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE STRICT
    AS 'SELECT $2 - $1';
"""
CASTS = """
CREATE CAST (integer AS app.mood) WITH FUNCTION app.mood_of(integer) AS ASSIGNMENT;
CREATE CAST (date AS oid) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (character varying AS app.mood) WITH INOUT;
"""
OPERATORS = """
CREATE OPERATOR app.<<< (FUNCTION = app.less, LEFTARG = app.pair, RIGHTARG = app.pair,
    COMMUTATOR = OPERATOR(app.>>>), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR app.>>> (FUNCTION = app.more, LEFTARG = app.pair, RIGHTARG = app.pair,
    COMMUTATOR = OPERATOR(app.<<<));
CREATE OPERATOR app.=== (FUNCTION = app.same, LEFTARG = app.pair, RIGHTARG = app.pair, HASHES, MERGES,
    COMMUTATOR = OPERATOR(app.===), NEGATOR = OPERATOR(app.<>!));
CREATE OPERATOR app.<>! (FUNCTION = app.unlike, LEFTARG = app.pair, RIGHTARG = app.pair,
    NEGATOR = OPERATOR(app.===));
CREATE OPERATOR app.<<< (FUNCTION = app.far, LEFTARG = app.pair, RIGHTARG = integer);
CREATE OPERATOR "Odd.Schema".!! (FUNCTION = app.negative, RIGHTARG = bigint);
"""
CLASSES = """
CREATE OPERATOR FAMILY app.pairs USING btree;
CREATE OPERATOR CLASS app.pair_ops DEFAULT FOR TYPE app.pair USING btree FAMILY app.pairs AS
    OPERATOR 1 app.<<<, OPERATOR 3 app.===, OPERATOR 5 app.>>>,
    FUNCTION 1 app.compare(app.pair, app.pair);
ALTER OPERATOR FAMILY app.pairs USING btree ADD
    OPERATOR 1 app.<<<(app.pair, integer), FUNCTION 1 app.compare(app.pair, integer);
CREATE OPERATOR CLASS "Odd.Schema".backwards_ops FOR TYPE integer USING btree AS
    OPERATOR 1 >, OPERATOR 3 =, OPERATOR 5 <, FUNCTION 1 app.backwards(integer, integer),
    FUNCTION 4 btequalimage(oid);
CREATE OPERATOR CLASS app.points FOR TYPE point USING gist AS
    OPERATOR 15 <->(point, point) FOR ORDER BY float_ops, STORAGE box,
    FUNCTION 1 gist_point_consistent(internal, point, smallint, oid, internal),
    FUNCTION 2 gist_box_union(internal, internal),
    FUNCTION 3 gist_point_compress(internal),
    FUNCTION 5 gist_box_penalty(internal, internal, internal),
    FUNCTION 6 gist_box_picksplit(internal, internal), FUNCTION 7 gist_box_same(box, box, internal),
    FUNCTION 8 gist_point_distance(internal, point, smallint, oid, internal);
"""


def test_casts(database: Database) -> None:
    source, empty = database(), database()
    run(source, BEFORE, CASTS, "CREATE TYPE app.floats AS RANGE (SUBTYPE = float8)")
    run(empty, BEFORE)
    catalog = read(source, KINDS)
    assert assert_written(CAST, catalog) == 3  # the range's own cast to its multirange is none of them
    assert_built(CAST, catalog, empty, KINDS)
    for entry in of_kind(catalog, CAST).values():
        run(source, *CAST.drop(entry))
    assert not of_kind(read(source, KINDS), CAST)


def test_operators(database: Database) -> None:
    source, empty = database(), database()
    run(source, BEFORE, OPERATORS)
    run(empty, BEFORE)
    catalog = read(source, KINDS)
    assert assert_written(OPERATOR, catalog) == 6
    assert_built(OPERATOR, catalog, empty, KINDS)
    assert {id.path for id in of_kind(catalog, OPERATOR)} >= {
        ("app", "<<<(app.pair, integer)"),
        ("Odd.Schema", "!!(NONE, bigint)"),
    }
    for entry in of_kind(catalog, OPERATOR).values():
        run(source, *OPERATOR.drop(entry))
    assert not of_kind(read(source, KINDS), OPERATOR)


def test_operators_are_altered(database: Database) -> None:
    source = database()
    run(source, BEFORE, OPERATORS)
    id = ObjectId("operator", ("app", "<<<(app.pair, app.pair)"))
    assert_altered(source, OPERATOR, id, KINDS, restrict=None, join=None)
    assert_altered(source, OPERATOR, id, KINDS, restrict="scalargtsel", join="scalargtjoinsel")
    entry = read(source, KINDS)[id]
    assert entry.state.is_settable is (major_of(source) >= 17)


def test_what_is_missing_is_added_since_17(database: Database) -> None:
    source = database()
    if major_of(source) < 17:
        pytest.skip("ALTER OPERATOR can only change the estimators")
    run(
        source,
        BEFORE,
        "CREATE OPERATOR app.~~~ (FUNCTION = app.same, LEFTARG = app.pair, RIGHTARG = app.pair)",
    )
    id = ObjectId("operator", ("app", "~~~(app.pair, app.pair)"))
    old = read(source, KINDS)[id]
    document = TypeAdapter(OPERATOR.document).validate_python(
        {"function": "app.same", "commutator": "OPERATOR(app.~~~)", "hashes": True, "merges": True}
    )
    (declared,) = OPERATOR.declare("~~~(app.pair, app.pair)", document, Nest("app"))
    run(source, *alterations(OPERATOR, old, Entry(declared.id, declared.state)))
    assert read(source, KINDS)[id].state == declared.state


def test_classes_and_families(database: Database) -> None:
    source, empty = database(), database()
    run(source, BEFORE, OPERATORS, CLASSES)
    run(empty, BEFORE, OPERATORS)
    catalog = read(source, KINDS)
    assert assert_written(FAMILY, catalog) == 3
    assert assert_written(CLASS, catalog) == 3
    assert_built(FAMILY, catalog, empty, KINDS)
    assert_built(CLASS, catalog, empty, KINDS)
    pairs = ObjectId("operator_family", ("app", "pairs", "btree"))
    assert catalog[pairs].state.operators == ("1 app.<<<(app.pair,integer)",)
    assert ObjectId("operator", ("app", "<<<(app.pair, integer)")) in catalog[pairs].needs
    for kind in (CLASS, FAMILY):
        for entry in of_kind(catalog, kind).values():
            run(source, *kind.drop(entry))
    found = read(source, KINDS)
    assert not of_kind(found, CLASS)
    assert not of_kind(found, FAMILY)


def test_families_are_altered(database: Database) -> None:
    source = database()
    run(source, BEFORE, OPERATORS, CLASSES)
    pairs = ObjectId("operator_family", ("app", "pairs", "btree"))
    assert_altered(source, FAMILY, pairs, KINDS, operators=(), functions=())


@pytest.mark.parametrize(
    ("kind", "key", "canonical", "document"),
    [
        (OPERATOR, "==>(pair,pair)", "==>(app.pair, app.pair)", {"function": "same"}),
        (OPERATOR, "!!!(none, int8)", "!!!(NONE, bigint)", {"function": "negative"}),
        (CAST, "int as mood", "integer AS app.mood", {"function": "mood_of(integer)"}),
    ],
)
def test_a_loose_key_is_resolved(
    database: Database, kind: Kind[Any], key: str, canonical: str, document: dict[str, str]
) -> None:
    source = database()
    run(source, BEFORE, "SET search_path = app")
    said = TypeAdapter(kind.document).validate_python(document)
    (declared,) = kind.declare(key, said, Nest("app"))
    run(source, *kind.create(Entry(declared.id, declared.state)))
    parameters = {"schema": declared.id.path[0], "name": declared.id.path[-1]}
    assert kind.resolve is not None
    assert source.execute(kind.resolve, parameters).fetchall() == [(canonical,)]
    assert canonical in {id.path[-1] for id in of_kind(read(source, KINDS), kind)}
