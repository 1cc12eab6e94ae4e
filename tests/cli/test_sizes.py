"""`approve: {lock: table < SIZE}` counts partitions, children, and what is renamed."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from reconciler.app.approval.policy import Policy
from reconciler.app.plans.plan_files import read_plan
from reconciler.core.errors import Blocked
from reconciler.engine.plan.consent import Consent
from tests.cli.conftest import Finished, Shop

SETTINGS = "targets: {{dev: {{url_env: SHOP_URL, approve: {{lock: 'table < {size}'}}}}}}\n"
PARTITIONED = """
tables:
  events:
    partition_by: range (id)
    columns:
      id: {type: bigint, not_null: true}
      note: text
  events_1: {partition_of: events, for_values: from (0) to (10000)}
  events_2: {partition_of: events, for_values: from (10000) to (20000)}
"""
FILL = "INSERT INTO events SELECT n, repeat('x', 400) FROM generate_series(1, 19000, 6) n"
INDEXED = ("      note: text\n", "      note: text\n    indexes: {by_note: [note]}\n")


@pytest.fixture
def events(inside: Shop) -> Shop:
    """A partitioned table of more than 1 MB in two parts that are smaller."""
    declare(inside, PARTITIONED)
    inside.deploy()
    inside.execute(FILL)
    parts = inside.execute(
        "SELECT pg_total_relation_size(c::regclass) FROM unnest('{events_1,events_2}'::text[]) c"
    )
    assert all(size < 2**20 for (size,) in parts)
    assert sum(size for (size,) in parts) > 2**20
    return inside


def declare(shop: Shop, text: str, *changes: tuple[str, str]) -> None:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    shop.reconcile.write("schema/shop.yaml", text)


def run(shop: Shop, size: str, *arguments: str) -> Finished:
    shop.reconcile.write("reconcile.yaml", SETTINGS.format(size=size))
    return shop.reconcile(*(arguments or ("run",)), SHOP_URL=shop.url)


def test_partitions_count(events: Shop) -> None:
    declare(events, PARTITIONED, INDEXED)
    held = run(events, "1 MB")
    assert held.code == 3, held
    assert "(index public.by_note) blocks writes of public.events, 1." in held.err
    assert "--allow table_scan:index:public.by_note" in held.err
    told = run(events, "1 MB", "plan", "--format", "markdown")
    assert "MB" in told.out
    assert run(events, "2 MB").code == 0


def test_tables_that_inherit_count(inside: Shop) -> None:
    text = """
tables:
  base: {columns: {id: bigint, note: text}}
  child: {inherits: [base]}
"""
    declare(inside, text)
    inside.deploy()
    inside.execute("INSERT INTO child SELECT n, repeat('x', 400) FROM generate_series(1, 4000) n")
    declare(inside, text, ("bigint", "integer"))
    held = run(inside, "1 MB")
    assert held.code == 3, held
    assert "blocks writes of public.base, 1." in held.err
    assert run(inside, "20 MB", "run", "--allow", "data_loss").code == 0


def test_a_table_that_is_renamed_first_counts(events: Shop) -> None:
    renamed = ("  events:\n", "  log:\n    transition: {rename_from: events}\n")
    declare(events, PARTITIONED, INDEXED, renamed, ("partition_of: events", "partition_of: log"))
    held = run(events, "1 MB", "run", "--allow", "application_break")
    assert held.code == 3, held
    assert "blocks writes of public.log, 1." in held.err
    assert run(events, "2 MB", "run", "--allow", "application_break").code == 0


def test_what_has_nothing_stored_and_what_is_new_passes(inside: Shop) -> None:
    text = """
tables:
  empty:
    partition_by: range (id)
    columns: {id: {type: bigint, not_null: true}, note: text}
"""
    declare(inside, text)
    inside.deploy()
    index = "    indexes: {empty_note: [note]}\n"
    fresh = "  fresh:\n    columns: {note: text}\n    indexes: {fresh_note: [note]}\n"
    declare(inside, text + index + fresh)
    assert run(inside, "1 kB").code == 0


def test_what_was_applied_already_is_not_held_back(events: Shop) -> None:
    declare(events, PARTITIONED, INDEXED)
    assert run(events, "100 MB", "plan", "--out", "index.yaml").code == 0
    assert run(events, "100 MB", "apply", "index.yaml").code == 0
    done = run(events, "1 kB", "apply", "index.yaml")
    assert done.code == 0, done.err
    assert "already applied" in done.out


def test_a_size_that_cannot_be_had_holds_back(events: Shop, tmp_path: Path) -> None:
    """Between reading the catalogs, which waits for such a lock, and asking for sizes."""
    declare(events, PARTITIONED, INDEXED)
    assert run(events, "100 MB", "plan", "--out", "index.yaml").code == 0
    plan, _ = read_plan(tmp_path / "index.yaml")
    policy = Policy.parse({"lock": "table < 100 MB"}, "dev")
    policy.hold_back(plan, events.url, Consent())
    with psycopg.connect(events.url) as other:
        other.execute("LOCK TABLE events_2 IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Blocked) as caught:
            policy.hold_back(plan, events.url, Consent())
        policy.hold_back(plan, events.url, Consent(everything=True))
    assert "blocks writes of public.events, and its size cannot be had: cancel" in caught.value.message
    assert "--allow table_scan:index:public.by_note" in (caught.value.hint or "")
    events.execute("DROP TABLE events")
    with pytest.raises(
        Blocked, match=r"public\.events, and its size cannot be had: there is no such relation"
    ):
        policy.hold_back(plan, events.url, Consent())
