"""Saved plans: a chain of them for a target, checked, applied in order, and by `run`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.conftest import Finished, Shop

NEW_COLUMN = ("      email: {", "      name: text\n      email: {")
SETTINGS = """
targets:
  prod: {url_env: SHOP_URL}
"""


@pytest.fixture
def prod(inside: Shop) -> Shop:
    """A project with a target, and one plan in its chain that makes everything."""
    inside.reconcile.write("reconcile.yaml", SETTINGS)
    assert call(inside, "plan", "--save", "--name", "start").code == 0
    return inside


def call(shop: Shop, *arguments: str, url: str | None = None) -> Finished:
    return shop.reconcile(*arguments, SHOP_URL=url or shop.url)


def names(shop: Shop) -> list[str]:
    return sorted(path.name for path in (shop.reconcile.folder / "plans/prod").iterdir())


def test_saving_twice_is_saving_once(prod: Shop) -> None:
    assert call(prod, "plan", "--save").code == 0
    assert names(prod) == ["0001_start.plan.yaml", "CHAIN", "snapshot.yaml"]


def test_a_plan_answers_to_the_name_that_it_was_given(prod: Shop) -> None:
    prod.declare(NEW_COLUMN)
    assert call(prod, "plan", "--from", "chain", "--save", "--name", "No-Name").code == 0
    assert "0002_no_name.plan.yaml" in names(prod)
    for name in ("No-Name", "no_name", "2"):
        assert "customers.name" in call(prod, "show", name).out


def test_each_plan_of_several_is_told_as_it_begins(prod: Shop) -> None:
    prod.declare(NEW_COLUMN)
    assert call(prod, "plan", "--from", "chain", "--save", "--name", "next").code == 0
    told = call(prod, "apply", "--all").err.splitlines()
    assert [line for line in told if line.endswith(":")] == ["0001_start.plan.yaml:", "0002_next.plan.yaml:"]


def test_nothing_to_do_saves_nothing(prod: Shop) -> None:
    assert call(prod, "apply").code == 0
    assert call(prod, "plan", "--save").code == 0
    assert names(prod) == ["0001_start.plan.yaml", "CHAIN", "snapshot.yaml"]


def test_apply_takes_the_next_and_then_has_none(prod: Shop) -> None:
    first = call(prod, "apply", "--format", "json").data
    assert [(one["file"], one["outcome"]) for one in first["plans"]] == [("0001_start.plan.yaml", "applied")]
    assert call(prod, "apply", "--format", "json").data == {"plans": [], "pending": 0}


def test_a_second_database_goes_the_same_way(prod: Shop, database: Callable[[], str]) -> None:
    assert call(prod, "apply").code == 0
    prod.declare(NEW_COLUMN)
    assert call(prod, "plan", "--save").code == 0
    assert names(prod) == [
        "0001_start.plan.yaml",
        "0002_add_customers_name.plan.yaml",
        "CHAIN",
        "snapshot.yaml",
    ]
    staging = database()
    done = call(prod, "run", "--format", "json", url=staging)
    assert [one["file"] for one in done.data["plans"]] == [
        "0001_start.plan.yaml",
        "0002_add_customers_name.plan.yaml",
    ]
    assert call(prod, "run", "--format", "json", url=staging).data["plans"] == []


def test_without_a_journal_it_is_seen_where_a_database_stands(prod: Shop) -> None:
    assert call(prod, "apply").code == 0
    prod.declare(NEW_COLUMN)
    assert call(prod, "plan", "--save").code == 0
    prod.execute("DROP SCHEMA _reconcile CASCADE")
    done = call(prod, "apply", "--format", "json")
    assert [one["file"] for one in done.data["plans"]] == ["0002_add_customers_name.plan.yaml"]


def test_a_database_at_no_state_of_the_chain_is_stale(prod: Shop) -> None:
    prod.execute("CREATE TABLE customers (id int)")
    done = call(prod, "run")
    assert done.code == 4
    status = call(prod, "status", "--format", "json").data
    assert status["chain"]["is_known"] is False
    assert status["in_sync"] is False


def test_run_wants_a_plan_for_all_that_differs(prod: Shop) -> None:
    prod.declare(NEW_COLUMN)
    done = call(prod, "run")
    assert done.code == 3
    assert "column public.customers.name" in done.err
    assert prod.execute("SELECT to_regclass('public.customers') IS NOT NULL") == [(True,)]


def test_check_holds_when_plans_lead_to_the_schema(prod: Shop) -> None:
    assert call(prod, "plan", "--check").code == 0
    prod.declare(NEW_COLUMN)
    missing = call(prod, "plan", "--check")
    assert missing.code == 3
    assert "column:public.customers.name: the YAML asks for a change that no plan makes" in missing.err


def test_check_sees_a_plan_that_nobody_asks_for(prod: Shop) -> None:
    prod.declare(("    unique:\n      customers_email_key: [email]\n", ""))
    extra = call(prod, "plan", "--check")
    assert extra.code == 3
    assert "unique:public.customers.customers_email_key: a plan changes it" in extra.err


def test_check_sees_a_chain_that_is_broken(prod: Shop) -> None:
    (prod.reconcile.folder / "plans/prod/0001_start.plan.yaml").unlink()
    assert call(prod, "plan", "--check").code == 65
    assert call(prod, "run").code == 65


@pytest.mark.parametrize("name", ["1", "0001", "start", "0001_start", "plans/prod/0001_start.plan.yaml"])
def test_a_plan_has_many_names(prod: Shop, name: str) -> None:
    shown = call(prod, "show", name, "--format", "json")
    assert shown.data["steps"][0]["number"] == 1


def test_explain_tells_one_step_or_all(prod: Shop) -> None:
    count = len(call(prod, "show", "--format", "json").data["steps"])
    assert len(call(prod, "explain", "--format", "json").data) == count
    one = call(prod, "explain", "start", "--step", "2")
    assert one.code == 0
    assert one.out.strip()
    assert call(prod, "explain", "start", "--step", "99").code == 64


def test_a_plan_that_is_saved_already_is_shown_with_its_consent(prod: Shop) -> None:
    assert call(prod, "apply").code == 0
    prod.declare(
        ("      email: {type: text, not_null: true}\n", ""),
        ("    unique:\n      customers_email_key: [email]\n", ""),
    )
    assert call(prod, "plan", "--save", "--name", "less").code == 0
    before = call(prod, "plan", "--format", "json").data
    assert before["state"] == "needs approval"
    for step in call(prod, "show", "less", "--format", "json").data["steps"]:
        for hazard in step["hazards"]:
            if hazard["code"] == "data_loss":
                number = str(step["number"])
                assert call(prod, "ack", "less", number, "data_loss", "--reason", "unused").code == 0
    shown = call(prod, "plan", "--format", "markdown").out
    assert "Allowed: unused" in shown
    assert "plans/prod/0002_less.plan.yaml" in shown
