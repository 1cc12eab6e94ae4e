"""Generated columns that take another expression: in place where PostgreSQL can, made anew elsewhere."""

from __future__ import annotations

import pytest

from reconciler.core.ident import ObjectId
from reconciler.engine.plan.model import Action, Plan
from tests.apply.conftest import Played
from tests.conftest import AnyServer

TABLE = """
tables:
  orders:
    columns: {id: integer, gross: {type: integer, generated: {expression: "id * %d"%s}}}%s
"""
PARTS = """
    partition_by: RANGE (id)
    partitions: {orders_1: {for_values: "FROM (1) TO (100)"}}
"""
GROSS = ObjectId("column", ("public", "orders", "gross"))
BOTH = {Action.DROP, Action.CREATE}


def _actions(plan: Plan) -> set[Action]:
    assert plan.steps
    return {step.action for step in plan.steps if step.object == GROSS}


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("rest", "since"),
    [
        (("", ""), 17),
        ((", stored: false", ""), 18),
        ((", stored: false", "\n    checks: {some: id > 0}"), 99),
        (("", PARTS), 99),
    ],
    ids=["stored", "virtual", "virtual beside a check", "partitioned"],
)
def test_it_is_altered_where_that_works(
    rest: tuple[str, str], since: int, played: Played, server: AnyServer
) -> None:
    if "false" in rest[0] and server.major < 18:
        pytest.skip("virtual columns came with 18")
    played(TABLE % (2, *rest))
    plan = played(TABLE % (3, *rest))
    assert _actions(plan) == ({Action.ALTER} if server.major >= since else BOTH)
    assert played(TABLE % (3, *rest)).is_empty


def test_another_type_at_once_makes_it_anew(played: Played) -> None:
    played(TABLE % (2, "", ""))
    retyped = (TABLE % (3, "", "")).replace("type: integer, generated", "type: bigint, generated")
    assert _actions(played(retyped)) == BOTH
    assert played(retyped).is_empty
