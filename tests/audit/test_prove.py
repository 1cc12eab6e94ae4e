"""Test plans on a clone with generated rows: every loss of data is reported, and nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from reconciler.app import Application, Request, apply_plan, make_plan, prove
from reconciler.core.errors import EmbeddedUnavailable, NotConverged, ServerError
from reconciler.embedded import Server, choose
from reconciler.engine.plan.consent import Consent
from reconciler.engine.plan.model import Plan
from tests.conftest import AnyServer

BEFORE = """
schema: public
enums:
  mood: [good, bad]
domains:
  felt: {type: mood}
tables:
  users:
    columns:
      id: {type: integer, not_null: true}
      name: {type: text, not_null: true}
      mood: {type: mood, not_null: true}
      moods: {type: "mood[]", not_null: true}
      felt: {type: felt, not_null: true}
    primary_key: [id]
  events:
    partition_by: RANGE (at)
    columns:
      at: {type: date, not_null: true}
    partitions:
      events_2025: {for_values: "FROM ('2025-01-01') TO ('2026-01-01')"}
      events_2026: {for_values: "FROM ('2026-01-01') TO ('2027-01-01')"}
"""


class Change:
    """Make plans from BEFORE to another text, on a real server."""

    def __init__(self, folder: Path, scratch: AnyServer, url: str) -> None:
        self._file, self._server, self._url = folder / "schema.yaml", scratch, url
        apply_plan(self.plan(BEFORE), Application(url, Consent(everything=True)))

    def plan(self, text: str) -> Plan:
        self._file.write_text(text)
        return make_plan(self._request())

    def proved(self, plan: Plan) -> str:
        return prove(plan, self._request())

    def _request(self) -> Request:
        return Request(self._url, self._file, scratch_url=self._server.url())


@pytest.fixture
def change(tmp_path: Path, server: AnyServer, database: Callable[[], str]) -> Change:
    return Change(tmp_path, server, database())


@pytest.fixture
def other_server(server: AnyServer) -> Iterator[AnyServer]:
    """Start a second server, next to the one that contains the databases."""
    try:
        installation = choose(server.major).installation
    except EmbeddedUnavailable as error:
        pytest.skip(str(error))
    with Server.start(installation) as other:
        yield other


def test_a_value_under_a_new_name_is_no_loss(change: Change) -> None:
    renamed = "  mood:\n    values: [fine, bad]\n    transition: {renamed: {good: fine}}"
    plan = change.plan(BEFORE.replace("  mood: [good, bad]", renamed))
    assert any("RENAME VALUE" in sql for step in plan.steps for sql in step.sql)
    assert "rows: " in change.proved(plan)


def test_a_value_that_is_mapped_to_another_is_no_loss(change: Change) -> None:
    mapped = "{values: [good], transition: {removed: {bad: {map_to: good}}}}"
    text = BEFORE.replace("mood: [good, bad]", f"mood: {mapped}")
    assert "rows: " in change.proved(change.plan(text))


def test_what_a_partition_held_is_announced_with_it(change: Change) -> None:
    plan = change.plan("\n".join(line for line in BEFORE.splitlines() if "events_2026" not in line))
    assert [str(hazard.object) for _, hazard in plan.blocking] == ["table:public.events_2026"]
    assert "rows: " in change.proved(plan)


def test_a_loss_that_no_hazard_announces_is_found(change: Change) -> None:
    plan = change.plan(BEFORE + "  more:\n    columns: {id: integer}\n")
    (step,) = plan.steps
    for sql in ("DELETE FROM public.users", "UPDATE public.users SET name = 'x'", "TRUNCATE public.events"):
        spoilt = dataclasses.replace(plan, steps=(dataclasses.replace(step, sql=(*step.sql, sql)),))
        with pytest.raises(NotConverged, match="lost rows that no hazard announces"):
            change.proved(spoilt)


def test_roles_cannot_be_tried_on_the_targets_own_server(change: Change) -> None:
    plan = change.plan(BEFORE + "roles:\n  prover_new: {}\n")
    assert [str(step.object) for step in plan.steps] == ["role:prover_new"]
    with pytest.raises(ServerError, match="target's own server"):
        change.proved(plan)


def test_roles_that_a_proof_makes_are_gone_afterwards(
    tmp_path: Path, database: Callable[[], str], other_server: AnyServer
) -> None:
    change = Change(tmp_path, other_server, database())
    plan = change.plan(BEFORE + "roles:\n  prover_new: {}\n")
    for _ in range(2):
        assert "proved on a clone" in change.proved(plan)
    with psycopg.connect(other_server.url()) as connection:
        assert connection.execute("SELECT FROM pg_roles WHERE rolname = 'prover_new'").fetchone() is None
