"""Steps that run what people wrote: after all that it may call by name, and where it finds that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from reconciler.app import Application, Request, apply_plan, make_plan, prove, pull_into
from reconciler.engine.plan import plan_file
from reconciler.engine.plan.consent import Consent
from reconciler.engine.plan.model import Plan
from reconciler.report import sql as sql_report
from tests.conftest import AnyServer

CHECK = """
    CREATE VIEW states AS SELECT 'open'::text AS state;
    CREATE FUNCTION states_of() RETURNS SETOF states LANGUAGE sql STABLE AS $$SELECT * FROM public.states$$;
    CREATE FUNCTION known(s text) RETURNS boolean LANGUAGE sql STABLE
        AS $$SELECT EXISTS (SELECT 1 FROM public.states_of() x WHERE x.state = s)$$;
"""
ROWS = "CREATE TABLE t (id int PRIMARY KEY, state text NOT NULL, n int); INSERT INTO t VALUES (1, 'open', 2);"
LEANING = "CREATE TABLE u (n int); INSERT INTO u VALUES (1);" + ROWS
PLUS = """
    CREATE DOMAIN number AS int;
    CREATE FUNCTION plus(n int) RETURNS int LANGUAGE sql IMMUTABLE AS $$SELECT (n + 1)::number$$;
"""
WAYS = {
    "check": (ROWS, ROWS + CHECK + "ALTER TABLE t ADD CHECK (known(state));"),
    "index": (
        ROWS,
        ROWS + CHECK.replace("STABLE", "IMMUTABLE") + "CREATE INDEX i ON t (id) WHERE known(state);",
    ),
    "materialized view": (ROWS, ROWS + CHECK + "CREATE MATERIALIZED VIEW a AS SELECT known(state) FROM t;"),
    "generated column": (
        ROWS,
        ROWS
        + CHECK.replace("STABLE", "IMMUTABLE")
        + "ALTER TABLE t ADD g boolean GENERATED ALWAYS AS (known(state)) STORED;",
    ),
    "default": (ROWS, ROWS + CHECK + "ALTER TABLE t ADD g boolean DEFAULT known('open');"),
    "domain's check": (
        ROWS + "CREATE DOMAIN d AS text; CREATE TABLE v (d d); INSERT INTO v VALUES ('open');",
        ROWS
        + CHECK
        + "CREATE DOMAIN d AS text CHECK (known(VALUE)); CREATE TABLE v (d d);"
        + "INSERT INTO v VALUES ('open');",
    ),
    "path of a default": (
        LEANING,
        LEANING
        + "CREATE FUNCTION many() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM u';"
        + "ALTER TABLE t ADD g bigint DEFAULT many();",
    ),
    "path of a foreign key": (
        f"{PLUS} {ROWS} CREATE INDEX i ON t (plus(n)); CREATE TABLE x (p int); INSERT INTO x VALUES (1);",
        f"{PLUS} {ROWS} CREATE INDEX i ON t (plus(n)); CREATE TABLE x (p int REFERENCES t);",
    ),
    "path of an index": (f"{PLUS} {ROWS}", f"{PLUS} {ROWS} CREATE INDEX i ON t (plus(n));"),
    "path of a check": (
        f"{PLUS} {ROWS}",
        f"{PLUS} {ROWS} ALTER TABLE t ADD CHECK (plus(n) > 0);",
    ),
    "path of a generated column": (
        f"{PLUS} {ROWS}",
        f"{PLUS} {ROWS} ALTER TABLE t ADD g int GENERATED ALWAYS AS (plus(n)) STORED;",
    ),
    "path of a retyped column": (
        f"{PLUS} {ROWS} CREATE INDEX i ON t (plus(n)); ALTER TABLE t ADD k int;",
        f"{PLUS} {ROWS} CREATE INDEX i ON t (plus(n)); ALTER TABLE t ADD k bigint;",
    ),
}


def _request(database: Callable[[], str], server: AnyServer, folder: Path, sql: str) -> Request:
    request = Request(database(), folder, scratch_url=server.url())
    if server.major >= 17 and "CREATE INDEX" in sql:
        sql = sql.replace("::number", "::public.number")  # there an index looks into no schema but pg_catalog
    with psycopg.connect(request.url, autocommit=True) as connection:
        connection.execute(sql.encode())
    return request


@pytest.mark.matrix
@pytest.mark.parametrize("name", WAYS)
def test_it_can_be_carried_out_both_ways(
    name: str, server: AnyServer, database: Callable[[], str], tmp_path: Path
) -> None:
    before, after = WAYS[name]
    old, new = (
        _request(database, server, tmp_path / part, sql) for part, sql in (("old", before), ("new", after))
    )
    for one in (old, new):
        pull_into(one.schema, one)
    for url, wanted in ((old.url, new), (old.url, old)):
        request = Request(url, wanted.schema, scratch_url=server.url())
        plan = make_plan(request)
        assert plan.steps
        assert plan_file.load(plan_file.dump(plan), "p") == plan
        if name.startswith("path"):  # made-up rows are no states
            prove(plan, request)
        apply_plan(plan, Application(url, Consent(everything=True)))
        assert make_plan(request).is_empty


def _paths(plan: Plan) -> dict[str, str | None]:
    return {str(step.object): step.search_path for step in plan.steps}


@pytest.mark.matrix
def test_the_path_is_that_of_the_database(
    server: AnyServer, database: Callable[[], str], tmp_path: Path
) -> None:
    sql = (
        "SET check_function_bodies = off; CREATE SCHEMA tools; CREATE DOMAIN tools.number AS int;"
        + PLUS.partition(";")[2]
        + ROWS.replace("n int)", "num int)")
    )
    before = _request(database, server, tmp_path, sql)
    with psycopg.connect(before.url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f'ALTER DATABASE "{name}" SET search_path = public, tools'.encode())
    pull_into(tmp_path, before)
    (file,) = tmp_path.rglob("t.yaml")
    file.write_text(file.read_text().replace("  t:\n", "  t:\n    checks: {i: plus(num) > 0, j: num > 0}\n"))
    plan = make_plan(before)
    assert _paths(plan) == {"check:public.t.j": None, "check:public.t.i": "public, tools"}
    script = sql_report.render(plan)
    assert script.count("set_config('search_path', 'public, tools', false)") == 1
    assert script.count("set_config('search_path', '', false)") == 1
    apply_plan(plan, Application(before.url, Consent(everything=True)))
    assert make_plan(before).is_empty
