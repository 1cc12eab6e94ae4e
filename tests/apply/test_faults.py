"""Runs that are killed, cut off, blocked or not alone: run again they converge, and nothing runs twice."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import psycopg
import pytest

from reconciler.core.errors import Busy, ConnectionFailed, Stopped, Terminated
from reconciler.engine.connection.retry import RetryPolicy, Stop
from reconciler.engine.execute import journal
from reconciler.engine.execute.apply import ApplyOptions, Verdict, apply
from reconciler.engine.execute.progress import (
    GroupCommitted,
    LeaseAwaited,
    Retrying,
    StepFinished,
    StepStarted,
    WaitingForLock,
)
from reconciler.engine.plan.model import Touch
from tests.apply.shop import ITEMS, at, observe, one_step_plan, rows, run, shop_plan, step, steps_that_ran

PRICES = "SELECT DISTINCT price FROM public.items"
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'public.items_name_idx'::regclass"
PATIENT = ApplyOptions(wait_lock_seconds=60)


def converges(url: str) -> Verdict:
    """Run again; each step must then have been committed exactly once."""
    verdict = apply(shop_plan(), url, observe, PATIENT)
    assert steps_that_ran(url) == [1, 2, 4, 5]
    assert rows(url, PRICES) == [(1,)]
    assert apply(shop_plan(), url, observe).was_applied
    return verdict


def child(url: str, signal_name: str, event: str, number: int) -> int:
    """The exit code of a run that signals itself; negative where the signal ended it."""
    command = [sys.executable, "-m", "tests.apply.child", url, signal_name, event, str(number)]
    return subprocess.run(command, check=False, capture_output=True).returncode


@pytest.mark.parametrize(
    ("event", "number", "resumed_after"),
    [
        ("StepStarted", 1, ()),
        ("StepFinished", 2, ()),
        ("GroupCommitted", 2, (1, 2)),
        ("StepStarted", 3, (1, 2)),
        ("StepFinished", 3, (1, 2)),
        ("GroupCommitted", 3, (1, 2, 3)),
        ("StepFinished", 4, (1, 2, 3)),
        ("GroupCommitted", 4, (1, 2, 3, 4)),
        ("StepFinished", 5, (1, 2, 3, 4)),
    ],
)
def test_killed_at_any_point(url: str, event: str, number: int, resumed_after: tuple[int, ...]) -> None:
    assert child(url, "SIGKILL", event, number) == -signal.SIGKILL
    assert converges(url).resumed_after == resumed_after


def test_killed_after_the_last_commit(url: str) -> None:
    assert child(url, "SIGKILL", "GroupCommitted", 5) == -signal.SIGKILL
    verdict = converges(url)
    assert verdict.was_applied
    assert verdict.ran == ()
    assert rows(url, "SELECT outcome FROM _reconcile.run ORDER BY id") == [("stopped",), ("applied",)]


def begun(url: str) -> None:
    """Run the first transaction only."""
    stop = Stop()
    with pytest.raises(Terminated) as caught:
        apply(shop_plan(), url, observe, ApplyOptions(stop=stop), at(GroupCommitted, 2, stop.ask))
    assert caught.value.exit_code == 143
    assert steps_that_ran(url) == [1, 2]


def test_a_stop_between_transactions(url: str) -> None:
    begun(url)
    assert converges(url).resumed_after == (1, 2)


def test_killed_amid_a_concurrent_build(url: str) -> None:
    begun(url)
    with psycopg.connect(url) as other:
        # The build waits for this writer, with its invalid index there already.
        other.execute("UPDATE public.items SET name = name WHERE id = 1")
        assert child(url, "SIGKILL", "WaitingForLock", 3) == -signal.SIGKILL
        assert rows(url, VALID) == [(False,)]
        other.rollback()
    assert converges(url).resumed_after == (1, 2)
    assert rows(url, VALID) == [(True,)]


def test_sigterm_amid_a_transaction(url: str) -> None:
    with psycopg.connect(url) as other:
        other.execute("SELECT count(*) FROM public.items")
        assert child(url, "SIGTERM", "WaitingForLock", 1) == 143
    assert rows(url, "SELECT outcome FROM _reconcile.run") == [("stopped",)]
    assert steps_that_ran(url) == []
    converges(url)


def test_sigterm_amid_a_concurrent_build(url: str) -> None:
    begun(url)
    with psycopg.connect(url) as other:
        other.execute("UPDATE public.items SET name = name WHERE id = 1")
        assert child(url, "SIGTERM", "WaitingForLock", 3) == 143
        other.rollback()
    assert rows(url, "SELECT outcome FROM _reconcile.run ORDER BY id") == [("stopped",), ("stopped",)]
    assert converges(url).resumed_after == (1, 2)
    assert rows(url, VALID) == [(True,)]


def cut(url: str, application_name: str) -> Callable[[], None]:
    """Ends the run's session of that name from outside."""

    def act() -> None:
        ended = rows(
            url,
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            f" WHERE datname = current_database() AND application_name = '{application_name}'",
        )
        assert ended == [(True,)]

    return act


@pytest.mark.parametrize(
    ("event", "number", "error"),
    [
        (StepStarted, 1, ConnectionFailed),
        (StepFinished, 2, ConnectionFailed),
        (GroupCommitted, 2, Stopped),
        (StepStarted, 3, Stopped),
        (StepFinished, 3, Stopped),
        (StepFinished, 4, Stopped),
        (GroupCommitted, 4, Stopped),
    ],
)
def test_the_worker_is_cut_off(url: str, event: type, number: int, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        apply(shop_plan(), url, observe, report=at(event, number, cut(url, "reconcile apply")))
    assert type(caught.value) is error
    assert rows(url, "SELECT outcome FROM _reconcile.run") == [("stopped",)]
    converges(url)


@pytest.mark.parametrize(("number", "error"), [(1, ConnectionFailed), (4, Stopped)])
def test_the_lease_is_cut_off(url: str, number: int, error: type[Exception]) -> None:
    """Whoever lost the lease commits nothing more."""
    with pytest.raises(error) as caught:
        apply(
            shop_plan(), url, observe, report=at(StepStarted, number, cut(url, "reconcile apply (watcher)"))
        )
    assert type(caught.value) is error
    assert steps_that_ran(url) == list(range(1, min(number, 3)))
    converges(url)


@pytest.mark.parametrize(("after", "next_step"), [(2, 3), (3, 4)])
def test_whoever_lost_the_fence_cannot_commit(url: str, after: int, next_step: int) -> None:
    """Neither a step that runs alone (after 2) nor a transaction (after 3) goes on."""

    def overtaken() -> None:
        run(url, "UPDATE _reconcile.lease SET fence = fence + 1")

    with pytest.raises(Stopped, match="another run has taken the lease"):
        apply(shop_plan(), url, observe, report=at(GroupCommitted, after, overtaken))
    assert rows(url, f"SELECT status FROM _reconcile.step WHERE number = {next_step}") == []
    assert steps_that_ran(url) == [1, 2]
    converges(url)


def test_two_appliers_at_once(url: str) -> None:
    """While one works, one that won't wait is told who works; one that waits finds the work done."""
    may_go_on, has_begun = threading.Event(), threading.Event()
    verdicts: list[Verdict] = []

    def hold() -> None:
        has_begun.set()
        assert may_go_on.wait(60)

    def work(report: Callable[[object], None]) -> None:
        verdicts.append(apply(shop_plan(), url, observe, PATIENT, report))

    first = threading.Thread(target=work, args=(at(StepFinished, 4, hold),))
    first.start()
    assert has_begun.wait(60)
    with pytest.raises(
        Busy, match=r"another run works on this database: pid \d+, reconcile apply \(watcher\)"
    ) as caught:
        apply(shop_plan(), url, observe)
    assert caught.value.exit_code == 6

    def release(event: object) -> None:
        if isinstance(event, LeaseAwaited):
            may_go_on.set()

    second = threading.Thread(target=work, args=(release,))
    second.start()
    for thread in (first, second):
        thread.join(60)
        assert not thread.is_alive()
    assert sorted(verdict.was_applied for verdict in verdicts) == [False, True]
    assert steps_that_ran(url) == [1, 2, 4, 5]


def test_a_lock_that_is_released_is_waited_for(url: str) -> None:
    events: list[object] = []
    with psycopg.connect(url, application_name="the reader") as other:
        other.execute("SELECT count(*) FROM public.items")

        def report(event: object) -> None:
            events.append(event)
            seen = [event for event in events if isinstance(event, WaitingForLock)]
            if seen and sum(isinstance(event, Retrying) for event in events) == 2:
                other.rollback()

        verdict = apply(shop_plan(), url, observe, report=report)
    assert verdict.ran == (1, 2, 3, 4, 5)
    waiting = next(event for event in events if isinstance(event, WaitingForLock))
    assert waiting.step.number == 1
    assert [session.application_name for session in waiting.blockers] == ["the reader"]
    assert waiting.blockers[0].state == "idle in transaction"
    assert "SELECT" not in str(waiting.blockers[0])
    assert {event.sqlstate for event in events if isinstance(event, Retrying)} == {"55P03"}
    assert steps_that_ran(url) == [1, 2, 4, 5]


def test_a_lock_that_is_never_released_ends_as_busy(url: str) -> None:
    with psycopg.connect(url) as other:
        other.execute("SELECT count(*) FROM public.items")
        policy = RetryPolicy(first_pause_seconds=0.01, deadline_seconds=0.2)
        with pytest.raises(Busy, match=r"step 1 .*: locks could not be had") as caught:
            apply(shop_plan(), url, observe, ApplyOptions(retry=policy))
    assert caught.value.exit_code == 6
    assert rows(url, "SELECT outcome FROM _reconcile.run") == [("busy",)]
    assert steps_that_ran(url) == []
    converges(url)


def test_a_wait_is_always_shorter_than_the_search_for_deadlocks() -> None:
    policy = RetryPolicy()
    waits = [policy.lock_timeout_ms(attempt, 1000) for attempt in range(8)]
    assert waits == [50, 100, 200, 400, 800, 800, 800, 800]
    assert policy.lock_timeout_ms(30, 10) == 8


def test_a_deadlock_is_tried_again(url: str) -> None:
    """The server may choose us as the victim where it looks for deadlocks sooner than we give up."""
    run(url, "CREATE SEQUENCE public.tries")
    raises = "RAISE 'found by a test' USING ERRCODE = 'deadlock_detected'"
    plan = one_step_plan(
        f"DO $$ BEGIN IF pg_catalog.nextval('public.tries') < 3 THEN {raises}; END IF; END $$",
        Touch("id,name", "id,name"),
    )
    steps = (
        *plan.steps,
        step(2, 1, ITEMS, "ALTER TABLE public.items ADD COLUMN a int"),
    )
    plan = dataclasses.replace(plan, steps=steps, touches={ITEMS: Touch("id,name", "id,name,a")})
    events: list[object] = []
    apply(plan, url, observe, report=events.append)
    assert [event.sqlstate for event in events if isinstance(event, Retrying)] == ["40P01", "40P01"]
    assert steps_that_ran(url) == [1, 2]


def test_a_worker_that_outlives_its_client_is_waited_for(url: str) -> None:
    """Its session holds a lock of its own, whatever became of the lease."""
    from reconciler.engine.execute.lease import Waiting, take

    with psycopg.connect(url, autocommit=True, application_name="left over") as other:
        take(other, "worker", Waiting())
        with pytest.raises(Busy, match="left over"):
            apply(shop_plan(), url, observe)
    with psycopg.connect(url, autocommit=True) as connection:
        assert not journal.exists(connection)
