"""Test generated rows: they fit into columns of every type, and the evidence shows lost and changed rows."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from reconciler.engine.prove.seed import count_and_digest, gone, lost, seed
from tests.audit.conftest import NewDatabase

TYPES = [
    type_
    for line in (
        "smallint integer bigint numeric numeric(5,2) numeric(2,2) real money boolean text",
        'varchar(2) char(3) name "char" bytea date time timetz timestamp timestamptz interval uuid',
        "json jsonb jsonpath inet cidr macaddr macaddr8 bit(5) varbit(6) point line lseg box path",
        "polygon circle tsvector tsquery oid regclass regtype regproc regrole regnamespace regconfig",
        "xid xid8 cid tid pg_lsn txid_snapshot pg_snapshot refcursor int2vector oidvector aclitem",
        "int4range int8range numrange daterange tsrange tstzrange int4multirange tstzmultirange",
        "integer[] text[][] mood mood[] positive email email[] pair pair[] hstore ltree citext",
    )
    for type_ in line.split()
]
OWN_TYPES = """
    CREATE EXTENSION hstore; CREATE EXTENSION ltree; CREATE EXTENSION citext;
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE DOMAIN positive AS int NOT NULL CHECK (VALUE > 100);
    CREATE DOMAIN email AS text CHECK (VALUE ~ '^[^@]+@[^@]+$');
    CREATE TYPE pair AS (a int, b email);
"""


def filled(url: str, rows: int = 2) -> tuple[Any, ...]:
    with psycopg.connect(url, autocommit=True) as connection:
        return seed(connection, rows), count_and_digest(connection)


def changed(url: str, sql: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        before = count_and_digest(connection)
        connection.execute(sql.encode())
        after = count_and_digest(connection)
    return lost(before, after), gone(before, after)


def test_every_type_takes_a_value_that_is_not_null(loaded: NewDatabase) -> None:
    columns = ", ".join(f"c{number} {type_} NOT NULL" for number, type_ in enumerate(TYPES))
    report, _ = filled(loaded(f"{OWN_TYPES} CREATE TABLE t ({columns})"))
    assert report.rows == {"public.t": 2}


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE t ()",
        "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY)",
        "CREATE TABLE t (id int, twice int GENERATED ALWAYS AS (id * 2) STORED)",
        "CREATE TABLE t (s text NOT NULL CHECK (s IN ('open', 'shut')))",
        "CREATE TABLE t (n int NOT NULL CHECK (n BETWEEN 40 AND 50), UNIQUE (n))",
        "CREATE TABLE t (s text NOT NULL CHECK (length(s) = 40))",
        "CREATE TABLE t (s text NOT NULL CHECK (s LIKE 'sk_%'))",
        "CREATE TABLE t (a int, b int, c int, CHECK (num_nonnulls(a, b, c) = 1))",
        "CREATE TABLE t (a int NOT NULL, b int NOT NULL, CHECK (a > b))",
        "CREATE TABLE t (ids int[] NOT NULL CHECK (ids <> '{}' AND cardinality(ids) = 1))",
        "CREATE TABLE t (d date NOT NULL CHECK (d > '2031-05-05'))",
        "CREATE TABLE t (j jsonb NOT NULL CHECK (jsonb_typeof(j) = 'array'))",
        "CREATE TABLE t (during tsrange NOT NULL, EXCLUDE USING gist (during WITH &&))",
        "CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t)",
        "CREATE TABLE u (); CREATE TABLE t (a bool UNIQUE)",
    ],
)
def test_a_table_gets_rows_that_fit(loaded: NewDatabase, sql: str) -> None:
    report, evidence = filled(loaded(sql))
    assert report.unseeded == ()
    assert report.rows["public.t"] == evidence["public.t"].count == 2


def test_triggers_and_rules_stay_silent(loaded: NewDatabase) -> None:
    report, _ = filled(
        loaded("""
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END';
            CREATE TABLE t (a int);
            CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION refuse();
            CREATE TABLE u (a int); CREATE RULE r AS ON INSERT TO u DO INSTEAD NOTHING;
        """)
    )
    assert report.rows == {"public.t": 2, "public.u": 2}
    assert not report.fires_triggers


def test_foreign_keys_point_to_rows(loaded: NewDatabase) -> None:
    url = loaded("""
        CREATE TABLE z (code text CHECK (code IN ('aa', 'bb')), n int CHECK (n > 7), PRIMARY KEY (code, n));
        CREATE TABLE a (id int, code text NOT NULL, n int NOT NULL);
        ALTER TABLE a ADD CONSTRAINT f FOREIGN KEY (code, n) REFERENCES z;
        CREATE TABLE x (id int PRIMARY KEY, y int NOT NULL);
        CREATE TABLE y (id int PRIMARY KEY, x int NOT NULL);
        ALTER TABLE x ADD FOREIGN KEY (y) REFERENCES y; ALTER TABLE y ADD FOREIGN KEY (x) REFERENCES x;
    """)
    report, _ = filled(url)
    assert report.unseeded == ()
    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE a DROP CONSTRAINT f, ADD FOREIGN KEY (code, n) REFERENCES z")
        assert connection.execute("SELECT count(*) FROM a JOIN z USING (code, n)").fetchone() == (2,)
        assert connection.execute("SELECT count(*) FROM x JOIN y ON x.y = y.id").fetchone() == (2,)


def test_each_leaf_partition_is_reached(loaded: NewDatabase) -> None:
    report, evidence = filled(
        loaded("""
            CREATE TABLE p (d date NOT NULL, k text NOT NULL) PARTITION BY RANGE (d);
            CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2044-01-01') TO ('2045-01-01');
            CREATE TABLE p2 PARTITION OF p FOR VALUES FROM ('2045-01-01') TO ('2046-01-01')
                PARTITION BY LIST (k);
            CREATE TABLE p2a PARTITION OF p2 FOR VALUES IN ('k1', 'k2');
            CREATE TABLE h (id int) PARTITION BY HASH (id);
            CREATE TABLE h0 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 0);
            CREATE TABLE h1 PARTITION OF h FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        """)
    )
    assert report.unseeded == ()
    assert {name: rows.count for name, rows in evidence.items() if name.startswith("public.p")} == {
        "public.p1": 1,
        "public.p2a": 1,
    }
    assert evidence["public.p2a"].root == "public.p"
    assert evidence["public.h0"].count + evidence["public.h1"].count == 2


def test_what_cannot_be_seeded_is_named_without_values(loaded: NewDatabase) -> None:
    sql = "CREATE TABLE t (a int NOT NULL CONSTRAINT never CHECK (a > 5 AND a < 3));"
    report, _ = filled(loaded(sql + "CREATE TABLE p (a int) PARTITION BY RANGE (a)"))
    assert [(table.table, table.reason) for table in report.unseeded] == [
        ("public.p", "it has no partition"),
        ("public.t", "23514 never"),
    ]


def test_a_plain_role_seeds_with_triggers_at_work(loaded: NewDatabase) -> None:
    url = loaded("""
        CREATE ROLE seed_plain; CREATE SCHEMA s AUTHORIZATION seed_plain; SET ROLE seed_plain;
        CREATE TABLE s.b (id int PRIMARY KEY);
        CREATE TABLE s.a (id int PRIMARY KEY, b int NOT NULL REFERENCES s.b);
    """)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET SESSION AUTHORIZATION seed_plain")
        report = seed(connection)
        connection.execute("RESET SESSION AUTHORIZATION; DROP OWNED BY seed_plain; DROP ROLE seed_plain")
    assert report.fires_triggers
    assert report.rows == {"s.a": 2, "s.b": 2}


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("UPDATE t SET note = note || 'x' WHERE id = 1", ("public.t.note",)),
        ("DELETE FROM t WHERE id = 1", ("public.t (rows: 2 before, 1 after)",)),
        ("UPDATE t SET note = NULL", ("public.t.note",)),
        ("TRUNCATE t", ("public.t (rows: 2 before, 0 after)",)),
        ("ALTER TABLE t ADD other int DEFAULT 7", ()),
        ("ALTER TABLE t ALTER id TYPE bigint", ()),
        ("ALTER TABLE t RENAME note TO other", ()),
        ("ALTER TABLE t ADD again text; UPDATE t SET again = note; VACUUM FULL t", ()),
        ("ALTER TABLE p DETACH PARTITION p1", ()),
        ("ALTER TABLE p ATTACH PARTITION q FOR VALUES FROM (50) TO (60)", ()),
        ("DELETE FROM p1", ("public.p (rows: 2 before, 1 after)",)),
        ("UPDATE c SET co.a = 9", ("public.c.co",)),
        ("ALTER TYPE pair ADD ATTRIBUTE z int", ()),
    ],
)
def test_loss_is_noticed_and_nothing_else(loaded: NewDatabase, sql: str, what: tuple[str, ...]) -> None:
    url = loaded("""
        CREATE TABLE t (id int PRIMARY KEY, note text);
        CREATE TABLE p (id int) PARTITION BY RANGE (id); CREATE TABLE q (id int CHECK (id >= 50 AND id < 60));
        CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (10);
        CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
        CREATE TYPE pair AS (a int); CREATE TABLE c (co pair);
    """)
    filled(url)
    with psycopg.connect(url, autocommit=True) as connection:
        before = count_and_digest(connection)
        for statement in sql.split("; "):
            connection.execute(statement.encode())
        assert lost(before, count_and_digest(connection)) == what


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("DROP TABLE t", ("public.t",)),
        ("ALTER TABLE t DROP note", ("public.t.note",)),
        ("ALTER TABLE p DETACH PARTITION p1", ()),
        ("DROP TABLE empty", ()),
        ("ALTER TABLE p DETACH PARTITION p1; DROP TABLE p", ("public.p",)),
    ],
)
def test_what_is_gone_is_told(loaded: NewDatabase, sql: str, what: tuple[str, ...]) -> None:
    url = loaded("""
        CREATE TABLE t (id int PRIMARY KEY, note text);
        CREATE TABLE p (id int) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
        CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
    """)
    filled(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE empty (id int)")
    assert changed(url, sql)[1] == what


def test_settings_of_the_session_do_not_matter(loaded: NewDatabase) -> None:
    url = loaded("CREATE TABLE t (a timestamptz, b bytea, c interval, d float8, e money)")
    _, before = filled(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SET TimeZone = 'Asia/Tokyo'; SET DateStyle = German; SET bytea_output = escape;"
            "SET IntervalStyle = iso_8601; SET extra_float_digits = -4"
        )
        assert count_and_digest(connection) == before
