"""What an operator does beside the tool, and what it says then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import psycopg
import pytest

from tests.cli.conftest import Finished, Reconcile, Shop

SETTINGS = """
targets:
  prod: {url_env: SHOP_URL}
"""
NEW_COLUMN = ("      email: {", "      name: text\n      email: {")
EMAIL = "email: {type: text, not_null: true}"
WITH_DEFAULT = EMAIL.replace("}", ", default: \"''\"}")


def call(shop: Shop, *arguments: str, **variables: str) -> Finished:
    return shop.reconcile(*arguments, SHOP_URL=shop.url, **variables)


@pytest.fixture
def prod(inside: Shop) -> Shop:
    """A project with a target, whose first plan is applied."""
    inside.reconcile.write("reconcile.yaml", SETTINGS)
    assert call(inside, "plan", "--save", "--name", "start").code == 0
    assert call(inside, "apply").code == 0
    return inside


def saved(shop: Shop, *changes: tuple[str, str], name: str) -> None:
    shop.declare(*changes)
    done = call(shop, "plan", "--from", "chain", "--save", "--name", name)
    assert done.code == 0, done.err


def lines(done: Finished) -> list[str]:
    return done.err.splitlines()


def by_hand(shop: Shop, plan: str) -> None:
    """What psql does with `show --format sql`."""
    sql = call(shop, "show", plan, "--format", "sql").out
    shop.execute("\n".join(line for line in sql.splitlines() if not line.startswith("\\")))


def where(shop: Shop) -> tuple[list[str], list[str]]:
    """The plans that are done and those that are pending."""
    chain = call(shop, "status", "--format", "json").data["chain"]
    return chain["done"], chain["pending"]


def test_a_plan_that_psql_applied_moves_on(prod: Shop) -> None:
    saved(prod, NEW_COLUMN, name="name")
    saved(prod, NEW_COLUMN, (EMAIL, "email: {type: varchar(200), not_null: true}"), name="email")
    by_hand(prod, "2")
    assert call(prod, "drift", "--detailed-exitcode").code == 2
    done = call(prod, "apply")
    assert "already applied" in done.out
    assert where(prod)[0] == ["0001_start.plan.yaml", "0002_name.plan.yaml"]
    (run, _) = call(prod, "history", "--format", "json").data
    assert (run["outcome"], run["done"], run["finished_at"] is not None) == ("applied", 0, True)
    assert "it was done already" in call(prod, "history").out.splitlines()[0]
    assert call(prod, "drift", "--detailed-exitcode").out == "no drift\n"
    # An older plan that is at its end too takes nothing back, and nothing is written twice.
    assert "already applied" in call(prod, "apply", "plans/prod/0002_name.plan.yaml").out
    assert "already applied" in call(prod, "apply", "plans/prod/0001_start.plan.yaml").out
    assert len(call(prod, "history", "--format", "json").data) == 2
    assert where(prod)[1] == ["0003_email.plan.yaml"]


def test_adopting_moves_on_too(prod: Shop) -> None:
    saved(prod, NEW_COLUMN, name="name")
    by_hand(prod, "2")
    assert call(prod, "adopt").code == 0
    assert where(prod) == (["0001_start.plan.yaml", "0002_name.plan.yaml"], [])
    # It is written down, and not seen anew at each look.
    prod.execute("ALTER TABLE customers ALTER COLUMN name TYPE varchar(7)")
    assert where(prod)[1] == []
    assert call(prod, "drift", "--detailed-exitcode").code == 2
    assert call(prod, "apply").out == "nothing is pending\n"


def test_an_older_plan_of_an_adopted_chain_takes_nothing_back(inside: Shop) -> None:
    inside.reconcile.write("reconcile.yaml", SETTINGS)
    saved(inside, name="start")
    saved(inside, NEW_COLUMN, name="name")
    by_hand(inside, "1")
    by_hand(inside, "2")
    assert call(inside, "adopt").code == 0
    assert "already applied" in call(inside, "apply", "plans/prod/0002_name.plan.yaml").out
    assert where(inside)[1] == []


def test_stale_is_said_in_words(prod: Shop) -> None:
    saved(prod, (EMAIL, WITH_DEFAULT), name="default")
    prod.execute("ALTER TABLE customers ALTER COLUMN email TYPE varchar(200)")
    done = call(prod, "apply")
    assert done.code == 4
    assert lines(done)[1] == (
        "  column public.customers.email: changed by someone else: type: text → character varying(200)"
    )
    assert "found" not in done.err


def test_stale_without_a_chain_says_what_is_there(prod: Shop) -> None:
    prod.declare((EMAIL, WITH_DEFAULT))
    assert call(prod, "plan", "--out", "away.plan.yaml").code == 0
    prod.execute("ALTER TABLE customers ALTER COLUMN email TYPE varchar(200)")
    done = call(prod, "apply", "away.plan.yaml")
    assert done.code == 4
    assert lines(done)[1] == (
        "  column public.customers.email: is neither as before the plan nor as after it; it is now "
        "type: character varying(200), not_null: yes"
    )


def test_stale_says_what_is_missing_and_what_is_there(prod: Shop) -> None:
    saved(prod, NEW_COLUMN, (EMAIL, WITH_DEFAULT), name="both")
    prod.execute("ALTER TABLE customers DROP COLUMN email; ALTER TABLE customers ADD COLUMN name int")
    done = call(prod, "apply")
    assert done.code == 4
    assert "  column public.customers.email: is gone: the plan needs it as it was before" in lines(done)
    assert "  column public.customers.name: is there already, and otherwise: type: text → integer" in lines(
        done
    )


@pytest.mark.parametrize("command", [("plan", "--schema", "schema"), ("status",), ("drift",), ("apply",)])
def test_reading_waits_for_a_lock_with_words_and_an_end(prod: Shop, command: tuple[str, ...]) -> None:
    saved(prod, NEW_COLUMN, name="name")
    with psycopg.connect(prod.url, application_name="vacuum") as other:
        other.execute("LOCK TABLE orders")
        pid = other.info.backend_pid
        done = call(prod, *command, RECONCILE_READ_PATIENCE="0.3")
        assert done.code == 6, done.err
        assert "waits for a lock" in done.err
        assert f"public.orders held by pid {pid}, vacuum, idle in transaction" in done.err
        assert "SQLSTATE" not in done.err
    assert call(prod, *command).code == 0


def test_reading_goes_on_when_the_lock_is_released(shop: Shop) -> None:
    shop.deploy()
    with psycopg.connect(shop.url) as other:
        other.execute("LOCK TABLE orders")
        with subprocess.Popen(
            shop.reconcile.command("plan", *shop.options), cwd=shop.reconcile.folder,
            env=shop.reconcile.environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as plan:  # fmt: skip
            assert plan.stderr is not None
            assert "waits for a lock on public.orders" in plan.stderr.readline()
            other.rollback()
            out, _ = plan.communicate()
    assert plan.returncode == 0
    assert "nothing to do" in out


def test_a_run_that_waits_to_read_is_stopped_by_sigterm(shop: Shop) -> None:
    shop.deploy()
    shop.declare(NEW_COLUMN)
    assert shop.reconcile("plan", *shop.options, "--out", "p.plan.yaml").code == 0
    with psycopg.connect(shop.url) as other:
        other.execute("LOCK TABLE orders")
        with subprocess.Popen(
            shop.reconcile.command("apply", "p.plan.yaml", "--url", shop.url), cwd=shop.reconcile.folder,
            env=shop.reconcile.environment(), text=True, stderr=subprocess.PIPE,
        ) as apply:  # fmt: skip
            assert apply.stderr is not None
            assert "waits for a lock" in apply.stderr.readline()
            apply.send_signal(signal.SIGTERM)
            apply.communicate()
    assert apply.returncode == 143


def test_undo_says_under_its_own_heading_where_it_leads(prod: Shop) -> None:
    saved(prod, NEW_COLUMN, name="name")
    for format in ("text", "markdown"):
        out = call(prod, "undo", "--format", format).out
        assert "back to the state after plan 0001" in out
        assert "Seen, and left alone" not in out
        assert "Taken back" in out


def test_one_is_no_plural(prod: Shop) -> None:
    saved(prod, NEW_COLUMN, name="name")
    assert call(prod, "apply").code == 0
    assert "1 of 1 step;" in call(prod, "history").out
    assert "objects in 1 file (" in call(prod, "check").out


def test_explain_takes_the_step_with_or_without_its_name(prod: Shop) -> None:
    assert call(prod, "explain", "1", "2").out == call(prod, "explain", "1", "--step", "2").out
    by_name = call(prod, "explain", "1", "--step", "2", "--step", "3")
    assert call(prod, "explain", "1", "2", "3").out == by_name.out
    assert call(prod, "explain", "1", "99").code == 64


def test_a_folder_that_nothing_can_be_written_to(reconcile: Reconcile) -> None:
    reconcile.write(".reconcile", "in the way")
    done = reconcile("demo")
    assert done.code == 1
    assert f"{reconcile.folder / '.reconcile'} cannot be made" in done.err
    assert "or name a server that runs: --url" in done.err


def test_a_controller_that_is_asked_to_stop_ends_without_an_error(prod: Shop) -> None:
    command = prod.reconcile.command("controller", "--source", ".", "--interval", "1")
    with subprocess.Popen(
        command, cwd=prod.reconcile.folder, env=prod.reconcile.environment(SHOP_URL=prod.url),
        text=True, stderr=subprocess.PIPE,
    ) as controller:  # fmt: skip
        assert controller.stderr is not None
        assert '"event": "started"' in controller.stderr.readline()
        controller.send_signal(signal.SIGTERM)
        told = controller.stderr.read().splitlines()
    assert controller.returncode == 143
    assert '"event": "stopped"' in told[-1]
    assert not [line for line in told if line.startswith("error")]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/mem is Linux's")
@pytest.mark.parametrize("command", ["check", "plan"])
def test_a_schema_that_cannot_be_read_is_invalid_input(inside: Shop, command: str) -> None:
    os.symlink("/proc/self/mem", inside.reconcile.folder / "schema" / "odd.yaml")
    options = inside.options if command == "plan" else ("--schema", "schema")
    done = inside.reconcile(command, *options)
    assert done.code == 65
    assert "odd.yaml:1:1: cannot be read: input/output error" in done.err
    assert "the user that runs this" in done.err
