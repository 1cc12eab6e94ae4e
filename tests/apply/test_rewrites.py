"""What a new column costs: a plan says that the table is written anew where PostgreSQL does that."""

from __future__ import annotations

import pytest

from reconciler.core.statement import Cost, HazardCode
from tests.apply.conftest import Played
from tests.apply.shop import rows, run

SCHEMA = """
domains:
  plain: integer
  positive: {type: integer, checks: {positive_check: value > 0}}
  present: {type: integer, not_null: true}
  below: positive
functions:
  steady(): {returns: integer, language: sql, volatility: stable, body: select 1}
tables:
  t: {columns: {x: integer%s}}
"""
COLUMNS = {
    "a constant": ("{type: integer, default: '1'}", False),
    "one value for all rows": ("{type: timestamptz, default: now()}", False),
    "a stable function": ("{type: integer, default: steady()}", False),
    "a value for each row": ("{type: uuid, default: gen_random_uuid()}", True),
    "a value for each row, inside": ('{type: text, default: "upper(random()::text)"}', True),
    "a volatile operator's function": ("{type: timestamptz, default: \"clock_timestamp() + '1 day'\"}", True),
    "a domain": ("{type: plain, default: '1'}", False),
    "a domain with a check": ("{type: positive, default: '1'}", True),
    "a domain that must have a value": ("{type: present, default: '1'}", True),
    "a domain over one with a check": ("{type: below, default: '1'}", True),
    "an identity": ("{type: integer, identity: always, not_null: true}", True),
    "a stored expression": ("{type: integer, generated: {expression: x + 1}}", True),
}


@pytest.mark.matrix
@pytest.mark.parametrize("name", COLUMNS)
def test_a_plan_tells_which_new_columns_write_every_row(name: str, played: Played) -> None:
    column, is_rewrite = COLUMNS[name]
    played(SCHEMA % "")
    run(played.url, "INSERT INTO public.t VALUES (1)")
    before = rows(played.url, "SELECT pg_relation_filenode('public.t')")
    plan = played(SCHEMA % f", y: {column}")
    assert (rows(played.url, "SELECT pg_relation_filenode('public.t')") != before) == is_rewrite
    said = {hazard.code for step in plan.steps for hazard in step.hazards}
    assert (HazardCode.TABLE_REWRITE in said) == is_rewrite
    assert (Cost.REWRITE in {step.cost for step in plan.steps}) == is_rewrite
