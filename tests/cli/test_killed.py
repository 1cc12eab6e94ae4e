"""An apply that was killed: `status`, `history`, `drift` and `wait` tell how far it came, and no more."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from reconciler.engine.connection.session import opened
from reconciler.engine.execute import journal
from reconciler.engine.execute.lease import CLASS_KEY, key
from tests.cli.conftest import ROOT, Shop

PLAN = "plans/prod/0002_more.plan.yaml"
MORE = (
    ("status: [open, paid]", "status: [open, paid, sent]"),
    ("      email: {", "      phone: text\n      email: {"),
    ("default: \"'open'\"", "default: \"'sent'\""),
    ("  orders:\n", "  notes:\n    columns: {note: text}\n\n  orders:\n"),
)


@pytest.fixture
def prod(inside: Shop) -> Shop:
    """A shop on its first plan; the second waits."""
    inside.reconcile.write("reconcile.yaml", f'targets:\n  prod: {{url: "{inside.url}"}}\n')
    for name, changes in (("start", ()), ("more", MORE)):
        inside.declare(*changes)
        done = inside.reconcile("plan", "--from", "chain", "--save", "--name", name)
        assert done.code == 0, done.err
        if name == "start":
            assert inside.reconcile("apply").code == 0
    return inside


def kill(shop: Shop, after: str) -> None:
    """Apply the second plan with a process that dies on the way, and wait till the server knows."""
    command = [sys.executable, "-m", "tests.cli.killed", after, "apply", PLAN, "--allow", "all"]
    done = subprocess.run(
        command,
        cwd=shop.reconcile.folder,
        env=shop.reconcile.environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    end = time.monotonic() + 30
    while shop.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"):
        assert time.monotonic() < end
        time.sleep(0.02)


def words(shop: Shop, *arguments: str) -> str:
    done = shop.reconcile(*arguments)
    assert done.code == 0, done.err
    return " ".join(done.out.split())


@pytest.fixture
def held(prod: Shop) -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Another session that holds the lease."""

    @contextlib.contextmanager
    def hold() -> Iterator[None]:
        with psycopg.connect(prod.url, autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(%s, %s)", (CLASS_KEY, key("run")))
            yield

    return hold


@pytest.mark.parametrize("after", ["commit", "checkpoint"])
def test_it_is_told_as_interrupted_and_what_it_did_is_no_drift(prod: Shop, after: str) -> None:
    kill(prod, after)
    done = prod.execute("SELECT number FROM _reconcile.step WHERE run_id = 2 AND status = 'done'")
    steps = len(prod.reconcile("show", PLAN, "--format", "json").data["steps"])
    assert 0 < len(done) < steps
    said = f"run 2 interrupted at step {len(done) + 1} of {steps}"
    again = f"run `reconcile apply {PLAN}` again to go on"
    for command in ("status", "history"):
        told = words(prod, command)
        assert said in told, told
        assert again in told, told
        assert "running" not in told
    assert "drift none" in words(prod, "status")
    assert words(prod, "drift") == "no drift"
    data = prod.reconcile("status", "--format", "json").data
    assert (data["latest"]["outcome"], data["latest"]["finished_at"], data["moved"]) == (
        "interrupted", None, [],
    )  # fmt: skip
    assert "interrupted" in prod.reconcile("wait", "--timeout", "0").err
    # What somebody changes meanwhile is drift all the same.
    prod.execute("ALTER TYPE status RENAME VALUE 'sent' TO 'lost'; CREATE INDEX ours ON orders (id)")
    moved = {one["object"]: one["how"] for one in prod.reconcile("drift", "--format", "json").data["drift"]}
    assert moved == {"enum:public.status": "changed", "index:public.ours": "unplanned"}
    prod.execute("ALTER TYPE status RENAME VALUE 'lost' TO 'sent'; DROP INDEX ours")
    # Nothing was written by any of these, and the run goes on.
    assert prod.execute("SELECT outcome FROM _reconcile.run WHERE id = 2") == [("running",)]
    done_now = prod.reconcile("apply", PLAN, "--allow", "all")
    assert done_now.code == 0, done_now.err
    assert "interrupted" not in words(prod, "status")
    assert "run 2 stopped" in words(prod, "history")
    assert words(prod, "drift") == "no drift"


def test_one_that_resumed_and_was_killed_after_the_last_step(prod: Shop) -> None:
    kill(prod, "commit")
    kill(prod, "commit")
    told = words(prod, "history", "--target", "prod")
    assert "run 3 interrupted after the last step of 4" in told
    assert f"run `reconcile apply {PLAN} --target prod` again" in told
    assert "run 2 stopped" in told
    assert words(prod, "drift") == "no drift"
    (prod.reconcile.folder / "plans/prod/CHAIN").write_text("broken")
    assert "apply its plan again to go on" in words(prod, "history", "--url", prod.url)


def test_a_run_whose_lease_is_held_is_running(
    prod: Shop, held: Callable[[], contextlib.AbstractContextManager[None]]
) -> None:
    with held():
        # The session is older than the run, as one that runs it is.
        prod.execute("UPDATE _reconcile.run SET outcome = 'running', finished_at = NULL")
        prod.execute("UPDATE _reconcile.run SET started_at = clock_timestamp()")
        assert "run 1 running" in words(prod, "history")
    assert "run 1 interrupted" in words(prod, "history")
    with held():
        # It came after that run ended: another one, that has not begun yet.
        assert "run 1 interrupted" in words(prod, "history")


def test_who_may_not_see_the_locks_is_told_no_lie(prod: Shop) -> None:
    prod.execute("UPDATE _reconcile.run SET outcome = 'running', finished_at = NULL")
    prod.execute("REVOKE SELECT ON pg_catalog.pg_locks FROM PUBLIC")
    role = f"reader_{prod.execute('SELECT oid FROM pg_database WHERE datname = current_database()')[0][0]}"
    prod.execute(
        f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA _reconcile TO {role};"
        f"GRANT SELECT ON ALL TABLES IN SCHEMA _reconcile TO {role}"
    )
    try:
        with opened(prod.url, read_only=True) as connection:
            assert journal.history(connection)[0].outcome == "interrupted"
            connection.execute(f"SET ROLE {role}".encode())
            assert journal.history(connection)[0].outcome == "running or interrupted"
    finally:
        prod.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_what_an_abandoned_run_did_is_no_drift_after_another_plan(prod: Shop) -> None:
    kill(prod, "commit")
    prod.declare(MORE[0], ("      email: {", "      fax: text\n      email: {"))
    done = prod.reconcile("push", "--allow", "all")
    assert done.code == 0, done.err
    assert words(prod, "drift") == "no drift"
