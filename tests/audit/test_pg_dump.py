"""pg_dump as an observer: equal schemas are equal however they came about, and differences are told."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from reconciler.audit import pg_dump
from reconciler.audit.client import find_pg_dump, target
from reconciler.audit.errors import AuditError
from reconciler.core.errors import ConnectionFailed
from tests.audit.conftest import NewDatabase
from tests.corpus.servers import Server

TWO_TABLES = """
    CREATE TABLE a (id int PRIMARY KEY, note text);
    CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);
"""
ANY_ORDER = pg_dump.Comparison(column_order=False)


def test_the_order_of_creation_means_nothing(database: NewDatabase) -> None:
    other = "CREATE TABLE b (id int, a int); CREATE TABLE a (id int PRIMARY KEY, note text);"
    other += "ALTER TABLE b ADD FOREIGN KEY (a) REFERENCES a; ALTER TABLE b ADD PRIMARY KEY (id);"
    assert pg_dump.differences(database(TWO_TABLES), database(other)) == ()


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("COMMENT ON TABLE a IS 'x'", "+ COMMENT public.TABLE a"),
        ("DROP TABLE b", "- TABLE public.b"),
        ("ALTER TABLE a ALTER note SET NOT NULL", "! TABLE public.a"),
        ("ALTER TABLE a SET (fillfactor = 50)", "! TABLE public.a"),
        ("CREATE SCHEMA s", "+ SCHEMA s"),
        ("ALTER TABLE a ADD CHECK (id > 1)", "! TABLE public.a"),
    ],
)
def test_a_difference_is_told(database: NewDatabase, sql: str, told: str) -> None:
    found = pg_dump.differences(database(TWO_TABLES), database(TWO_TABLES + sql))
    assert told in [text.split("\n")[0] for text in found]


def test_the_lines_that_differ_are_shown(database: NewDatabase) -> None:
    a, b = database(TWO_TABLES), database(TWO_TABLES + "ALTER TABLE a ALTER note TYPE varchar(9)")
    (found,) = pg_dump.differences(a, b)
    assert "-    note text" in found
    assert "+    note character varying(9)" in found


def test_column_order_counts_only_when_asked_for(database: NewDatabase) -> None:
    a = database("CREATE TABLE t (x int DEFAULT 1, y text CHECK (y <> ',)('), z int)")
    b = database("CREATE TABLE t (z int, y text CHECK (y <> ',)('), x int DEFAULT 1)")
    assert len(pg_dump.differences(a, b)) == 1
    assert pg_dump.differences(a, b, ANY_ORDER) == ()


def test_what_follows_from_column_order_is_normalised_too(database: NewDatabase) -> None:
    rest = """
        CREATE STATISTICS s ON x, y FROM t;
        CREATE PUBLICATION p FOR TABLE t (x, y);
        ALTER TABLE t ALTER x SET STATISTICS 7, ALTER y SET STATISTICS 8;
    """
    a = database("CREATE TABLE t (x int, y int);" + rest)
    b = database("CREATE TABLE t (y int, x int);" + rest)
    assert pg_dump.differences(a, b, ANY_ORDER) == ()


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE VIEW v AS SELECT x, y FROM t",
        "CREATE TYPE c AS (x int, y int)",
        "CREATE TYPE e AS ENUM ('x', 'y')",
    ],
)
def test_where_order_has_a_meaning_it_is_kept(database: NewDatabase, sql: str) -> None:
    a = database("CREATE TABLE t (x int, y int);" + sql)
    b = database("CREATE TABLE t (x int, y int);" + sql.replace("x", "Q").replace("y", "x").replace("Q", "y"))
    assert pg_dump.differences(a, b, ANY_ORDER) != ()


def test_the_order_of_roles_means_nothing(server: Server, database: NewDatabase) -> None:
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute("CREATE ROLE audit_one; CREATE ROLE audit_two")
    try:
        table = "CREATE TABLE t (); ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
        a = database(table + "GRANT SELECT ON t TO audit_one; GRANT INSERT ON t TO audit_two;"
                     "CREATE POLICY p ON t TO audit_one, audit_two")  # fmt: skip
        b = database(table + "GRANT INSERT ON t TO audit_two; GRANT SELECT ON t TO audit_one;"
                     "CREATE POLICY p ON t TO audit_two, audit_one")  # fmt: skip
        c = database(table + "GRANT SELECT ON t TO audit_one; CREATE POLICY p ON t TO audit_one, audit_two")
        assert pg_dump.differences(a, b) == ()
        assert [text.split("\n")[0] for text in pg_dump.differences(a, c)] == ["! ACL public.TABLE t"]
        assert pg_dump.differences(a, c, pg_dump.Comparison(privileges=False)) == ()
    finally:
        with psycopg.connect(server.url(), autocommit=True) as admin:
            for role in ("audit_one", "audit_two"):
                for name in ("audit1", "audit2", "audit3"):
                    with psycopg.connect(server.url(name), autocommit=True) as connection:
                        connection.execute(f"DROP OWNED BY {role}".encode())
                admin.execute(f"DROP ROLE {role}".encode())


def test_an_access_method_stays_with_its_table(database: NewDatabase) -> None:
    method = "CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler;"
    a = database(method + "CREATE TABLE x (); CREATE TABLE y () USING other")
    b = database(method + "CREATE TABLE y (); CREATE TABLE x () USING other")
    c = database(method + "CREATE TABLE y () USING other; CREATE TABLE x ()")
    assert [text.split("\n")[0] for text in pg_dump.differences(a, b)] == [
        "! TABLE public.x",
        "! TABLE public.y",
    ]
    assert pg_dump.differences(a, c) == ()


def test_the_journal_is_left_out(database: NewDatabase) -> None:
    assert (
        pg_dump.differences(database(""), database("CREATE SCHEMA _reconcile CREATE TABLE attempt ()")) == ()
    )


def test_a_secret_is_not_shown(database: NewDatabase) -> None:
    sql = """
        CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
        CREATE USER MAPPING FOR postgres SERVER s OPTIONS ("user" 'u', password '{}');
    """
    (found,) = pg_dump.differences(database(sql.format("hunter2")), database(sql.format("hunter3")))
    assert "hunter" not in found
    assert "a value that is not shown differs" in found


@pytest.mark.quick
def test_text_in_a_function_body_is_left_alone() -> None:
    head = "--\n-- Name: f(); Type: FUNCTION; Schema: public; Owner: -\n--\n\n"
    body = "CREATE FUNCTION public.f() RETURNS text\n    AS $$ SELECT\n-- a comment\n\nSET x = 1;\n$$;"
    dump = f"--\n-- PostgreSQL database dump\n--\n\nSET row_security = off;\n\n{head}{body}\n\n\n"
    dump += "--\n-- PostgreSQL database dump complete\n--\n\n"
    assert pg_dump.statements(dump) == (body,)


def test_a_pg_dump_that_is_too_old_is_not_used(tmp_path: Path) -> None:
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 11.2'\n")
    old.chmod(0o755)
    with pytest.raises(AuditError, match=r"no pg_dump of PostgreSQL 15 or later.*\(11\)") as caught:
        find_pg_dump(15, binary_dir=tmp_path)
    assert caught.value.hint is not None
    assert find_pg_dump(11, binary_dir=tmp_path).major == 11


def test_an_unreachable_database_is_a_plain_error(tmp_path: Path) -> None:
    with pytest.raises(ConnectionFailed):
        pg_dump.schema_text(f"postgresql:///nowhere?host={tmp_path}")


def test_the_password_travels_in_the_environment(server: Server) -> None:
    at = target(server.url() + "&password=hunter2&application_name=x&keepalives=1")
    assert at.environment["PGPASSWORD"] == "hunter2"
    assert "hunter2" not in at.conninfo
    assert "keepalives" in at.conninfo
