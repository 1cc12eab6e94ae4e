"""Exclusion constraints, on a real server."""

from __future__ import annotations

from reconciler.core.ident import ObjectId
from reconciler.kinds.exclusion import Exclusion
from reconciler.kinds.table import Table
from tests.kinds.constraints_schema import Database, major_of, tables
from tests.kinds.roundtrip import assert_altered, assert_built, assert_written, of_kind, read, run

KIND = Exclusion()
KINDS = (Table(), KIND)

BEFORE = """
CREATE OPERATOR app.=== (LEFTARG = integer, RIGHTARG = integer, FUNCTION = app.same,
    COMMUTATOR = OPERATOR(app.===));
CREATE OPERATOR CLASS app.same_ops FOR TYPE integer USING hash AS
    OPERATOR 1 app.===, FUNCTION 1 hashint4(integer);
"""
OBJECTS = """
ALTER TABLE app.users ADD CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&);
ALTER TABLE app.users ADD CONSTRAINT "X 1" EXCLUDE USING gist (during WITH &&, place WITH ~=) INCLUDE (score)
    WITH (fillfactor = 60) WHERE (score > 3 AND email IS NOT NULL) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE app.users CLUSTER ON no_overlap;
ALTER TABLE app.users ADD CONSTRAINT users_same EXCLUDE USING hash (id app.same_ops WITH OPERATOR(app.===));
ALTER TABLE app.users ADD CONSTRAINT users_lower EXCLUDE (lower("Odd, name") COLLATE "C" text_pattern_ops
    DESC NULLS LAST WITH =, (score + 1) WITH =) DEFERRABLE;
ALTER INDEX app.users_lower ALTER COLUMN 2 SET STATISTICS 50;
"""


def test_round_trip(database: Database) -> None:
    source, empty = database(), database()
    major = major_of(source)
    run(source, tables(major), BEFORE, OBJECTS)
    run(empty, tables(major), BEFORE)
    catalog = read(source, KINDS)
    assert assert_written(KIND, catalog) == 4
    assert_built(KIND, catalog, empty, KINDS)


def test_elements_read_as_people_write_them(database: Database) -> None:
    source = database()
    run(source, tables(major_of(source)), BEFORE, OBJECTS)
    catalog = read(source, KINDS)
    written = {id.path[2]: KIND.write(entry, "app")[1] for id, entry in of_kind(catalog, KIND).items()}
    assert written["no_overlap"] == {"using": "gist", "elements": ["during WITH &&"], "clustered": True}
    assert written["users_same"]["elements"] == ["id app.same_ops WITH OPERATOR(app.===)"]
    assert written["users_lower"]["elements"] == [
        'lower("Odd, name") COLLATE "C" text_pattern_ops DESC NULLS LAST WITH =',
        "((score + 1)) WITH =",
    ]


def test_alterations(database: Database) -> None:
    source = database()
    run(source, tables(major_of(source)), BEFORE, OBJECTS)
    id = ObjectId("exclusion", ("app", "users", "X 1"))
    assert_altered(source, KIND, id, KINDS, options=("buffering=off",))
    lower = ObjectId("exclusion", ("app", "users", "users_lower"))
    assert_altered(source, KIND, lower, KINDS, statistics=((1, 70),))
    run(source, *KIND.rename(read(source, KINDS)[id], "Other"))
    entry = read(source, KINDS)[ObjectId("exclusion", ("app", "users", "Other"))]
    run(source, *KIND.drop(entry))
    assert entry.id not in read(source, KINDS)
