"""The forms that scripts rely on (docs/format.md, section 4): any folder, no settings, no terminal."""

from __future__ import annotations

import json
from collections.abc import Callable

import psycopg

from tests.cli.conftest import Finished, Reconcile, Shop


def ok(done: Finished) -> Finished:
    assert done.code == 0, done.err
    return done


def test_the_whole_way_from_one_database_to_another(shop: Shop, database: Callable[[], str]) -> None:
    shop.deploy()
    ok(shop.reconcile("pull", "--url", shop.url, "--out", "pulled"))
    other = database()
    first = ("plan", "--url", other, "--schema", "pulled", "--out", "p.yaml", "--prove", "--format", "json")
    data = ok(shop.reconcile(*first)).data
    assert [step["number"] for step in data["steps"]] == list(range(1, len(data["steps"]) + 1))
    ok(shop.reconcile("apply", "p.yaml", "--url", other))
    again = ok(
        shop.reconcile("plan", "--url", other, "--schema", "pulled", "--out", "q.yaml", "--format", "json")
    )
    assert again.data["steps"] == []
    ok(shop.reconcile("apply", "q.yaml", "--url", other))
    ok(shop.reconcile("run", "--url", other, "--schema", "pulled"))


def test_an_empty_plan_is_a_file_too(shop: Shop) -> None:
    shop.deploy()
    ok(shop.reconcile("plan", *shop.options, "--out", "deep/er/none.plan.yaml"))
    assert (shop.reconcile.folder / "deep/er/none.plan.yaml").read_text().startswith("# A schema plan")
    done = ok(shop.reconcile("apply", "deep/er/none.plan.yaml", "--url", shop.url, "--format", "json"))
    assert done.data["plans"][0]["outcome"] == "already applied"


def test_the_scratch_server_may_be_named(shop: Shop, database: Callable[[], str]) -> None:
    done = shop.reconcile("plan", *shop.options, "--out", "p.yaml", "--scratch-url", database())
    ok(done)
    refused = shop.reconcile(
        "plan", *shop.options, "--out", "q.yaml", "--scratch-url", "postgresql://127.0.0.1:1/x"
    )
    assert refused.code in (0, 1)
    assert not (shop.reconcile.folder / "q.yaml").exists() or refused.code == 0


def test_the_same_inputs_give_the_same_bytes(shop: Shop) -> None:
    ok(shop.reconcile("plan", *shop.options, "--out", "a.yaml"))
    ok(shop.reconcile("plan", *shop.options, "--out", "b.yaml"))
    folder = shop.reconcile.folder
    assert (folder / "a.yaml").read_bytes() == (folder / "b.yaml").read_bytes()


def test_ownership_revokes_what_is_not_declared(inside: Shop) -> None:
    inside.deploy()
    inside.execute("GRANT SELECT ON customers TO PUBLIC")
    assert inside.reconcile("plan", *inside.options, "--detailed-exitcode").code == 0
    ok(inside.reconcile("pull", "--url", inside.url, "--out", "all", "--ownership"))
    inside.execute("GRANT SELECT ON orders TO PUBLIC")
    options = ("--url", inside.url, "--schema", "all")
    plan = inside.reconcile("plan", *options, "--ownership", "--out", "p.yaml", "--format", "json")
    assert any("REVOKE" in sql for step in plan.data["steps"] for sql in step["sql"])
    # The plan file says that it manages ownership; apply needs no flag.
    ok(inside.reconcile("apply", "p.yaml", "--url", inside.url, "--allow", "all"))
    granted = inside.execute("""
        SELECT relname FROM pg_class WHERE relacl::text LIKE '%=r/%' AND relkind = 'r' AND oid >= 16384""")
    assert granted == [("customers",)]


def test_markdown_and_sql_are_other_forms_of_the_plan(inside: Shop) -> None:
    markdown = ok(inside.reconcile("plan", *inside.options, "--format", "markdown")).out
    assert "CREATE TABLE public.orders" in markdown
    sql = ok(inside.reconcile("plan", *inside.options, "--format", "sql")).out
    lines = [line for line in sql.splitlines() if not line.startswith("\\")]
    with psycopg.connect(inside.url, autocommit=True) as connection:
        connection.execute("\n".join(lines).encode())
    assert ok(inside.reconcile("plan", *inside.options, "--format", "json")).data["is_empty"]


def test_a_pipe_that_is_closed_is_no_fault(reconcile: Reconcile) -> None:
    import subprocess

    command = " ".join(f"'{word}'" for word in reconcile.command("schema", "json-schema"))
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | head -c 10"],
        env=reconcile.environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_json_is_all_that_is_on_standard_output(shop: Shop) -> None:
    done = ok(shop.reconcile("run", *shop.options, "--format", "json"))
    assert json.loads(done.out)["plans"][0]["outcome"] == "applied"
    assert "create table" in done.err
