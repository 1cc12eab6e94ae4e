"""Test the comparison with pg_dump: equal schemas are equal however they were created, and differences are
reported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from reconciler.audit import pg_dump
from reconciler.audit.client import find_pg_dump, target
from reconciler.audit.errors import AuditError
from reconciler.core.errors import ConnectionFailed
from tests.audit.conftest import NewDatabase
from tests.conftest import AnyServer

TWO_TABLES = """
    CREATE TABLE a (id int PRIMARY KEY, note text);
    CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);
"""
ANY_ORDER = pg_dump.Comparison(column_order=False)


def test_the_order_of_creation_means_nothing(loaded: NewDatabase) -> None:
    other = "CREATE TABLE b (id int, a int); CREATE TABLE a (id int PRIMARY KEY, note text);"
    other += "ALTER TABLE b ADD FOREIGN KEY (a) REFERENCES a; ALTER TABLE b ADD PRIMARY KEY (id);"
    assert pg_dump.differences(loaded(TWO_TABLES), loaded(other)) == ()


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
def test_a_difference_is_told(loaded: NewDatabase, sql: str, told: str) -> None:
    found = pg_dump.differences(loaded(TWO_TABLES), loaded(TWO_TABLES + sql))
    assert told in [text.split("\n")[0] for text in found]


def test_the_lines_that_differ_are_shown(loaded: NewDatabase) -> None:
    a, b = loaded(TWO_TABLES), loaded(TWO_TABLES + "ALTER TABLE a ALTER note TYPE varchar(9)")
    (found,) = pg_dump.differences(a, b)
    assert "-    note text" in found
    assert "+    note character varying(9)" in found


def test_column_order_counts_only_when_asked_for(loaded: NewDatabase) -> None:
    a = loaded("CREATE TABLE t (x int DEFAULT 1, y text CHECK (y <> ',)('), z int)")
    b = loaded("CREATE TABLE t (z int, y text CHECK (y <> ',)('), x int DEFAULT 1)")
    assert len(pg_dump.differences(a, b)) == 1
    assert pg_dump.differences(a, b, ANY_ORDER) == ()


def test_a_partition_has_no_names_for_not_null(loaded: NewDatabase) -> None:
    """On 18 the names depend on how the partition was created, and no statement can make them equal."""
    whole = "CREATE TABLE p (id int NOT NULL, a text CONSTRAINT said NOT NULL) PARTITION BY LIST (id);"
    made = whole + 'CREATE TABLE "p 1" PARTITION OF p DEFAULT'
    attached = whole + 'CREATE TABLE "p 1" (id int NOT NULL, a text CONSTRAINT "own ""name" NOT NULL);'
    attached += 'ALTER TABLE p ATTACH PARTITION "p 1" DEFAULT'
    assert pg_dump.differences(loaded(made), loaded(attached)) == ()
    nullable = made.replace("said NOT NULL", "said CHECK (a <> ' CONSTRAINT x NOT NULL')")
    assert pg_dump.differences(loaded(made), loaded(nullable)) != ()


def test_what_follows_from_column_order_is_normalised_too(loaded: NewDatabase) -> None:
    rest = """
        CREATE STATISTICS s ON x, y FROM t;
        CREATE PUBLICATION p FOR TABLE t (x, y);
        ALTER TABLE t ALTER x SET STATISTICS 7, ALTER y SET STATISTICS 8;
    """
    a = loaded("CREATE TABLE t (x int, y int);" + rest)
    b = loaded("CREATE TABLE t (y int, x int);" + rest)
    assert pg_dump.differences(a, b, ANY_ORDER) == ()


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE VIEW v AS SELECT x, y FROM t",
        "CREATE TYPE c AS (x int, y int)",
        "CREATE TYPE e AS ENUM ('x', 'y')",
    ],
)
def test_where_order_has_a_meaning_it_is_kept(loaded: NewDatabase, sql: str) -> None:
    a = loaded("CREATE TABLE t (x int, y int);" + sql)
    b = loaded("CREATE TABLE t (x int, y int);" + sql.replace("x", "Q").replace("y", "x").replace("Q", "y"))
    assert pg_dump.differences(a, b, ANY_ORDER) != ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "CREATE TABLE t (a text DEFAULT ' WITH (b, a)') WITH (fillfactor = 50, parallel_workers = 2)",
            "CREATE TABLE t (a text DEFAULT ' WITH (b, a)') WITH (parallel_workers = 2, fillfactor = 50)",
        ),
        (
            "CREATE TABLE t (a int); CREATE VIEW v WITH (security_barrier, check_option = local) AS TABLE t",
            "CREATE TABLE t (a int); CREATE VIEW v WITH (check_option = local, security_barrier) AS TABLE t",
        ),
        (
            "CREATE TABLE t (a int); CREATE INDEX i ON t (a) WITH (fillfactor = 50, deduplicate_items = off)",
            "CREATE TABLE t (a int); CREATE INDEX i ON t (a) WITH (deduplicate_items = off, fillfactor = 50)",
        ),
    ],
)
def test_the_order_of_options_means_nothing(loaded: NewDatabase, one: str, other: str) -> None:
    assert pg_dump.differences(loaded(one), loaded(other)) == ()
    assert (
        pg_dump.differences(loaded(one), loaded(other.replace("50", "51").replace("local", "cascaded"))) != ()
    )


@pytest.fixture
def two_roles(server: AnyServer) -> Iterator[None]:
    """Create two roles. Request this fixture before databases, so that the databases are dropped first, with
    the roles' privileges in them."""
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute("CREATE ROLE audit_one; CREATE ROLE audit_two")
        yield
        admin.execute("DROP ROLE audit_one, audit_two")


@pytest.mark.usefixtures("two_roles")
def test_the_order_of_roles_means_nothing(loaded: NewDatabase) -> None:
    grants = ("GRANT SELECT ON t TO audit_one;", "GRANT INSERT ON t TO audit_two;")
    policies = (
        "CREATE POLICY p ON t TO audit_one, audit_two;",
        "CREATE POLICY p ON t TO audit_two, audit_one;",
    )
    a, b, c = (
        loaded("CREATE TABLE t ();" + rest)
        for rest in (
            grants[0] + grants[1] + policies[0],
            grants[1] + grants[0] + policies[1],
            grants[0] + policies[0],
        )
    )
    assert pg_dump.differences(a, b) == ()
    assert [text.split("\n")[0] for text in pg_dump.differences(a, c)] == ["! ACL public.TABLE t"]
    assert pg_dump.differences(a, c, pg_dump.Comparison(privileges=False)) == ()


def test_an_access_method_stays_with_its_table(loaded: NewDatabase) -> None:
    method = "CREATE ACCESS METHOD other TYPE TABLE HANDLER heap_tableam_handler;"
    a = loaded(method + "CREATE TABLE x (); CREATE TABLE y () USING other")
    b = loaded(method + "CREATE TABLE y (); CREATE TABLE x () USING other")
    c = loaded(method + "CREATE TABLE y () USING other; CREATE TABLE x ()")
    assert [text.split("\n")[0] for text in pg_dump.differences(a, b)] == [
        "! TABLE public.x",
        "! TABLE public.y",
    ]
    assert pg_dump.differences(a, c) == ()


def test_the_journal_is_left_out(loaded: NewDatabase) -> None:
    assert pg_dump.differences(loaded(""), loaded("CREATE SCHEMA _reconcile CREATE TABLE attempt ()")) == ()


FOREIGN = "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w{};"
MAPPED = FOREIGN.format("") + "CREATE USER MAPPING FOR postgres SERVER s{};"
FAR = FOREIGN.format("") + "CREATE FOREIGN TABLE t (a integer) SERVER s{};"


@pytest.mark.parametrize(
    ("sql", "with_it", "without"),
    [
        (MAPPED, """ OPTIONS ("user" 'u', password 'hunter2')""", """ OPTIONS ("user" 'u')"""),
        (MAPPED, """ OPTIONS (password 'it''s, (hunter2 \\', "user" 'u')""", """ OPTIONS ("user" 'u')"""),
        (MAPPED, " OPTIONS (password 'hunter2')", ""),
        (MAPPED, " OPTIONS (password 'hunter2')", " OPTIONS (password 'hunter3', sslkey '/etc/key')"),
        (FOREIGN, " OPTIONS (host 'h', api_key 'hunter2')", " OPTIONS (host 'h')"),
        (FAR, " OPTIONS (token 'hunter2')", ""),
    ],
)
def test_secrets_of_options_do_not_count(loaded: NewDatabase, sql: str, with_it: str, without: str) -> None:
    live, fresh = loaded(sql.format(with_it)), loaded(sql.format(without))
    assert pg_dump.differences(live, fresh) == ()
    (found,) = pg_dump.differences(live, loaded(sql.format(" OPTIONS (host 'x')")))
    assert "hunter" not in found
    assert "host" in found


def test_how_a_subscription_connects_does_not_count(loaded: NewDatabase) -> None:
    sql = "CREATE SUBSCRIPTION s CONNECTION '{}' PUBLICATION {} WITH (connect = false, slot_name = NONE);"
    live, fresh = (loaded(sql.format(how, "p")) for how in ("dbname=x password=''hunter2''", "dbname=x"))
    try:
        assert pg_dump.differences(live, fresh) == ()
        with psycopg.connect(fresh) as connection:
            connection.execute("ALTER SUBSCRIPTION s SET PUBLICATION q WITH (refresh = false)")
        (found,) = pg_dump.differences(live, fresh)
        assert "hunter" not in found
    finally:
        for url in (live, fresh):
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("DROP SUBSCRIPTION s")


def test_what_may_be_a_secret_is_not_shown(loaded: NewDatabase) -> None:
    options = " OPTIONS (\"user\" 'u', keyring '{}')"
    a, b = (loaded(MAPPED.format(options.format(value))) for value in ("hunter2", "\\hunter3"))
    (found,) = pg_dump.differences(a, b)
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


def test_the_password_travels_in_the_environment(server: AnyServer) -> None:
    at = target(make_conninfo(server.url(), password="hunter2", application_name="x", keepalives=1))
    assert at.environment["PGPASSWORD"] == "hunter2"
    assert "hunter2" not in at.conninfo
    assert "keepalives" in at.conninfo
