"""What depends on what changes is read again: it comes back in other words, or no longer fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from reconciler.app import Application, Request, apply_plan, make_plan, pull_into
from reconciler.core.errors import InvalidInput
from reconciler.engine.plan.consent import Consent
from reconciler.engine.plan.model import Plan
from tests.conftest import AnyServer


@dataclass(frozen=True, slots=True)
class Pulled:
    """A database that another tool made, with the YAML that was pulled from it."""

    request: Request

    def edit(self, file: str, *texts: tuple[str, str]) -> Plan:
        """The plan once the file says the second of each pair of texts in place of the first."""
        path = self.request.schema / file
        content = path.read_text()
        for old, new in texts:
            assert old in content
            content = content.replace(old, new)
        path.write_text(content)
        return make_plan(self.request)

    def settles(self, plan: Plan) -> None:
        """Carry the plan out: it must lead where it says, and to where nothing is left to do."""
        assert plan.steps
        apply_plan(plan, Application(self.request.url, Consent(everything=True)))
        assert make_plan(self.request).is_empty


Pull = Callable[[str], Pulled]


@pytest.fixture
def pulled(server: AnyServer, database: Callable[[], str], tmp_path: Path) -> Pull:
    """Makes a database of SQL, pulls it, and compares it once, so that the next plan may go the short way."""

    def pull(sql: str) -> Pulled:
        request = Request(database(), tmp_path / "declared", scratch_url=server.url())
        with psycopg.connect(request.url, autocommit=True) as connection:
            connection.execute(sql.encode())
        pull_into(request.schema, request)
        assert make_plan(request).is_empty
        return Pulled(request)

    return pull


TABLE = "CREATE TABLE t (id int PRIMARY KEY, status varchar(20), num int);"
REREAD = {
    "view": "CREATE VIEW v AS SELECT id, num FROM t WHERE status IN ('open', 'paid')",
    "view over a view": (
        "CREATE VIEW w AS SELECT id, num, status FROM t;"
        "CREATE VIEW v AS SELECT num FROM w WHERE status IN ('open', 'paid')"
    ),
    "materialized view": "CREATE MATERIALIZED VIEW v AS SELECT num FROM t WHERE status IN ('open', 'paid')",
    "index of a materialized view": (
        "CREATE MATERIALIZED VIEW v AS SELECT num, status FROM t;"
        "CREATE INDEX i ON v (num) WHERE status IN ('open', 'paid')"
    ),
    "policy": "CREATE POLICY p ON t USING (num > 1 AND status IN ('open', 'paid'))",
    "rule": (
        "CREATE TABLE log (id int);"
        "CREATE RULE r AS ON UPDATE TO t WHERE new.status IN ('open', 'paid') DO ALSO"
        " INSERT INTO log SELECT new.num"
    ),
    "trigger": (
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER g AFTER UPDATE ON t FOR EACH ROW"
        " WHEN (new.num > 1 AND new.status IN ('open', 'paid')) EXECUTE FUNCTION f()"
    ),
    "function": (
        "CREATE FUNCTION f() RETURNS bigint BEGIN ATOMIC"
        " SELECT count(num) FROM t WHERE status IN ('open', 'paid'); END"
    ),
    "policy of another table": (
        "CREATE TABLE o (a int);"
        "CREATE POLICY p ON o USING (EXISTS (SELECT FROM t WHERE num = a AND status IN ('open', 'paid')))"
    ),
    "check": "ALTER TABLE t ADD CHECK (num > 1 AND status IN ('open', 'paid'))",
}


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("old", "new"),
    [("num: integer", "num: bigint"), ("status: character varying(20)", "status: text")],
    ids=["another column", "its own column"],
)
@pytest.mark.parametrize("name", REREAD)
def test_what_comes_back_is_in_the_words_of_the_new_state(
    name: str, old: str, new: str, pulled: Pull, server: AnyServer
) -> None:
    pair = pulled(f"{TABLE} {REREAD[name]}")
    pair.settles(pair.edit("public/tables/t.yaml", (old, new)))


REFUSED = {
    "view": (
        "CREATE TABLE t (id int, d date); CREATE VIEW v AS SELECT d + 1 AS next FROM t",
        ("d: date", "d: timestamp with time zone"),
    ),
    "view through a row": (
        "CREATE TABLE t (id int, d date);"
        " CREATE FUNCTION f() RETURNS t LANGUAGE sql AS 'SELECT 1, NULL::date';"
        "CREATE VIEW v AS SELECT (f()).d + 1 AS next",
        ("d: date", "d: timestamp with time zone"),
    ),
    "policy of another table": (
        "CREATE TABLE t (id int, d date); CREATE TABLE o (a date);"
        "CREATE POLICY p ON o USING (EXISTS (SELECT FROM t WHERE d - 1 = a))",
        ("d: date", "d: timestamp with time zone"),
    ),
    "foreign key's own column": (
        "CREATE TABLE o (v int UNIQUE); CREATE TABLE t (w int REFERENCES o (v))",
        ("w: integer", "w: text"),
    ),
    "foreign key's other column": (
        "CREATE TABLE t (w int UNIQUE); CREATE TABLE p (w int REFERENCES t (w))",
        ("w: integer", "w: text"),
    ),
    "foreign key's other table": (
        "CREATE TABLE t (w int UNIQUE); CREATE TABLE p (w int REFERENCES t (w))",
        ("  t:\n", "  t:\n    unlogged: true\n"),
    ),
    "exclusion": (
        "CREATE TABLE t (r int4range, EXCLUDE USING gist (r WITH &&))",
        ("r: int4range", "r: text"),
    ),
    "operator class": (
        "CREATE TABLE t (a text); CREATE INDEX i ON t (a text_pattern_ops)",
        ("a: text", "a: integer"),
    ),
    "index method": (
        "CREATE TABLE t (a tsvector); CREATE INDEX i ON t USING gin (a)",
        ("a: tsvector", "a: text"),
    ),
    "default": ("CREATE TABLE t (a text DEFAULT 'x'::text)", ("type: text", "type: xid8")),
    "bound": (
        "CREATE TABLE t (a text) PARTITION BY LIST (a); CREATE TABLE t1 PARTITION OF t FOR VALUES IN ('x')",
        ("a: text", "a: integer"),
    ),
    "statistics": (
        "CREATE TABLE t (a int, b int); CREATE STATISTICS s ON a, b FROM t",
        ("b: integer", "b: json"),
    ),
    "trigger": (
        "CREATE TABLE t (a int);"
        " CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER g AFTER UPDATE ON t FOR EACH ROW WHEN (new.a > 1) EXECUTE FUNCTION f()",
        ("a: integer", "a: json"),
    ),
    "aggregate's type": (
        "CREATE TABLE t (a int); CREATE FUNCTION f(t, int) RETURNS t LANGUAGE sql AS 'SELECT $1';"
        "CREATE AGGREGATE g (int) (SFUNC = f, STYPE = t, INITCOND = '(1)');"
        " CREATE VIEW v AS SELECT (g(1)).a + 1 AS b",
        ("a: integer", "a: json"),
    ),
}


@pytest.mark.matrix
@pytest.mark.parametrize("name", REFUSED)
def test_what_no_longer_fits_is_refused_with_its_place(name: str, pulled: Pull) -> None:
    sql, edit = REFUSED[name]
    pair = pulled(sql)
    with pytest.raises(InvalidInput) as refused:
        pair.edit("public/tables/t.yaml", edit)
    assert refused.value.exit_code == 65
    assert [problem for problem in refused.value.problems if problem.line > 1]
