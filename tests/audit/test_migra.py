"""migra as an observer, in a process of its own."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from reconciler.audit import migra
from reconciler.audit.errors import AuditError
from tests.audit.conftest import NewDatabase

needs_migra = pytest.mark.skipif(
    importlib.util.find_spec("migra") is None, reason="the audit extra is not installed"
)


@needs_migra
def test_equal_databases_agree(database: NewDatabase) -> None:
    sql = "CREATE TABLE t (id int PRIMARY KEY, note text DEFAULT 'x'); CREATE VIEW v AS SELECT id FROM t"
    assert migra.audit(database(sql), database(sql)).agrees


@needs_migra
def test_a_difference_is_told(database: NewDatabase) -> None:
    verdict = migra.audit(database("CREATE TABLE t ()"), database("CREATE TABLE t (id int)"))
    assert not verdict.agrees
    assert 'alter table "public"."t" add column "id" integer' in verdict.differences


@needs_migra
@pytest.mark.parametrize(
    "sql",
    [
        "COMMENT ON TABLE t IS 'x'",
        "CREATE DOMAIN d AS int",
        "ALTER TABLE t FORCE ROW LEVEL SECURITY",
        "CREATE RULE r AS ON INSERT TO t DO NOTHING",
        "ALTER TABLE t SET (fillfactor = 50)",
    ],
)
def test_it_is_blind_where_it_is_said_to_be(database: NewDatabase, sql: str) -> None:
    verdict = migra.audit(database("CREATE TABLE t (id int)"), database("CREATE TABLE t (id int);" + sql))
    assert verdict.agrees
    assert {"comments", "domains", "FORCE ROW LEVEL SECURITY", "rules", "storage parameters"} <= {
        *verdict.blind
    }


@needs_migra
def test_the_journal_is_left_out(database: NewDatabase) -> None:
    journal = "CREATE SCHEMA _reconcile; CREATE TABLE _reconcile.attempt (id int)"
    assert migra.audit(database(""), database(journal)).agrees


@needs_migra
def test_an_unreachable_database_is_a_plain_error(database: NewDatabase, tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="could not compare"):
        migra.audit(database(""), f"postgresql:///nowhere?host={tmp_path}")


@needs_migra
def test_time_is_limited(database: NewDatabase) -> None:
    with pytest.raises(AuditError, match="did not finish"):
        migra.audit(database(""), database(""), timeout_s=0.001)


def test_an_absent_migra_is_said_with_the_way_on(
    database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.joinpath("migra.py").write_text("raise ModuleNotFoundError('gone', name='migra')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(AuditError, match="not installed") as caught:
        migra.audit(database(""), database(""))
    assert caught.value.hint == "pip install 'reconcile-postgres[audit]'"
