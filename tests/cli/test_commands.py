"""Commands that look and tell, or start something: init, check, status, drift, diff, adopt, verify."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.cli.conftest import Inside, Shop
from tests.cli.team import git

NEW_COLUMN = ("      email: {", "      name: text\n      email: {")


def test_init_writes_a_project_that_works(tmp_path: Path, database: Callable[[], str]) -> None:
    inside = Inside(tmp_path)
    done = inside("init", "shop", "--format", "json")
    assert done.code == 0
    assert "reconcile.yaml" in done.data["written"]
    project = Inside(tmp_path / "shop")
    assert project("check").code == 0
    url = database()
    assert project("push", "--url", url, "--quiet").code == 0
    assert project("plan", "--url", url, "--detailed-exitcode").code == 0


@pytest.mark.parametrize("option", ["--url", "--target"])
def test_an_empty_option_is_a_variable_that_is_not_set(inside: Shop, option: str) -> None:
    refused = inside.reconcile("run", option, "")
    assert refused.code == 64
    assert f"{option} is empty" in refused.err


def test_a_named_target_wins_over_a_url_in_the_environment(inside: Shop) -> None:
    inside.reconcile.write("reconcile.yaml", "targets: {prod: {url_env: SHOP_URL}}\n")
    nowhere = "postgresql://127.0.0.1:1/none"
    named = inside.reconcile("plan", "--target", "prod", SHOP_URL=inside.url, RECONCILE_URL=nowhere)
    assert named.code == 0
    assert inside.reconcile("plan", SHOP_URL=inside.url, RECONCILE_URL=nowhere).code == 1


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    inside = Inside(tmp_path)
    inside.write("reconcile.yaml", "schema: tables/\n")
    inside.write(".gitignore", "build/")
    inside.write(".gitattributes", "*.png binary")
    assert inside("init").code == 0
    assert (tmp_path / "reconcile.yaml").read_text() == "schema: tables/\n"
    assert (tmp_path / ".gitignore").read_text() == "build/\n.reconcile/\n"
    assert (tmp_path / ".gitattributes").read_text() == "*.png binary\nplans/** -text\n"
    assert inside("init", "--format", "json").data["written"] == []


def test_init_from_a_database_pulls_it(inside: Shop, tmp_path: Path) -> None:
    inside.deploy()
    assert inside.reconcile("init", "new", "--url", inside.url).code == 0
    project = Inside(tmp_path / "new")
    assert project("adopt", "--url", inside.url).code == 0
    assert project("plan", "--url", inside.url, "--detailed-exitcode").code == 0


def test_check_counts_what_is_declared(inside: Shop) -> None:
    data = inside.reconcile("check", "--format", "json").data
    assert data["is_valid"]
    assert data["kinds"]["table"] == 2
    assert data["built_on"] is None


def test_check_tells_faults_to_machines(inside: Shop) -> None:
    inside.reconcile.write("schema/one.yaml", "tables:\n  a:\n    colums: {}\n")
    done = inside.reconcile("check", "--format", "json")
    assert done.code == 65
    assert [(problem["file"], problem["line"]) for problem in done.data["problems"]] == [
        ("schema/one.yaml", 3)
    ]


def test_check_builds_where_it_is_asked_to(inside: Shop, database: Callable[[], str]) -> None:
    assert inside.reconcile("check", "--build", "--scratch-url", database()).code == 0
    inside.declare(("email: {type: text", "email: {type: txt"))
    assert inside.reconcile("check").code == 0
    refused = inside.reconcile("check", "--build", "--scratch-url", database())
    assert refused.code == 65
    assert "schema/shop.yaml:" in refused.err


def test_check_reads_the_bodies_of_routines(tmp_path: Path, database: Callable[[], str]) -> None:
    inside = Inside(tmp_path)
    inside.write(
        "schema/f.yaml",
        """functions:
  late(): {returns: int, language: sql, body: select id from made_at_run_time}
  wrong():
    returns: int
    language: plpgsql
    body: |
      begin
        retrun 1;
      end
procedures:
  worse(a int): {language: sql, body: select from where}
""",
    )
    assert inside("check").code == 0
    refused = inside("check", "--build", "--scratch-url", database())
    assert refused.code == 65
    assert "schema/f.yaml:3:3: function public.wrong(): PostgreSQL refuses it: " in refused.err
    assert 'syntax error at or near "retrun", in `retrun 1;`' in refused.err
    assert "schema/f.yaml:11:3: procedure public.worse(" in refused.err
    assert "late" not in refused.err
    planned = inside("plan", "--url", database())
    assert planned.code == 65
    assert "schema/f.yaml:3:3: function public.wrong(): PostgreSQL refuses it: " in planned.err


def test_what_postgresql_does_not_do_is_not_blamed_on_the_scratch_server(
    tmp_path: Path, database: Callable[[], str]
) -> None:
    inside = Inside(tmp_path)
    inside.write("schema/t.yaml", "tables: {t: {columns: {n: int}, checks: {c: n > (select 1)}}}\n")
    refused = inside("plan", "--url", database())
    assert refused.code == 65
    assert "PostgreSQL refuses it: cannot use subquery in check constraint" in refused.err
    assert "PostgreSQL does not do this: declare it otherwise" in refused.err


def test_a_body_that_is_there_is_read_again_where_it_is_edited(
    tmp_path: Path, database: Callable[[], str]
) -> None:
    inside, url = Inside(tmp_path), database()
    text = "functions:\n  one(): {returns: int, language: plpgsql, body: begin return 1; end}\n"
    with psycopg.connect(url) as connection:
        connection.execute("SET check_function_bodies = off")
        connection.execute("CREATE FUNCTION one() RETURNS int LANGUAGE plpgsql AS 'begin return 1; end'")
        connection.execute("CREATE FUNCTION old() RETURNS int LANGUAGE plpgsql AS 'begin retrun 1; end'")
    inside.write("schema/f.yaml", text)
    inside.write("schema/old.yaml", text.replace("one()", "old()").replace("return 1", "retrun 1"))
    assert inside("plan", "--url", url, "--detailed-exitcode").code == 0
    inside.write("schema/f.yaml", text.replace("return 1", "retrun 1"))
    refused = inside("plan", "--url", url)
    assert refused.code == 65
    assert "schema/f.yaml:2:3: function public.one(): PostgreSQL refuses it: " in refused.err


def test_a_function_with_another_body_leaves_the_text_that_names_it(
    tmp_path: Path, database: Callable[[], str]
) -> None:
    """PostgreSQL writes such a check in other words when it reads its own; the live ones still hold."""
    inside, url = Inside(tmp_path), database()
    with psycopg.connect(url) as connection:
        connection.execute(
            "CREATE FUNCTION plain(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT lower($1)'"
        )
        connection.execute("CREATE TABLE t (a varchar(9) CHECK (plain(a) <> '' AND a IN ('x', 'y')))")
    assert inside("pull", "--url", url).code == 0
    for file in (tmp_path / "schema").rglob("*.yaml"):
        file.write_text(file.read_text().replace("SELECT lower", "SELECT upper"))
    steps = inside("plan", "--url", url, "--format", "json").data["steps"]
    assert [step["object"] for step in steps] == ["function:public.plain(text)"]


def test_a_file_that_is_no_plan_is_told_as_that(tmp_path: Path) -> None:
    inside = Inside(tmp_path)
    inside.write("schema/t.yaml", "tables: {t: {columns: {id: integer}}}\n")
    shown = inside("show", "schema/t.yaml")
    assert (shown.code, shown.err.count("schema/t.yaml:1:1")) == (65, 1)
    assert "schema/t.yaml:1:1: this is not a plan file" in shown.err
    out = inside("plan", "--url", "postgresql:///x", "--out", "schema")
    assert (out.code, "--out schema: this is a folder" in out.err) == (64, True)
    assert inside("plan", "--url", "mysql://h/d").code == 64


def test_what_init_says_next_can_be_pasted(tmp_path: Path, database: Callable[[], str]) -> None:
    url = database()
    for name in ("plain", "secret"):
        (tmp_path / name).mkdir()
    plain, secret = Inside(tmp_path / "plain"), Inside(tmp_path / "secret")
    assert f"Next: reconcile adopt --url {shlex.quote(url)}\n" in plain("init", "--url", url).out
    hidden = psycopg.conninfo.make_conninfo(url, password="sekret-pw")
    assert 'Next: reconcile adopt --url "$DATABASE_URL"\n' in secret("init", "--url", hidden).out


def test_what_plan_says_next_can_be_pasted(tmp_path: Path, database: Callable[[], str]) -> None:
    inside, url = Inside(tmp_path), database()
    inside.write("my schema/t.yaml", "tables: {t: {columns: {id: integer}}}\n")
    said = inside("plan", "--url", url, "--schema", "my schema").out
    following = said.splitlines()[-1].removeprefix("Next: ")
    assert following == f"reconcile plan --url {shlex.quote(url)} --schema 'my schema' --save"
    saved = inside(*shlex.split(following)[1:]).out
    following = saved.splitlines()[-1].removeprefix("Next: ")
    assert following == f"reconcile apply plans/default/0001_create_t.plan.yaml --url {shlex.quote(url)}"
    assert inside(*shlex.split(following)[1:]).code == 0
    assert url not in inside("plan", "--url", url, "--schema", "my schema", "--format", "markdown").out


def test_schemas_that_are_not_managed_are_never_touched(tmp_path: Path, database: Callable[[], str]) -> None:
    inside, url = Inside(tmp_path), database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE SCHEMA app; CREATE SCHEMA theirs; CREATE TABLE app.t (id int)")
        connection.execute("COMMENT ON SCHEMA theirs IS 'by hand'")
    inside.write("reconcile.yaml", "manage: {schemas: [app]}\n")
    assert inside("pull", "--url", url).code == 0
    assert "theirs" not in "".join(file.read_text() for file in (tmp_path / "schema").rglob("*.yaml"))
    assert inside("plan", "--url", url, "--detailed-exitcode").code == 0


def test_status_and_history_tell_of_runs(inside: Shop) -> None:
    before = inside.reconcile("status", *inside.options, "--format", "json").data
    assert (before["last"], before["moved"], before["in_sync"]) == (None, None, False)
    inside.deploy()
    after = inside.reconcile("status", *inside.options, "--format", "json").data
    assert (after["last"]["outcome"], after["moved"], after["in_sync"]) == ("applied", [], True)
    assert inside.reconcile("status", *inside.options).code == 0
    history = inside.reconcile("history", "--url", inside.url, "--format", "json").data
    assert [run["outcome"] for run in history] == ["applied"]


def test_git_leaves_the_bytes_of_plans_alone(tmp_path: Path) -> None:
    inside = Inside(tmp_path)
    assert inside("init").code == 0
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "config", "core.autocrlf", "true")
    plan = inside.write("plans/prod/0001_x.plan.yaml", "a: 1\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "all")
    for path in (plan, tmp_path / "reconcile.yaml"):
        path.unlink()
    git(tmp_path, "checkout", "-q", "--", ".")
    assert plan.read_bytes() == b"a: 1\n"
    assert b"\r\n" in (tmp_path / "reconcile.yaml").read_bytes()


def test_what_is_declared_and_left_out_at_once_is_refused(inside: Shop) -> None:
    inside.deploy()
    inside.reconcile.write("reconcile.yaml", "manage: {ignore: ['index:public.*', 'table:public.orders']}\n")
    for command in ("plan", "run"):
        done = inside.reconcile(command, *inside.options)
        assert done.code == 65
        assert "schema/shop.yaml:16:3: table:public.orders: " in done.err
        assert "left out by `table:public.orders` under `manage.ignore`" in done.err
        assert "left out by `index:public.*` under `manage.ignore`" in done.err
    inside.reconcile.write("reconcile.yaml", "manage: {schemas: [app]}\n")
    done = inside.reconcile("plan", *inside.options)
    assert done.code == 65
    assert "left out by `manage.schemas: [app]`" in done.err
    inside.reconcile.write("reconcile.yaml", "manage: {ignore: ['table:public.others']}\n")
    assert inside.reconcile("plan", *inside.options, "--detailed-exitcode").code == 0


def test_drift_needs_a_role_that_reads_and_no_more(inside: Shop) -> None:
    inside.deploy()
    role = f"looker_{conninfo_to_dict(inside.url)['dbname']}"
    inside.execute(f"CREATE ROLE {role} LOGIN")
    try:
        url = make_conninfo(inside.url, user=role)
        refused = inside.reconcile("drift", "--url", url, "--schema", "schema")
        assert refused.code == 3
        assert f"the role {role} may not read the journal" in refused.err
        (hint,) = [line.partition("hint: ")[2] for line in refused.err.splitlines() if "hint: " in line]
        assert "INSERT" not in hint
        inside.execute(hint)
        found = inside.reconcile("drift", "--url", url, "--schema", "schema")
        assert (found.code, found.out) == (0, "no drift\n"), found.err
        inside.execute("ALTER TABLE orders ADD COLUMN by_hand text")
        assert "by_hand" in inside.reconcile("drift", "--url", url, "--schema", "schema").out
        writes = inside.reconcile("apply", "--url", url, "--schema", "schema")
        assert writes.code != 0
    finally:
        inside.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_drift_tells_what_others_did(inside: Shop) -> None:
    options = (*inside.options, "--format", "json")
    assert inside.reconcile("drift", *options).data == {"has_baseline": False, "drift": []}
    inside.deploy()
    assert inside.reconcile("drift", *options, "--detailed-exitcode").code == 0
    inside.execute("""
        ALTER TABLE customers ALTER email DROP NOT NULL;
        CREATE INDEX by_hand ON orders (status);
        CREATE TABLE by_hand_too (id int PRIMARY KEY, note text DEFAULT 'x');
        COMMENT ON COLUMN by_hand_too.note IS 'by hand';
        ALTER TABLE orders ADD COLUMN by_hand int;
        DROP INDEX orders_customer_id_idx""")
    done = inside.reconcile("drift", *options, "--detailed-exitcode")
    assert done.code == 2
    assert [(one["object"], one["how"]) for one in done.data["drift"]] == [
        ("column:public.customers.email", "changed"),
        ("column:public.orders.by_hand", "unplanned"),
        ("index:public.by_hand", "unplanned"),
        ("index:public.orders_customer_id_idx", "missing"),
        ("table:public.by_hand_too", "unplanned"),
    ]
    assert inside.reconcile("status", *options).data["moved"] == done.data["drift"]


def test_a_table_that_somebody_dropped_is_told_once(inside: Shop) -> None:
    inside.deploy()
    inside.execute("DROP TABLE orders")
    found = inside.reconcile("drift", *inside.options, "--format", "json").data["drift"]
    assert {"object": "table:public.orders", "how": "missing"} in found
    assert not [one for one in found if one["object"].startswith(("column:public.orders.", "default:"))]


def test_a_change_that_waits_is_no_drift(inside: Shop) -> None:
    inside.deploy()
    inside.declare(NEW_COLUMN)
    assert inside.reconcile("drift", *inside.options, "--detailed-exitcode").code == 0


def test_what_stood_beside_a_first_change_is_no_drift(inside: Shop) -> None:
    inside.execute("CREATE TABLE notes (id integer PRIMARY KEY, said text DEFAULT '')")
    said = "tables: {notes: {columns: {id: %s, said: {type: text, default: \"''\"}}, primary_key: [id]}}\n"
    inside.reconcile.write("schema/shop.yaml", said % "{type: bigint, not_null: true}")
    done = inside.reconcile("run", *inside.options)
    assert done.code == 0, done.err
    assert inside.reconcile("drift", *inside.options, "--detailed-exitcode").code == 0
    inside.execute("ALTER TABLE notes ALTER id TYPE integer")
    found = inside.reconcile("drift", *inside.options, "--format", "json").data["drift"]
    assert [one["object"] for one in found] == ["column:public.notes.id"]


def test_diff_goes_both_ways(inside: Shop, database: Callable[[], str]) -> None:
    inside.deploy()
    inside.declare(NEW_COLUMN)

    def actions(first: str, second: str) -> list[tuple[str, str]]:
        found = inside.reconcile("diff", first, second, "--url", inside.url, "--format", "json")
        assert found.code == 0, found.err
        return [(step["action"], step["object"]) for step in found.data["steps"]]

    column = "column:public.customers.name"
    assert actions("live", "schema") == [("create", column)]
    assert actions("schema", "live") == [("drop", column)]
    assert actions("schema", "schema") == []
    assert actions("live", f"url:{inside.url}") == []
    empty = f"url:{database()}"
    dropped = actions("live", empty)
    assert {action for action, _ in dropped} == {"drop"}
    assert ("drop", "table:public.orders") in dropped


def test_diff_of_two_folders_needs_no_target(inside: Shop) -> None:
    inside.reconcile.write("other/t.yaml", (inside.reconcile.folder / "schema/shop.yaml").read_text())
    inside.declare(NEW_COLUMN)
    done = inside.reconcile("diff", "other", "schema", "--format", "json", "--detailed-exitcode")
    assert done.code == 2
    assert [step["label"] for step in done.data["steps"]] == ["column public.customers.name"]


def test_adopt_takes_what_is_there(inside: Shop) -> None:
    inside.execute("CREATE TABLE alembic_version (version_num text)")
    refused = inside.reconcile("adopt", *inside.options)
    assert refused.code == 3
    assert "create table public.customers" in refused.err
    assert "alembic_version" not in refused.err
    assert inside.reconcile("pull", "--url", inside.url, "--out", "pulled").code == 0
    done = inside.reconcile("adopt", "--url", inside.url, "--schema", "pulled", "--format", "json")
    assert done.code == 0
    (tool,) = done.data["other_tools"]
    assert (tool["object"], tool["tool"]) == ("table:public.alembic_version", "Alembic")
    inside.execute("ALTER TABLE alembic_version ADD by_hand int")
    drift = inside.reconcile("drift", "--url", inside.url, "--schema", "pulled", "--format", "json").data[
        "drift"
    ]
    assert drift == [{"object": "column:public.alembic_version.by_hand", "how": "unplanned"}]


def test_verify_asks_others(inside: Shop) -> None:
    inside.deploy()
    every = ("--with", "pg_dump", "--with", "migra")
    agreed = inside.reconcile("verify", *inside.options, *every, "--format", "json")
    assert agreed.code == 0, agreed.err
    assert [one["auditor"] for one in agreed.data["opinions"]] == ["reconcile", "pg_dump", "migra"]
    inside.execute("CREATE INDEX by_hand ON orders (status)")
    refuted = inside.reconcile("verify", *inside.options, *every, "--format", "json")
    assert refuted.code == 3
    assert all("by_hand" in one["findings"][0] for one in refuted.data["opinions"])
    assert {one["auditor"] for one in refuted.data["opinions"] if one["blind"]} == {"migra"}
    told = inside.reconcile("verify", *inside.options, "--with", "migra").out
    assert "✗ migra sees differences:" in told
    assert "  it can be wrong about changed generated columns, " in told
    assert "  it does not look at " in told


def test_push_shows_what_it_does(inside: Shop) -> None:
    done = inside.reconcile("push", *inside.options)
    assert done.code == 0
    assert "CREATE TABLE public.orders" in done.out
    assert inside.reconcile("push", *inside.options, "--format", "json").data["plans"][0]["ran"] == []


def test_policy_of_a_target_consents(inside: Shop) -> None:
    settings = "targets: {dev: {url_env: SHOP_URL, approve: {data_loss: always}}}\n"
    inside.reconcile.write("reconcile.yaml", settings)
    inside.deploy()
    inside.declare(
        ("      email: {type: text, not_null: true}\n", ""),
        ("    unique:\n      customers_email_key: [email]\n", ""),
    )
    assert inside.reconcile("run", "--url", inside.url).code == 3
    assert inside.reconcile("run", SHOP_URL=inside.url).code == 0


def test_policy_holds_back_long_locks(inside: Shop) -> None:
    settings = "targets: {dev: {url_env: SHOP_URL, approve: {lock: 'table < 1 MB'}}}\n"
    inside.reconcile.write("reconcile.yaml", settings)
    inside.deploy()
    change = ("      id: {type: bigint, not_null: true, identity: always}\n      email: {",
              "      id: {type: integer, not_null: true, identity: always}\n      email: {")  # fmt: skip
    inside.declare(change, ("customer_id: {type: bigint", "customer_id: {type: integer"))
    inside.execute(
        "INSERT INTO customers (email) SELECT n || repeat('x', 500) FROM generate_series(1, 3000) n"
    )
    held = inside.reconcile("run", SHOP_URL=inside.url)
    assert held.code == 3
    assert "blocks writes of public.customers" in held.err
    assert inside.reconcile("run", "--allow", "all", SHOP_URL=inside.url).code == 0


def test_a_lock_that_a_policy_holds_back_can_be_consented_to_by_name(inside: Shop) -> None:
    settings = "targets: {prod: {url_env: SHOP_URL, approve: {lock: 'table < 1 kB'}}}\n"
    inside.reconcile.write("reconcile.yaml", settings)
    inside.deploy()
    inside.declare(("    unique:\n", "    indexes: {by_email: [email]}\n    unique:\n"))
    saved = inside.reconcile("plan", "--save", "--name", "index", SHOP_URL=inside.url)
    assert saved.code == 0, saved.err
    held = inside.reconcile("apply", SHOP_URL=inside.url)
    assert held.code == 3
    assert "--allow table_scan:index:public.by_email" in held.err
    assert "0 MB" not in held.err
    acked = inside.reconcile(
        "ack", "index", "1", "table_scan", "--reason", "small enough", SHOP_URL=inside.url
    )
    assert acked.code == 0, acked.err
    assert inside.reconcile("apply", SHOP_URL=inside.url).code == 0


@pytest.mark.parametrize("rule", ["{nonsense: never}", "{data_loss: perhaps}", "{lock: 'a lot'}"])
def test_policy_that_means_nothing_is_refused(inside: Shop, rule: str) -> None:
    inside.reconcile.write("reconcile.yaml", f"targets: {{dev: {{url_env: SHOP_URL, approve: {rule}}}}}\n")
    assert inside.reconcile("plan", SHOP_URL=inside.url).code == 65
