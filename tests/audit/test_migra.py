"""Test the comparison with migra, which runs in a separate process."""

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
def test_equal_databases_agree(loaded: NewDatabase) -> None:
    sql = "CREATE TABLE t (id int PRIMARY KEY, note text DEFAULT 'x'); CREATE VIEW v AS SELECT id FROM t"
    assert not migra.audit(loaded(sql), loaded(sql)).differences


@needs_migra
def test_a_difference_is_told(loaded: NewDatabase) -> None:
    verdict = migra.audit(loaded("CREATE TABLE t ()"), loaded("CREATE TABLE t (id int)"))
    assert 'alter table "public"."t" add column "id" integer' in verdict.differences


@needs_migra
def test_it_is_blind_where_it_is_said_to_be(loaded: NewDatabase) -> None:
    unseen = {
        "comments": "COMMENT ON TABLE t IS 'x'",
        "domains": "CREATE DOMAIN d AS int",
        "FORCE ROW LEVEL SECURITY": "ALTER TABLE t FORCE ROW LEVEL SECURITY",
        "rules": "CREATE RULE r AS ON INSERT TO t DO NOTHING",
        "storage parameters": "ALTER TABLE t SET (fillfactor = 50)",
        "range types": "CREATE TYPE r AS RANGE (subtype = int)",
        "extended statistics": "CREATE STATISTICS s ON id, n FROM t",
        "view options": "ALTER VIEW v SET (security_barrier)",
    }
    sql = "CREATE TABLE t (id int, n int); CREATE VIEW v AS SELECT id FROM t;"
    verdict = migra.audit(loaded(sql), loaded(sql + ";".join(unseen.values())))
    assert not verdict.differences
    assert unseen.keys() <= {*verdict.blind}


@needs_migra
def test_the_journal_is_left_out(loaded: NewDatabase) -> None:
    journal = "CREATE SCHEMA _reconcile; CREATE TABLE _reconcile.attempt (id int)"
    assert not migra.audit(loaded(""), loaded(journal)).differences


@needs_migra
def test_an_unreachable_database_is_a_plain_error(loaded: NewDatabase, tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="could not compare"):
        migra.audit(loaded(""), f"postgresql:///nowhere?host={tmp_path}")


@needs_migra
def test_time_is_limited(loaded: NewDatabase) -> None:
    with pytest.raises(AuditError, match="did not finish"):
        migra.audit(loaded(""), loaded(""), timeout_s=0.001)


def test_an_absent_migra_is_said_with_the_way_on(
    loaded: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.joinpath("migra.py").write_text("raise ModuleNotFoundError('gone', name='migra')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(AuditError, match="not installed") as caught:
        migra.audit(loaded(""), loaded(""))
    assert caught.value.hint == "pip install 'reconcile-postgres[audit]'"
