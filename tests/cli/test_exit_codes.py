"""Each exit code of the contract (docs/format.md, section 4), by the mishap that it stands for."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from reconciler.core.errors import NotApproved
from reconciler.engine.execute.lease import CLASS_KEY, key
from tests.cli.conftest import Reconcile, Shop

NEW_COLUMN = ("      email: {", "      name: text\n      email: {")
NO_EMAIL = (
    ("      email: {type: text, not_null: true}\n", ""),
    ("    unique:\n      customers_email_key: [email]\n", ""),
)
UNIQUE_STATUS = ("    indexes:", "    unique:\n      orders_status_key: [status]\n    indexes:")
MORE_STATUS = ("[open, paid]", "[open, paid, lost]")


@contextmanager
def held_by_another(shop: Shop, statement: str) -> Iterator[psycopg.Connection[Any]]:
    """Within the context another session has run a statement, and its transaction is open."""
    with psycopg.connect(shop.url) as connection:
        connection.execute(statement.encode())
        yield connection
        connection.rollback()


def planned(shop: Shop, *changes: tuple[str, str]) -> str:
    """The file of a plan to the changed schema."""
    shop.declare(*changes)
    done = shop.reconcile("plan", *shop.options, "--out", "next.plan.yaml")
    assert done.code == 0, done.err
    return "next.plan.yaml"


def test_0_done_then_nothing_to_do_then_already_applied(shop: Shop) -> None:
    assert shop.reconcile("plan", *shop.options, "--out", "start.plan.yaml").code == 0
    first = shop.reconcile("apply", "start.plan.yaml", "--url", shop.url)
    assert (first.code, "applied" in first.out) == (0, True)
    again = shop.reconcile("apply", "start.plan.yaml", "--url", shop.url)
    assert (again.code, "already applied" in again.out) == (0, True)
    assert shop.reconcile("plan", *shop.options, "--detailed-exitcode").code == 0
    assert shop.reconcile("run", *shop.options).code == 0


def test_1_no_server_answers(shop: Shop) -> None:
    done = shop.reconcile("plan", "--url", "postgresql://127.0.0.1:1/none", "--schema", "schema")
    assert done.code == 1
    assert "can't connect" in done.err
    assert "hint:" in done.err


def test_3_the_server_refuses_and_nothing_is_changed(shop: Shop) -> None:
    shop.deploy()
    shop.execute("INSERT INTO customers (email) VALUES ('a'), ('b')")
    shop.execute("INSERT INTO orders (customer_id) SELECT id FROM customers")
    plan = planned(shop, UNIQUE_STATUS, NEW_COLUMN)
    done = shop.reconcile("apply", plan, "--url", shop.url)
    assert done.code == 3, "it would refuse at every try"
    assert "23505" in done.err
    assert "nothing is changed: what was done is rolled back" in done.err
    assert not shop.execute(
        "SELECT 1 FROM pg_attribute WHERE attname = 'name' AND attrelid = 'customers'::regclass"
    )


def test_1_the_password_is_not_told(shop: Shop) -> None:
    done = shop.reconcile("plan", "--url", "postgresql://me:s3cr3t@127.0.0.1:1/none", "--schema", "schema")
    assert done.code == 1
    assert "s3cr3t" not in done.err + done.out


def test_2_changes_where_they_are_asked_for(shop: Shop) -> None:
    assert shop.reconcile("plan", *shop.options, "--detailed-exitcode").code == 2
    assert shop.reconcile("plan", *shop.options).code == 0


def test_3_data_loss_needs_consent(shop: Shop) -> None:
    shop.deploy()
    plan = planned(shop, *NO_EMAIL)
    refused = shop.reconcile("apply", plan, "--url", shop.url)
    assert refused.code == 3
    assert "--allow data_loss:column:public.customers.email" in refused.err
    other = shop.reconcile(
        "apply", plan, "--url", shop.url, "--allow", "data_loss:column:public.orders.status"
    )
    assert other.code == 3
    allowed = shop.reconcile("apply", plan, "--url", shop.url, "--allow", "data_loss:public.customers.email")
    assert allowed.code == 0, allowed.err


def test_3_run_stops_at_the_same_gate(shop: Shop) -> None:
    shop.deploy()
    shop.declare(*NO_EMAIL)
    assert shop.reconcile("run", *shop.options).code == 3
    assert shop.reconcile("run", *shop.options, "--allow", "all").code == 0


def test_4_the_database_moved_on(shop: Shop) -> None:
    shop.deploy()
    plan = planned(shop, NEW_COLUMN)
    shop.execute("ALTER TABLE customers ADD name varchar(3)")
    done = shop.reconcile("apply", plan, "--url", shop.url)
    assert done.code == 4
    assert "column public.customers.name: is there already" in done.err


def test_5_has_its_code() -> None:
    assert NotApproved("").exit_code == 5


def test_6_another_run_holds_the_database(shop: Shop) -> None:
    with held_by_another(shop, f"SELECT pg_advisory_lock({CLASS_KEY}, {key('run')})"):
        done = shop.reconcile("run", *shop.options)
    assert done.code == 6
    assert "another run" in done.err


def test_7_stopped_part_way_and_resumed(shop: Shop) -> None:
    shop.deploy()
    shop.execute("INSERT INTO customers (email) VALUES ('a'), ('b')")
    shop.execute("INSERT INTO orders (customer_id) SELECT id FROM customers")
    # A new value of an enum is committed before anything else can use it: the transaction after it fails.
    plan = planned(shop, UNIQUE_STATUS, MORE_STATUS)
    stopped = shop.reconcile("apply", plan, "--url", shop.url)
    assert stopped.code == 7
    assert "1 of 2 steps" in stopped.err
    shop.execute("DELETE FROM orders")
    resumed = shop.reconcile("apply", plan, "--url", shop.url, "--format", "json")
    assert resumed.code == 0, resumed.err
    assert resumed.data["plans"][0] | {"plan": "", "run": 0} == {
        "plan": "", "file": None, "outcome": "resumed", "ran": [2], "resumed_after": [1], "run": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("plan", "--nonsense"),
        ("plan", "--format", "nonsense"),
        ("plan", "--schema", "nowhere", "--url", "postgresql://127.0.0.1:1/none"),
        ("check", "--schema", "nowhere"),
        ("apply", "nowhere.plan.yaml"),
        ("apply", "--allow", "nonsense"),
        ("plan", "--target", "nonsense"),
        ("show", "nonsense"),
        ("diff", "live"),
        ("diff", "nonsense", "schema"),
        ("verify", "--with", "nonsense"),
        ("history", "--limit", "0"),
    ],
    ids=" ".join,
)
def test_64_the_command_line_is_off(reconcile: Reconcile, arguments: tuple[str, ...]) -> None:
    done = reconcile(*arguments)
    assert done.code == 64
    assert done.out == "" or not arguments


def test_65_faults_in_the_yaml_are_all_told(shop: Shop) -> None:
    shop.reconcile.write("schema/one.yaml", "tables:\n  a:\n    colums: {}\n")
    shop.reconcile.write("schema/two.yaml", "nonsense: {}\n")
    done = shop.reconcile("plan", *shop.options)
    assert done.code == 65
    assert "schema/one.yaml:3:5" in done.err
    assert "schema/two.yaml:1:1" in done.err


def test_65_what_postgresql_refuses_is_told_at_its_place(shop: Shop) -> None:
    shop.declare(("email: {type: text", "email: {type: txt"))
    done = shop.reconcile("run", *shop.options)
    assert done.code == 65
    assert "schema/shop.yaml:" in done.err


def test_65_roles_that_the_server_lacks_are_all_told_before_anything_is_made(shop: Shop) -> None:
    shop.declare(
        ("    comment: What was bought.\n", "    owner: nobody_at_all\n    grants: {pg_monitr: [select]}\n"),
        (
            "  orders:\n",
            "  orders:\n    policies:\n      own: {to: [shop_clerk, shop_boss], using: 'true'}\n",
        ),
        ("schema: public\n", "schema: public\nroles: {shop_clerk: {}}\n"),
    )
    done = shop.reconcile("plan", *shop.options)
    assert done.code == 65
    way_on = "    create it, or declare it under `roles`"
    assert done.err.splitlines()[1:] == [
        'schema/shop.yaml:19:7: policy public.orders.own: the server has no role "shop_boss"',
        way_on,
        'schema/shop.yaml:20:5: owner of table public.orders: the server has no role "nobody_at_all"',
        way_on,
        "schema/shop.yaml:21:14: privileges of pg_monitr on table public.orders: "
        'the server has no role "pg_monitr"',
        "    did you mean `pg_monitor`? Else create it, or declare it under `roles`",
    ]


def test_65_a_plan_that_was_changed_by_hand(shop: Shop) -> None:
    plan = shop.reconcile.folder / planned(shop)
    plan.write_text(plan.read_text().replace("CREATE TABLE", "CREATE UNLOGGED TABLE"))
    done = shop.reconcile("apply", plan, "--url", shop.url)
    assert done.code == 65
    assert not shop.execute("SELECT 1 FROM pg_class WHERE relname = 'orders'")


@pytest.mark.parametrize("content", [b"", b"- a list", b"\xff\xfe", b"a: [", b"tables: {}"])
def test_65_no_plan_at_all(reconcile: Reconcile, content: bytes) -> None:
    (reconcile.folder / "p.yaml").write_bytes(content)
    assert reconcile("apply", "p.yaml", "--url", "postgresql://127.0.0.1:1/none").code == 65


def test_65_settings_that_are_wrong(reconcile: Reconcile) -> None:
    reconcile.write("reconcile.yaml", "schemas: schema/\n")
    done = reconcile("plan")
    assert done.code == 65
    assert "reconcile.yaml:1:1" in done.err


def test_143_sigterm_ends_a_run_cleanly(shop: Shop) -> None:
    shop.deploy()
    plan = planned(shop, NEW_COLUMN)
    with held_by_another(shop, "SELECT 1 FROM customers"):
        process = subprocess.Popen(
            shop.reconcile.command("apply", plan, "--url", shop.url),
            cwd=shop.reconcile.folder, env=shop.reconcile.environment(), stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stderr is not None
        # It tells that it waits for a lock, or tries again.
        assert process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 143, said
    assert "Traceback" not in said
    assert shop.reconcile("apply", plan, "--url", shop.url).code == 0
