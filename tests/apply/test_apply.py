"""Applying a plan on a real server: the ways in which it ends."""

from __future__ import annotations

import dataclasses

import pytest

from reconciler.core.errors import Blocked, NotConverged, ServerError, Stale, Stopped, UsageError
from reconciler.core.statement import HazardCode, data_loss
from reconciler.engine.connection.session import opened
from reconciler.engine.execute import journal
from reconciler.engine.execute.apply import ApplyOptions, apply, plan_digest
from reconciler.engine.execute.progress import GroupCommitted, Retrying, StepFinished, StepStarted
from reconciler.engine.plan.consent import Consent
from reconciler.engine.plan.model import Ack, Plan, Touch
from tests.apply.shop import ITEMS, observe, one_step_plan, rows, run, shop_plan, steps_that_ran

AT_END = [(100, 0)]
COUNTS = """
    SELECT count(*) FILTER (WHERE price = 1), count(*) FILTER (WHERE price IS DISTINCT FROM 1)
    FROM public.items"""


def test_applies_and_then_has_nothing_to_do(url: str) -> None:
    plan = shop_plan()
    first = apply(plan, url, observe)
    assert (first.was_applied, first.ran) == (False, (1, 2, 3, 4, 5))
    assert rows(url, COUNTS) == AT_END
    second = apply(plan, url, observe)
    assert (second.was_applied, second.ran, second.run) == (True, (), None)
    assert steps_that_ran(url) == [1, 2, 4, 5]
    assert rows(url, "SELECT count(*) FROM _reconcile.run") == [(1,)]


def test_a_database_that_is_there_already_gets_no_journal(url: str) -> None:
    plan = one_step_plan("SELECT 1", Touch("id,name", "id,name"))
    assert apply(plan, url, observe).was_applied
    assert rows(url, "SELECT to_regnamespace('_reconcile')") == [(None,)]


def test_the_journal_tells_what_was_done(url: str) -> None:
    plan = shop_plan()
    options = ApplyOptions(plan_id="p1", plan_text="text of the plan", tool_version="9.9")
    with opened(url) as connection:
        assert journal.history(connection) == ()
        assert journal.last_applied(connection) is None
        verdict = apply(plan, url, observe, options)
        last = journal.last_applied(connection)
        assert last is not None
        assert last == journal.history(connection)[0]
        assert (last.id, last.outcome, last.done, last.tool_version) == (verdict.run, "applied", 5, "9.9")
        assert last.plan == journal.PlanText(
            "p1", plan.from_fingerprint, plan.to_fingerprint, 5, "text of the plan"
        )
        assert journal.progress(connection, "p1") == journal.Progress()


def test_events_tell_each_step_and_group(url: str) -> None:
    events: list[object] = []
    apply(shop_plan(), url, observe, report=events.append)
    assert [event.step.number for event in events if isinstance(event, StepStarted)] == [1, 2, 3, 4, 5]
    assert [event.step.number for event in events if isinstance(event, StepFinished)] == [1, 2, 3, 4, 5]
    groups = [[step.number for step in event.steps] for event in events if isinstance(event, GroupCommitted)]
    assert groups == [[1, 2], [3], [4], [5]]
    assert not [event for event in events if isinstance(event, Retrying)]


def test_a_database_elsewhere_is_stale_and_untouched(url: str) -> None:
    run(url, "ALTER TABLE public.items ADD COLUMN surprise int")
    with pytest.raises(
        Stale, match=r"table:public\.items: before the plan id,name, .* changed by someone"
    ) as caught:
        apply(shop_plan(), url, observe)
    assert caught.value.exit_code == 4
    assert "orders" not in caught.value.message
    assert rows(url, "SELECT to_regclass('public.orders'), to_regnamespace('_reconcile')") == [(None, None)]


def test_a_database_at_one_end_here_and_the_other_there_is_stale(url: str) -> None:
    run(url, "CREATE TABLE public.orders (id int)")
    with pytest.raises(Stale) as caught:
        apply(shop_plan(), url, observe)
    assert (
        "table:public.orders: before the plan absent, after it id; found as after the plan"
        in caught.value.message
    )
    assert "table:public.items: before the plan id,name, " in caught.value.message


def test_a_plan_that_does_not_lead_to_its_end_is_told(url: str) -> None:
    plan = one_step_plan("ALTER TABLE public.items ADD COLUMN a int", Touch("id,name", "id,name,b"))
    with pytest.raises(NotConverged, match=r"table:public\.items: differs"):
        apply(plan, url, observe)


def test_a_failure_at_the_beginning_leaves_nothing(url: str) -> None:
    plan = one_step_plan(
        "ALTER TABLE public.items ADD COLUMN a int, ADD CONSTRAINT few CHECK (name = 'item 1')",
        Touch("id,name", "id,name,a"),
        source="schema/items.yaml:3",
    )
    with pytest.raises(ServerError) as caught:
        apply(plan, url, observe)
    error = caught.value
    assert (error.exit_code, error.where) == (3, "step 1 (table:public.items), schema/items.yaml:3")
    assert "SQLSTATE 23514" in error.message
    assert "ADD CONSTRAINT few" in error.message
    assert observe_url(url)[str(ITEMS)] == "id,name"
    assert steps_that_ran(url) == []


def test_no_row_value_is_in_an_error(url: str) -> None:
    run(url, "UPDATE public.items SET name = 'topsecret'")
    for sql in (
        "CREATE UNIQUE INDEX u ON public.items (name)",
        "ALTER TABLE public.items ALTER COLUMN name TYPE int USING name::int",
        "ALTER TABLE public.items ALTER COLUMN name TYPE date USING name::date",
        "UPDATE public.items SET id = 1 WHERE name = 'topsec' || 'ret'",
    ):
        with pytest.raises(ServerError) as caught:
            apply(one_step_plan(sql, Touch("id,name", "x")), url, observe)
        assert "SQLSTATE 2" in caught.value.message
        assert "topsecret" not in str(caught.value.message) + str(caught.value.hint)
    assert "topsecret" not in str(rows(url, "SELECT error_message FROM _reconcile.run"))


def test_a_failure_part_way_is_stopped_and_resumes(url: str) -> None:
    plan = shop_plan()
    run(url, "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''not now''; END'")
    run(
        url, "CREATE TRIGGER no BEFORE UPDATE ON public.items FOR EACH STATEMENT EXECUTE FUNCTION public.no()"
    )
    with pytest.raises(Stopped, match="4 of 5 steps are done") as caught:
        apply(plan, url, observe)
    assert caught.value.exit_code == 7
    assert "not now" in caught.value.message
    with opened(url) as connection:
        assert journal.history(connection)[0].outcome == "failed"
        assert journal.history(connection)[0].error_sqlstate == "P0001"
        assert journal.progress(connection, plan_digest(plan)).done == {1, 2, 3, 4}
    run(url, "DROP TRIGGER no ON public.items")
    verdict = apply(plan, url, observe)
    assert (verdict.resumed_after, verdict.ran) == ((1, 2, 3, 4), (5,))
    assert rows(url, COUNTS) == AT_END


def test_part_way_and_then_changed_by_someone_is_stale(url: str) -> None:
    run(url, "ALTER TABLE public.items ADD CONSTRAINT stop CHECK (true)")
    plan = shop_plan()
    broken = dataclasses.replace(
        plan, steps=(*plan.steps[:3], dataclasses.replace(plan.steps[3], sql=("oops",)))
    )
    with pytest.raises(Stopped):
        apply(broken, url, observe)
    run(url, "ALTER TABLE public.orders ADD COLUMN surprise int")
    with pytest.raises(Stale, match=r"table:public\.orders.* changed by someone else"):
        apply(broken, url, observe)


def test_a_plan_reverted_by_hand_starts_anew(url: str) -> None:
    plan = shop_plan()
    apply(plan, url, observe)
    run(url, "DROP TABLE public.orders", "DROP INDEX public.items_name_idx")
    run(url, "ALTER TABLE public.items DROP COLUMN price, DROP COLUMN stock")
    verdict = apply(plan, url, observe)
    assert verdict.ran == (1, 2, 3, 4, 5)
    assert verdict.resumed_after == ()


def test_a_failed_concurrent_build_leaves_no_invalid_index(url: str) -> None:
    plan = shop_plan()
    unique = dataclasses.replace(
        plan.steps[2], sql=("CREATE UNIQUE INDEX CONCURRENTLY items_name_idx ON public.items (name)",)
    )
    plan = dataclasses.replace(plan, steps=(*plan.steps[:2], unique, *plan.steps[3:]))
    run(url, "UPDATE public.items SET name = 'same' WHERE id < 3")
    with pytest.raises(Stopped, match="SQLSTATE 23505"):
        apply(plan, url, observe)
    assert rows(url, "SELECT to_regclass('public.items_name_idx')") == [(None,)]
    run(url, "UPDATE public.items SET name = 'other' WHERE id = 1")
    assert apply(plan, url, observe).ran == (3, 4, 5)


def test_a_plan_may_not_end_its_own_transaction(url: str) -> None:
    with pytest.raises(ServerError, match="begins or ends a transaction"):
        apply(one_step_plan("COMMIT", Touch("id,name", "x")), url, observe)


def dropping_plan() -> Plan:
    return one_step_plan(
        "ALTER TABLE public.items DROP COLUMN name",
        Touch("id,name", "id"),
        hazards=data_loss(ITEMS.child("column", "name"), "drops what column name holds"),
    )


def test_a_hazard_without_consent_blocks(url: str) -> None:
    with pytest.raises(Blocked, match="drops what column name holds") as caught:
        apply(dropping_plan(), url, observe)
    assert caught.value.exit_code == 3
    assert caught.value.hint == "to go on, pass --allow data_loss:column:public.items.name"
    assert rows(url, "SELECT to_regnamespace('_reconcile')") == [(None,)]


@pytest.mark.parametrize(
    "allow",
    ["all", "data_loss", "data-loss", "data_loss:column:public.items.name", "data_loss:public.items.name"],
)
def test_consent_lets_a_hazard_through(url: str, allow: str) -> None:
    assert apply(dropping_plan(), url, observe, ApplyOptions(consent=Consent.parse([allow]))).ran == (1,)
    # Once the plan is applied, consent is not asked for again.
    assert apply(dropping_plan(), url, observe).was_applied


@pytest.mark.parametrize(
    "allow", ["possible_rename", "data_loss:public.items", "data_loss:column:public.items.id"]
)
def test_consent_to_something_else_does_not(url: str, allow: str) -> None:
    with pytest.raises(Blocked):
        apply(dropping_plan(), url, observe, ApplyOptions(consent=Consent.parse([allow])))


def test_an_ack_in_the_plan_is_consent(url: str) -> None:
    plan = dataclasses.replace(dropping_plan(), acks=(Ack(1, HazardCode.DATA_LOSS, "not needed"),))
    assert apply(plan, url, observe).ran == (1,)


@pytest.mark.parametrize("text", ["dataloss", "", "all:x", "DROP:x"])
def test_unknown_consent_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Consent.parse([text])
    assert caught.value.exit_code == 64
    assert "data_loss" in str(caught.value.hint)


def observe_url(url: str) -> dict[str, str]:
    with opened(url) as connection:
        return {str(id): said for id, said in observe(connection).items()}
