"""Indexes, on a real server."""

from __future__ import annotations

import dataclasses

import psycopg
import pytest

from reconciler.core.ident import ObjectId
from reconciler.core.kind import Disturbance
from reconciler.core.statement import HazardCode
from reconciler.kinds.index import Index, IndexDocument
from reconciler.kinds.table import Table
from tests.kinds.constraints_schema import Database, major_of, tables
from tests.kinds.roundtrip import assert_altered, assert_built, assert_written, of_kind, read, run

KIND = Index()
KINDS = (Table(), KIND)

OBJECTS = """
CREATE INDEX users_email_idx ON app.users (email);
CREATE UNIQUE INDEX users_score ON app.users (score) INCLUDE (email, "Odd, name") WITH (fillfactor = 55);
ALTER TABLE app.users REPLICA IDENTITY USING INDEX users_score;
CREATE INDEX "I 1" ON app.users (created_at DESC, score NULLS FIRST, id DESC NULLS LAST)
    WHERE email IS NOT NULL;
ALTER TABLE app.users CLUSTER ON users_email_idx;
CREATE INDEX users_lower ON app.users (lower(email) text_pattern_ops, (score + id), "Odd, name" COLLATE "C");
ALTER INDEX app.users_lower ALTER COLUMN 2 SET STATISTICS 500;
CREATE INDEX users_native ON app.users (native, native COLLATE "default");
CREATE INDEX users_code ON app.users (code);
CREATE INDEX users_backwards ON app.users (score app.backwards_ops);
CREATE INDEX users_words ON app.users USING gist (words tsvector_ops (siglen = 100));
CREATE INDEX users_words_gin ON app.users USING gin (words, to_tsvector('english', email))
    WITH (fastupdate = off);
CREATE INDEX users_place ON app.users USING spgist (place kd_point_ops);
CREATE INDEX users_brin ON app.users USING brin
    (created_at timestamptz_minmax_multi_ops (values_per_range = 16), id)
    WITH (pages_per_range = 4);
CREATE INDEX users_hash ON app.users USING hash ("Odd, name");
CREATE INDEX "Odd.Index" ON "Odd.Schema"."Odd(Table" ("a ""b");
"""
SINCE_15 = "CREATE UNIQUE INDEX orgs_note ON app.orgs (note) NULLS NOT DISTINCT"


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    major = major_of(source)
    run(source, tables(major), OBJECTS, *([SINCE_15] if major >= 15 else []))
    run(empty, tables(major))
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == 13 + (major >= 15)
    assert_built(KIND, catalog, empty, KINDS)


COLUMNS = {
    "users_email_idx": ["email"],
    "I 1": ["created_at DESC", "score NULLS FIRST", "id DESC NULLS LAST"],
    "users_lower": ["lower(email) text_pattern_ops", "((score + id))", '"Odd, name" COLLATE "C"'],
    "users_native": ["native", 'native COLLATE "default"'],
    "users_code": ["code"],
    "users_backwards": ["score app.backwards_ops"],
    "users_words": ["words tsvector_ops (siglen='100')"],
    "users_words_gin": ["words", "to_tsvector('english'::regconfig, email)"],
    "users_place": ["place kd_point_ops"],
    "users_brin": ["created_at timestamptz_minmax_multi_ops (values_per_range='16')", "id"],
}
GIVING_WAY = {"I 1", "users_lower", "users_backwards", "users_words_gin", "users_place", "users_brin"}


def test_keys_read_as_people_write_them(database: Database) -> None:
    source = database()
    run(source, tables(major_of(source)), OBJECTS)
    entries = {id.path[1]: entry for id, entry in of_kind(read(source, KINDS), KIND).items()}
    assert {name: list(entries[name].state.columns) for name in COLUMNS} == COLUMNS
    assert {
        name for name, entry in entries.items() if KIND.is_recreated_on(entry, Disturbance.RETYPED)
    } == GIVING_WAY
    assert KIND.write(entries["users_email_idx"], "app")[1] == {"columns": ["email"], "clustered": True}
    assert KIND.write(entries["users_code"], "app") == ("users_code", ["code"])


def test_partitions_are_carried(database: Database) -> None:
    source = database()
    sql = """
        CREATE INDEX own_name ON public.events_2 (kind, lower(kind));
        CREATE INDEX events_kind ON public.events (kind, lower(kind));
        CREATE TABLE public.events_3 PARTITION OF public.events FOR VALUES FROM (20) TO (30);"""
    run(source, tables(major_of(source)), sql)
    entries = of_kind(read(source, KINDS), KIND)
    parent = entries[ObjectId("index", ("public", "events_kind"))]
    carried = [entry for entry in entries.values() if entry.carrier]
    assert {entry.carrier for entry in carried} == {parent.id}
    assert len(carried) == 3
    assert [entry.id.path[1] for entry in carried if KIND.deviates(entry, parent)] == ["own_name"]
    run(source, "ALTER INDEX public.events_1_kind_lower_idx SET (fillfactor = 60)")
    entries = of_kind(read(source, KINDS), KIND)
    assert KIND.deviates(entries[ObjectId("index", ("public", "events_1_kind_lower_idx"))], parent)


def test_incomplete_on_partitions(database: Database) -> None:
    source, empty = database(), database()
    run(source, tables(major_of(source)), "CREATE INDEX events_kind ON ONLY public.events (kind)")
    run(empty, tables(major_of(source)))
    catalog = read(source, KINDS)
    (entry,) = of_kind(catalog, KIND).values()
    assert entry.state.only
    assert not entry.state.invalid
    assert_written(KIND, catalog)
    assert_built(KIND, catalog, empty, KINDS)


def test_an_invalid_index_is_never_what_is_wanted(database: Database) -> None:
    source = database()
    run(source, tables(major_of(source)), "INSERT INTO app.orgs VALUES (1, 1, 'a'), (1, 1, 'a')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        run(source, "CREATE UNIQUE INDEX CONCURRENTLY orgs_id ON app.orgs (id)")
    (entry,) = of_kind(read(source, KINDS), KIND).values()
    assert entry.state.invalid
    assert KIND.write(entry, "app") == ("orgs_id", {"columns": ["id"], "unique": True})


def test_alterations(database: Database) -> None:
    source = database()
    run(source, tables(major_of(source)), OBJECTS)
    email = ObjectId("index", ("app", "users_email_idx"))
    lower = ObjectId("index", ("app", "users_lower"))
    assert_altered(source, KIND, email, KINDS, options=("fillfactor=50",), clustered=False)
    assert_altered(source, KIND, lower, KINDS, statistics=((1, 70),), options=("deduplicate_items=off",))
    gin = ObjectId("index", ("app", "users_words_gin"))
    assert_altered(source, KIND, gin, KINDS, options=("gin_pending_list_limit=100",))
    run(source, "ALTER TABLE app.users REPLICA IDENTITY DEFAULT")
    score = read(source, KINDS)[ObjectId("index", ("app", "users_score"))]
    assert not score.state.replica_identity
    run(source, *KIND.rename(score, "Other"))
    renamed = read(source, KINDS)[ObjectId("index", ("app", "Other"))]
    drop = list(KIND.drop(renamed))
    assert [hazard.code for statement in drop for hazard in statement.hazards] == [HazardCode.VALIDATION_LOST]
    run(source, *drop)
    assert renamed.id not in read(source, KINDS)


def test_tablespace(database: Database) -> None:
    source = database()
    name = f"space_{source.info.dbname}"
    run(source, tables(major_of(source)), OBJECTS)
    try:
        run(source, "SET allow_in_place_tablespaces = on", f"CREATE TABLESPACE {name} LOCATION ''")
    except psycopg.errors.UndefinedObject:
        pytest.skip("this minor version has no in-place tablespaces")
    try:
        email = ObjectId("index", ("app", "users_email_idx"))
        assert_altered(source, KIND, email, KINDS, tablespace=name)
        lower = ObjectId("index", ("app", "users_lower"))
        found = read(source, KINDS)[lower]
        created = dataclasses.replace(found, state=dataclasses.replace(found.state, tablespace=name))
        run(source, *KIND.drop(created), *KIND.create(created))
        assert read(source, KINDS)[lower].state == created.state
        assert KIND.write(created, "app")[1]["tablespace"] == name
        run(source, *KIND.drop(created))
    finally:
        run(source, f"DROP TABLESPACE {name}")


def test_materialized_view(database: Database) -> None:
    """The view's own kind is another file's: here its index is read as a row."""
    source = database()
    view = "CREATE MATERIALIZED VIEW app.scores AS SELECT score FROM app.users"
    run(source, tables(major_of(source)), view)
    run(source, "CREATE INDEX scores_idx ON app.scores (score); ALTER TABLE app.scores CLUSTER ON scores_idx")
    rows = source.execute(KIND.query(major_of(source)))
    names = [column.name for column in rows.description or ()]
    (row,) = [dict(zip(names, row, strict=True)) for row in rows]
    assert row["path"] == ["app", "scores_idx"]
    assert row["columns"] == ["score"]
    assert row["clustered"]


def test_statistics_are_keyed_by_number() -> None:
    from reconciler.core.kind import Nest

    document = IndexDocument(columns=("lower(email)",), statistics={"email": 100})
    with pytest.raises(ValueError, match="number of an index column"):
        list(KIND.declare("i", document, Nest("app", ObjectId("table", ("app", "users")))))
