"""Aggregates, on a real server."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from reconciler.core.catalog import Entry
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Nest
from reconciler.kinds.aggregate import Aggregate
from reconciler.kinds.function import Function
from tests.kinds.constraints_schema import Database
from tests.kinds.roundtrip import (
    assert_altered,
    assert_built,
    assert_written,
    of_kind,
    read,
    run,
)

KIND = Aggregate()
KINDS = (Function(), KIND)
FULL = ObjectId("aggregate", ("app", "full_one(double precision)"))

BEFORE = """
CREATE SCHEMA app;
CREATE TYPE app.mood AS ENUM ('glad', 'sad');
CREATE FUNCTION app.best(app.mood, app.mood) RETURNS app.mood LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION app."Last"(internal) RETURNS integer LANGUAGE internal AS 'hypothetical_rank_final';
CREATE FUNCTION app.more(integer, integer) RETURNS boolean LANGUAGE sql AS 'SELECT $1 > $2';
CREATE OPERATOR app.>>> (LEFTARG = integer, RIGHTARG = integer, FUNCTION = app.more);
"""
OBJECTS = """
CREATE AGGREGATE app.total(integer) (SFUNC = int4pl, STYPE = integer);
CREATE AGGREGATE app.rows(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '0');
CREATE AGGREGATE app."The best"(x app.mood) (SFUNC = app.best, STYPE = app.mood, INITCOND = 'glad');
CREATE AGGREGATE app.glued(text) (SFUNC = textcat, STYPE = text, INITCOND = '');
CREATE AGGREGATE app.most(integer) (SFUNC = int4larger, STYPE = integer, SORTOP = OPERATOR(app.>>>));
CREATE AGGREGATE app.full_one(value double precision) (
    SFUNC = float8_accum, STYPE = double precision[], SSPACE = 64, FINALFUNC = float8_avg,
    FINALFUNC_MODIFY = SHAREABLE, COMBINEFUNC = float8_combine, INITCOND = '{0,0,0}',
    MSFUNC = float8_accum, MINVFUNC = float8_accum, MSTYPE = double precision[], MSSPACE = 32,
    MFINALFUNC = float8_avg, MFINALFUNC_MODIFY = READ_WRITE, MINITCOND = '{0,0,0}', PARALLEL = SAFE);
CREATE AGGREGATE app.summed(numeric) (SFUNC = numeric_avg_accum, STYPE = internal, FINALFUNC = numeric_avg,
    COMBINEFUNC = numeric_avg_combine, SERIALFUNC = numeric_avg_serialize, PARALLEL = RESTRICTED,
    DESERIALFUNC = numeric_avg_deserialize);
CREATE AGGREGATE app.middle(at double precision ORDER BY value double precision) (
    SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_cont_float8_final);
CREATE AGGREGATE app.common(ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal,
    FINALFUNC = mode_final, FINALFUNC_EXTRA, FINALFUNC_MODIFY = READ_ONLY);
CREATE AGGREGATE app.place(VARIADIC "any" ORDER BY VARIADIC "any") (SFUNC = ordered_set_transition_multi,
    STYPE = internal, FINALFUNC = rank_final, FINALFUNC_EXTRA, HYPOTHETICAL);
"""


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    run(source, BEFORE, OBJECTS)
    run(empty, BEFORE)
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == 10
    assert_built(KIND, catalog, empty, KINDS)
    assert {id.path[1] for id in of_kind(catalog, KIND)} == {
        "total(integer)",
        "rows(*)",
        '"The best"(app.mood)',
        "glued(text)",
        "most(integer)",
        "full_one(double precision)",
        "summed(numeric)",
        "middle(double precision ORDER BY double precision)",
        "common(ORDER BY anyelement)",
        'place(VARIADIC "any" ORDER BY VARIADIC "any")',
    }


def test_ids_are_what_drop_takes(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    for entry in of_kind(read(source, KINDS), KIND).values():
        run(source, *KIND.drop(entry))
    assert not of_kind(read(source, KINDS), KIND)


def test_altered_in_place(database: Database) -> None:
    source = database()
    run(source, BEFORE, OBJECTS)
    assert_altered(source, KIND, FULL, KINDS, sspace=8, parallel="unsafe", initcond="{1,0,0}")
    assert_altered(source, KIND, FULL, KINDS, combinefunc=None, finalfunc_modify=None, mfinalfunc_modify=None)
    moving = {"msfunc": None, "minvfunc": None, "mstype": None, "msspace": 0, "mfinalfunc": None}
    assert_altered(source, KIND, FULL, KINDS, **moving, mfinalfunc_modify=None, minitcond=None)
    summed = ObjectId("aggregate", ("app", "summed(numeric)"))
    assert_altered(source, KIND, summed, KINDS, serialfunc=None, deserialfunc=None)
    most = ObjectId("aggregate", ("app", "most(integer)"))
    assert_altered(source, KIND, most, KINDS, sfunc="int4smaller", sortop=None)
    glued = ObjectId("aggregate", ("app", "glued(text)"))
    assert_altered(source, KIND, glued, KINDS, initcond=None)


@pytest.mark.parametrize(
    ("key", "canonical"),
    [
        ("total(x int)", "total(integer)"),
        ("total( mood )", "total(app.mood)"),
        ("total(*)", "total(*)"),
        ("total(float8 order by anyelement)", "total(double precision ORDER BY anyelement)"),
    ],
)
def test_a_loose_key_is_resolved(database: Database, key: str, canonical: str) -> None:
    source = database()
    run(source, BEFORE, "SET search_path = app")
    said: dict[str, object] = {"sfunc": "int4pl", "stype": "integer"}
    if "mood" in key:
        said = {"sfunc": "best", "stype": "mood"}
    if "*" in key:
        said = {"sfunc": "int8inc", "stype": "bigint", "initcond": 0}
    if "order" in key:
        said = {"sfunc": "ordered_set_transition", "stype": "internal", "finalfunc": "app.late"}
        late = (
            "app.late(internal, float8) RETURNS integer LANGUAGE internal AS 'percentile_cont_float8_final'"
        )
        run(source, f"CREATE FUNCTION {late}")
    document = TypeAdapter(KIND.document).validate_python(said)
    (declared,) = KIND.declare(key, document, Nest("app"))
    run(source, *KIND.create(Entry(declared.id, declared.state)))
    assert KIND.resolve is not None
    schema, name = declared.id.path
    assert source.execute(KIND.resolve, {"schema": schema, "name": name}).fetchall() == [(canonical,)]
    assert set(of_kind(read(source, KINDS), KIND)) == {ObjectId("aggregate", ("app", canonical))}
