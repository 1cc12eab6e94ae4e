"""Every format of plan, show, diff, check and drift: of what was found, and of why a command failed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from reconciler.cli.formats import FindingsFormat, Format
from tests.cli.conftest import Inside, Shop

BAD_COLUMN = ("      email: {type: text", "      email: {typ: text")
DROPPED = (
    ("      email: {type: text, not_null: true}\n", ""),
    (
        "    unique:\n      customers_email_key: [email]\n",
        "",
    ),
)
FOR_MACHINES = [format for format in Format if format not in (Format.TEXT, Format.SQL)]


@pytest.mark.parametrize("format", FOR_MACHINES)
def test_a_failure_is_told_in_the_format_and_to_people(inside: Shop, format: Format) -> None:
    inside.declare(BAD_COLUMN)
    done = inside.reconcile("plan", *inside.options, "--format", format)
    assert done.code == 65
    assert "error: " in done.err
    assert "schema/shop.yaml:11:15: " in done.err
    assert "unknown key `typ`" in done.err
    told = "invalid_input" if format is Format.GITLAB_TERRAFORM else "unknown key `typ`"
    assert told in done.out


@pytest.mark.parametrize("format", [Format.TEXT, Format.SQL])
def test_a_failure_writes_no_result_for_people(inside: Shop, format: Format) -> None:
    inside.declare(BAD_COLUMN)
    done = inside.reconcile("plan", *inside.options, "--format", format)
    assert (done.code, done.out) == (65, "")


def test_a_failure_annotates_line_and_column(inside: Shop) -> None:
    inside.declare(BAD_COLUMN)
    lines = inside.reconcile("plan", *inside.options, "--format", "github").out.splitlines()
    assert all(line.startswith("::error file=schema/shop.yaml,line=11,") for line in lines)
    assert lines[-1].startswith(
        "::error file=schema/shop.yaml,line=11,col=15,title=Invalid input (default)::"
    )


def test_paths_are_told_from_the_top_of_the_repository(inside: Shop, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    service = Inside(tmp_path / "services" / "shop")
    service.write("reconcile.yaml", "schema: schema/\ntargets: {prod: {url_env: SHOP_URL}}\n")
    service.write("schema/one.yaml", "tables:\n  a:\n    colums: {}\n")
    for arguments in (("check",), ("plan",), ("check", "--schema", "schema")):
        out = service(*arguments, "--format", "github", SHOP_URL=inside.url).out
        assert "file=services/shop/schema/one.yaml,line=3,col=5" in out
    deeper = Inside(service.folder / "schema")
    assert "file=services/shop/schema/one.yaml," in deeper("check", "--format", "github").out


def test_a_server_that_is_away_fails_in_every_format(inside: Shop) -> None:
    nowhere = ("--url", "postgresql://somebody:hush@127.0.0.1:1/none", "--schema", "schema")
    for format in FOR_MACHINES:
        done = inside.reconcile("plan", *nowhere, "--format", format)
        assert done.code == 1
        assert "connection_failed" in done.out or "plan failed" in done.out or "Connection failed" in done.out
        assert "hush" not in done.out + done.err


@pytest.mark.parametrize(
    "words",
    [
        ("push", "--schema", "schema"),
        ("verify", "--schema", "schema", "--with", "pg_dump"),
        ("status",),
        ("history",),
        ("pull", "--out", "pulled"),
        ("adopt", "--schema", "schema"),
        ("wait", "--to", "1"),
    ],
)
def test_a_failure_is_json_whatever_the_command(inside: Shop, words: tuple[str, ...]) -> None:
    away = "postgresql://somebody@127.0.0.1:1/away"
    done = inside.reconcile(*words, "--url", away, "--format", "json")
    error = done.data["error"]
    assert error["exit_code"] == done.code > 0
    assert error["message"] in done.err


def test_the_formats_of_a_plan(inside: Shop) -> None:
    inside.deploy()
    inside.declare(*DROPPED)
    shown = {format: inside.reconcile("plan", *inside.options, "--format", format) for format in Format}
    assert {done.code for done in shown.values()} == {0}
    assert json.loads(shown[Format.GITLAB_TERRAFORM].out) == {"create": 0, "update": 0, "delete": 2}
    data = shown[Format.JSON].data
    assert data["labels"] == ["schema/needs-approval", "schema/destructive"]
    (lost,) = [one for one in shown[Format.GITLAB_CODEQUALITY].data if one["check_name"] == "data_loss"]
    assert lost["severity"] == "blocker"
    suite = ElementTree.fromstring(shown[Format.JUNIT].out)[0]
    assert suite.get("failures") == "1"
    (run,) = shown[Format.SARIF].data["runs"]
    assert "data_loss" in {result["ruleId"] for result in run["results"]}
    assert "::error " in shown[Format.GITHUB].out
    assert "[!CAUTION]" in shown[Format.MARKDOWN].out


def test_sizes_are_those_of_the_database(inside: Shop) -> None:
    inside.deploy()
    inside.execute("INSERT INTO customers (email) SELECT 'c' || n FROM generate_series(1, 5000) AS n")
    inside.execute("ANALYZE customers")
    inside.declare(*DROPPED)
    data = inside.reconcile("plan", *inside.options, "--format", "json").data
    size = data["sizes"]["public.customers"]
    assert size["rows"] == 5000
    assert size["size_bytes"] == inside.execute("SELECT pg_total_relation_size('customers')")[0][0]
    comment = inside.reconcile("plan", *inside.options, "--format", "markdown").out
    assert "`public.customers`: about 5 k rows, " in comment


def test_a_size_that_cannot_be_had_holds_nothing_up(inside: Shop) -> None:
    inside.deploy()
    inside.execute("CREATE TABLE measured (day date) PARTITION BY RANGE (day)")
    inside.execute("CREATE TABLE measured_1 PARTITION OF measured DEFAULT")
    done = inside.reconcile("plan", *inside.options, "--format", "json")
    assert done.code == 0
    assert done.data["sizes"]["public.measured"] == {
        "size_bytes": inside.execute("SELECT pg_total_relation_size('measured_1')")[0][0],
        "rows": None,
    }


def test_what_the_target_approves_needs_no_more_approval(inside: Shop) -> None:
    inside.deploy()
    inside.declare(*DROPPED)
    target = "targets: {prod: {url_env: SHOP_URL, approve: {data_loss: always}}}\n"
    inside.reconcile.write("reconcile.yaml", target)
    done = inside.reconcile("plan", "--target", "prod", "--format", "markdown", SHOP_URL=inside.url)
    assert "· 1 destructive · safe" in done.out
    assert "[!CAUTION]" not in done.out
    assert "Allowed: " in done.out
    assert "`reconcile plan --target prod --save` plans again" in done.out


def test_a_policy_that_holds_back_is_blocked(inside: Shop) -> None:
    inside.deploy()
    inside.declare(("status: {type: status", "status: {type: text"), ("\"'open'\"}", "\"'open'::text\"}"))
    target = 'targets: {prod: {url_env: SHOP_URL, approve: {lock: "table < 1 kB"}}}\n'
    inside.reconcile.write("reconcile.yaml", target)

    def planned(format: str) -> Any:
        return inside.reconcile("plan", "--target", "prod", "--format", format, SHOP_URL=inside.url)

    assert planned("json").data["state"] == "blocked"
    comment = planned("markdown").out
    assert "### 🔴 Schema plan · `prod` · " in comment
    assert "blocks writes of public.orders" in comment
    suite = ElementTree.fromstring(planned("junit").out)[0]
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failed == ["the target's policy lets it pass"]


def test_a_long_plan_keeps_to_its_budget(inside: Shop) -> None:
    tables = "".join(f"  t{n}:\n    columns: {{a: text, b: text, c: text}}\n" for n in range(200))
    inside.reconcile.write("schema/shop.yaml", f"tables:\n{tables}")
    done = inside.reconcile("plan", *inside.options, "--format", "markdown", "--max-chars", "7000")
    assert len(done.out) <= 7000
    assert "**+200**" in done.out
    assert inside.reconcile("plan", *inside.options, "--max-chars", "100").code == 64


def test_the_chain_is_a_check_of_its_own(inside: Shop) -> None:
    inside.reconcile.write("reconcile.yaml", "targets: {prod: {url_env: SHOP_URL}}\n")

    def plan(*arguments: str) -> Any:
        return inside.reconcile("plan", "--target", "prod", *arguments, SHOP_URL=inside.url)

    broken = plan("--check", "--format", "junit")
    assert broken.code == 3
    (suite,) = ElementTree.fromstring(broken.out)
    assert [case.get("name") for case in suite] == [
        "the schema files are valid",
        "the chain leads to the schema",
    ]
    assert suite[1].find("failure") is not None
    assert "🔴" in plan("--check", "--format", "markdown").out
    saved = plan("--save", "--format", "markdown")
    assert "saved as `plans/prod/0001_" in saved.out
    good = plan("--check", "--format", "junit")
    assert good.code == 0
    assert ElementTree.fromstring(good.out)[0].get("failures") == "0"
    assert "the chain leads to " in plan("--check").out
    both = inside.reconcile("show", "--all", "--format", "markdown").out
    assert both.startswith("<!-- reconcile:comment target=%2A -->\n")
    assert "| `prod` | 🔵 safe |" in both
    assert [one["target"] for one in inside.reconcile("show", "--all", "--format", "json").data] == ["prod"]
    assert inside.reconcile("show", "--all").code == 64
    shown = inside.reconcile("show", "--format", "markdown")
    assert shown.out.split("\n")[0] == saved.out.split("\n")[0]


def test_a_check_of_the_chain_is_told_in_the_format_that_was_asked_for(inside: Shop) -> None:
    inside.reconcile.write("reconcile.yaml", "targets: {prod: {url_env: SHOP_URL}}\n")

    def plan(*arguments: str, url: str = inside.url) -> Any:
        return inside.reconcile("plan", "--target", "prod", *arguments, SHOP_URL=url)

    assert plan("--save", "--name", "start").code == 0
    file = "0001_start.plan.yaml"
    live = plan("--check", "--format", "json")
    assert live.data == {
        "target": "prod", "schema": "schema", "leads_to_schema": True, "saved": 1, "pending": [file],
        "remade": [], "edited": [], "state": "safe",
    }  # fmt: skip
    offline = ("--check", "--from", "chain")
    away = "host=192.0.2.1 connect_timeout=1"
    data = plan(*offline, "--format", "json", url=away).data
    assert (data["pending"], data["remade"], data["state"]) == (None, [file], "no changes")
    comment = plan(*offline, "--format", "markdown", url=away).out
    assert comment.startswith("<!-- reconcile:comment target=prod -->\n")
    assert "the chain leads to schema: 1 saved, made again: " in comment
    for format in ("sql", "gitlab-terraform"):
        for arguments in (("--check",), offline):
            refused = plan(*arguments, "--format", format)
            assert refused.code == 64
            assert f"--check has no --format {format}" in refused.err
    inside.declare(("    comment: What was bought.\n", ""))
    broken = plan("--check", "--format", "json")
    assert broken.code == 3
    assert broken.data["error"]["code"] == "blocked"


def test_who_must_approve_is_told_and_nobody_is_called(inside: Shop) -> None:
    inside.reconcile.write("reconcile.yaml", "targets: {prod: {url_env: SHOP_URL}}\n")
    (inside.reconcile.folder / ".git").mkdir()
    owners = "[Database][2]\n/plans/ @acme/dba @ada\n^[Docs]\n/plans/ docs@example.org\n"
    inside.reconcile.write(".gitlab/CODEOWNERS", owners)

    def call(*arguments: str) -> Any:
        return inside.reconcile(*arguments, SHOP_URL=inside.url)

    assert call("plan", "--format", "json").data["owners"] == []  # no chain: nobody approves a file
    saved = call("plan", "--save", "--format", "markdown").out
    told = "Approval by: 2 of `@acme/dba` or `@ada` (Database); `docs@example.org` (Docs, optional)."
    assert told in saved
    assert "@" not in saved.replace("`@acme/dba` or `@ada`", "").replace("`docs@example.org`", "")
    assert told in call("show", "--format", "markdown").out
    assert told in call("show", "--all", "--format", "markdown").out
    first, second = call("show", "--format", "json").data["owners"]
    assert first == {
        "names": ["@acme/dba", "@ada"], "section": "Database", "is_optional": False, "approvals": 2
    }  # fmt: skip
    assert second["is_optional"]
    assert "Approval by: 2 of @acme/dba or @ada (Database); " in call("plan").out
    assert call("apply", "--all").code == 0
    assert "Approval" not in call("plan", "--format", "markdown").out


def test_what_was_applied_is_a_comment(inside: Shop) -> None:
    inside.reconcile.write("reconcile.yaml", "targets: {prod: {url_env: SHOP_URL}}\n")

    def call(*arguments: str) -> Any:
        return inside.reconcile(*arguments, SHOP_URL=inside.url)

    assert call("plan", "--save", "--name", "start").code == 0
    inside.declare(("    comment: What was bought.\n", ""))
    assert call("plan", "--from", "chain", "--save", "--name", "less").code == 0
    first = call("apply", "--format", "markdown")
    assert first.code == 0, first.err
    marker = "<!-- reconcile:comment target=prod -->\n"
    assert first.out.startswith(marker)
    (headline,) = [line for line in first.out.splitlines() if line.startswith("### ")]
    assert re.fullmatch(
        r"### ✅ Schema plan · `prod` · \*\*\+\d+\*\*"
        r" · applied \d{4}-\d\d-\d\d \d\d:\d\d UTC, (\d+)/\1 steps, \d+\.\d s",
        headline,
    )
    assert "saved as `plans/prod/0001_start.plan.yaml`" in first.out
    assert "1 more plan pending." in first.out
    second = call("run", "--format", "markdown").out
    assert "### ✅ Schema plan · `prod` · " in second
    assert "1/1 steps" in second
    assert "### 🟢 Schema plan · `prod` · no changes" in call("run", "--format", "markdown").out
    again = call("apply", "plans/prod/0002_less.plan.yaml", "--format", "markdown").out
    assert "applied before; nothing was run" in again
    assert call("apply", "--all", "--format", "json").data == {"plans": [], "pending": 0}


def test_several_plans_that_were_applied_are_one_comment(inside: Shop) -> None:
    inside.reconcile.write("reconcile.yaml", "targets: {prod: {url_env: SHOP_URL}}\n")
    for name, change in {"start": (), "less": (("    comment: What was bought.\n", ""),)}.items():
        inside.declare(*change)
        saved = inside.reconcile("plan", "--from", "chain", "--save", "--name", name)
        assert saved.code == 0, saved.err
    done = inside.reconcile("apply", "--all", "--format", "markdown", SHOP_URL=inside.url)
    assert done.code == 0, done.err
    assert len(re.findall("^### ", done.out, re.MULTILINE)) == 1
    assert re.search(r"^\| `plans/prod/0001_start.plan.yaml` \| (\d+)/\1 \| \d", done.out, re.MULTILINE)
    assert "| `plans/prod/0002_less.plan.yaml` | 1/1 | " in done.out


def test_an_apply_that_fails_is_told_in_its_format(inside: Shop) -> None:
    inside.deploy()
    inside.declare(*DROPPED)
    held = inside.reconcile("run", *inside.options, "--format", "markdown")
    assert held.code == 3
    assert "### 🔴 Schema plan · `default` · **blocked**" in held.out
    assert "column:public.customers.email" in held.out
    data = inside.reconcile("run", *inside.options, "--format", "json").data
    assert (data["error"]["code"], data["error"]["exit_code"]) == ("blocked", 3)
    away = ("--url", "postgresql://somebody:hush@127.0.0.1:1/none")
    for command in (("run", "--schema", "schema"), ("apply", "--all")):
        failed = inside.reconcile(*command, *away, "--format", "markdown")
        if command[0] == "run":
            assert "### ❌ Schema plan · `default` · **apply failed**" in failed.out
        assert failed.code in (1, 64)
        assert "hush" not in failed.out + failed.err


def test_text_tells_sizes_and_what_a_policy_holds_back(inside: Shop) -> None:
    inside.deploy()
    inside.execute("INSERT INTO customers (email) SELECT 'c' || n FROM generate_series(1, 5000) AS n")
    inside.execute("ANALYZE customers")
    inside.declare(("      email: {", "      name: text\n      email: {"))
    (line,) = [
        line for line in inside.reconcile("plan", *inside.options).out.splitlines() if "blocks reads" in line
    ]
    assert re.search(r"of public\.customers \(about 5 k rows, [\d.]+ kB\) for a moment", line)
    inside.declare(("    unique:\n", "    indexes: {by_email: [email]}\n    unique:\n"))
    target = 'targets: {prod: {url_env: SHOP_URL, approve: {lock: "table < 1 kB"}}}\n'
    inside.reconcile.write("reconcile.yaml", target)
    shown = inside.reconcile("plan", "--target", "prod", SHOP_URL=inside.url).out
    assert "✗ held back: locks on large tables need consent" in shown
    assert "nothing was run" not in shown


@pytest.mark.parametrize("format", [one for one in FindingsFormat if one is not FindingsFormat.TEXT])
def test_check_tells_faults_in_each_format(inside: Shop, format: FindingsFormat) -> None:
    good = inside.reconcile("check", "--format", format)
    assert good.code == 0
    inside.declare(BAD_COLUMN)
    bad = inside.reconcile("check", "--format", format)
    assert bad.code == 65
    assert "unknown key `typ`" in bad.out
    assert "unknown key `typ`" not in good.out


@pytest.mark.parametrize("format", [one for one in FindingsFormat if one is not FindingsFormat.TEXT])
def test_drift_is_told_in_each_format(inside: Shop, format: FindingsFormat) -> None:
    inside.deploy()
    inside.execute("ALTER TABLE customers ADD COLUMN by_hand text")
    done = inside.reconcile("drift", *inside.options, "--detailed-exitcode", "--format", format)
    assert done.code == 2
    assert "public.customers.by_hand" in done.out


def test_diff_shows_no_password(inside: Shop) -> None:
    secret = inside.url.replace("postgresql://", "postgresql://", 1)
    state = f"url:{secret}" if "@" in secret else f"url:{secret} password=hush"
    done = inside.reconcile("diff", state, "schema", "--format", "markdown")
    assert "hush" not in done.out
    away = "url:postgresql://somebody:hush@127.0.0.1:1/none"
    for format in FOR_MACHINES:
        done = inside.reconcile("diff", away, "schema", "--format", format)
        assert done.code == 1
        assert "hush" not in done.out + done.err


def test_an_error_commands_neither_terminal_nor_runner(inside: Shop) -> None:
    inside.reconcile.write("schema/\x1b[31m.yaml", "tables: [1]\n")
    done = inside.reconcile("check")
    assert done.code == 65
    assert "\x1b" not in done.err
    assert "\\x1b[31m" in done.err
    inside.reconcile.write("schema/a\n::add-mask::b\n ##[error]c.yaml", "tables: [1]\n")
    done = inside.reconcile("check", "--format", "github", GITHUB_ACTIONS="true")
    assert "add-mask" in done.err
    for line in done.err.splitlines():
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
    assert all(line.startswith("::error ") for line in done.out.splitlines())


def test_the_page_of_the_run_is_linked(inside: Shop) -> None:
    run = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "ada/shop",
        "GITHUB_RUN_ID": "7",
    }
    out = inside.reconcile("plan", *inside.options, "--format", "markdown", **run).out
    assert "[run](https://github.com/ada/shop/actions/runs/7)" in out
    ours = inside.reconcile("plan", *inside.options, "--format", "markdown", GITHUB_ACTIONS="").out
    assert "[run]" not in ours
