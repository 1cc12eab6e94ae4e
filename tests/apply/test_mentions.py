"""Texts that PostgreSQL looks into only when they run: a plan that takes a name away tells which say it."""

from __future__ import annotations

import pytest

from reconciler.engine.plan.model import Plan
from tests.apply.conftest import Played

_BEFORE = """
tables:
  orders:
    columns: {id: bigint, email: text, note: text, paid: {type: boolean, default: "false"}}
    triggers:
      lowered: {timing: before, events: [insert], for_each: row, function: lower_email()}
  outbox:
    columns: {id: bigint, email: text}
enums:
  mood: [glad]
functions:
  due(): {language: sql, returns: bigint, body: "SELECT count(*) FROM public.orders WHERE NOT paid"}
  mailed(): {language: sql, returns: text, body: "SELECT min(email) FROM public.outbox"}
  many():
    returns: bigint
    sql_body: RETURN 1
  reordered(): {language: sql, returns: bigint, body: "SELECT public.many() -- of reorders"}
  lower_email():
    language: plpgsql
    returns: trigger
    body: BEGIN NEW.Email := lower(NEW.email); RETURN NEW; END
"""
_SAID = "still named in the text of "


def _told(plan: Plan) -> dict[str, list[str]]:
    """What each step says of texts."""
    told = {
        step.label: [
            why.removeprefix(_SAID).partition(", which")[0] for why in step.why if why.startswith(_SAID)
        ]
        for step in plan.steps
    }
    return {label: names for label, names in told.items() if names}


@pytest.fixture
def before(played: Played) -> Played:
    played(_BEFORE)
    return played


def test_a_column_that_goes(before: Played) -> None:
    plan = before(_BEFORE.replace('note: text, paid: {type: boolean, default: "false"}', "note: text"))
    assert _told(plan) == {"column public.orders.paid": ["function public.due()"]}


def test_a_column_that_only_a_trigger_s_function_says(before: Played) -> None:
    """It says NEW.email, and no table; another function says the column of another table."""
    plan = before(_BEFORE.replace("email: text, note", "note"))
    assert _told(plan) == {"column public.orders.email": ["function public.lower_email()"]}


def test_a_column_that_nobody_says(before: Played) -> None:
    assert _told(before(_BEFORE.replace("note: text, ", ""))) == {}


def test_a_function_that_no_longer_says_it(before: Played) -> None:
    text = _BEFORE.replace('note: text, paid: {type: boolean, default: "false"}', "note: text")
    assert _told(before(text.replace(" WHERE NOT paid", ""))) == {}


def test_renames(before: Played) -> None:
    text = _BEFORE.replace(
        'paid: {type: boolean, default: "false"}',
        'done: {type: boolean, default: "false", transition: {rename_from: paid}}',
    ).replace("  orders:\n", "  purchases:\n    transition: {rename_from: orders}\n")
    assert _told(before(text)) == {
        "column public.orders.paid": ["function public.due()"],
        "table public.orders": ["function public.due()"],
    }


def test_a_function_that_goes(before: Played) -> None:
    plan = before(_BEFORE.replace("  many():\n    returns: bigint\n    sql_body: RETURN 1\n", ""))
    assert _told(plan) == {"function public.many()": ["function public.reordered()"]}


def test_what_comes_back_is_not_gone(before: Played) -> None:
    """A function of the same arguments that returns something else is dropped and made again."""
    plan = before(_BEFORE.replace("many():\n    returns: bigint", "many():\n    returns: integer"))
    assert "DROP FUNCTION public.many()" in [sql for step in plan.steps for sql in step.sql]
    assert _told(plan) == {}
