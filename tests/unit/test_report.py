"""Reports: nothing that matters is hidden, nothing that a name holds gets out."""

from __future__ import annotations

import dataclasses
import json as stdlib_json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reconciler.core.errors import UsageError
from reconciler.core.ident import ObjectId
from reconciler.core.statement import Cost, Hazard, HazardCode, LockMode, Mode, on
from reconciler.engine.plan import Ack, Action, Plan, Step, Touch
from reconciler.engine.planfile import plan_id
from reconciler.report import json, markdown, sql, text
from reconciler.report.markdown import Standing, State
from reconciler.report.words import ended, lock_lines, runs, steps_named, visible
from tests.unit.plan_samples import LEGACY, empty, nasty, sample

pytestmark = pytest.mark.quick
ANSI = re.compile(r"\x1b\[[0-9;]*m")
UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(plan: Plan, **options: Any) -> str:
    return text.render(plan, **{"colour": False, "width": 100, **options})


def acked() -> Plan:
    return dataclasses.replace(sample(), acks=(Ack(6, HazardCode.DATA_LOSS, "copied to s3", "ann"),))


def drops(number: int) -> Plan:
    """A plan that deletes the data of so many tables."""
    steps = []
    for index in range(1, number + 1):
        id = ObjectId("table", ("app", f"table_{index}"))
        hazard = Hazard(HazardCode.DATA_LOSS, id, f"all rows of table_{index} are gone")
        sql = f"DROP TABLE app.table_{index} /* {'x' * 50} */"
        steps.append(Step(index, Action.DROP, id, f"table app.table_{index}", (sql,), (), hazards=(hazard,)))
    return dataclasses.replace(empty(), steps=tuple(steps))


class TestText:
    def test_hazards_that_need_consent_come_before_the_steps(self) -> None:
        report = plain(sample(), title="prod")
        consent = report.index("1 hazard needs your consent")
        assert (
            consent < report.index("every value of the column is gone") < report.index("in a transaction ──")
        )
        assert "--allow data_loss:column:app.users.legacy_id" in report

    def test_every_hazard_that_needs_consent_is_shown_however_many(self) -> None:
        report = plain(drops(300))
        assert all(f"all rows of table_{index} are gone" in report for index in range(1, 301))
        assert "300 hazards need your consent" in report

    def test_consent_is_shown_with_its_reason(self) -> None:
        report = plain(acked())
        assert "consent was given to 1 hazard" in report
        assert "allowed: copied to s3, says ann" in report
        assert report.endswith("Next: reconcile apply PLAN\n")

    def test_every_step_is_there_with_sql_reason_and_source(self) -> None:
        report = plain(sample(), verbose=True)
        for step in sample().steps:
            assert f"{step.number} {'+~-→'[list(Action).index(step.action)]} {step.label}" in report
            assert all(line.strip() in report for sql in step.sql for line in sql.split("\n"))
            assert all(why in report for why in step.why)
            assert step.source is not None
            assert step.source in report

    def test_steps_of_one_table_stand_together_within_a_transaction(self) -> None:
        numbers = [int(found) for found in re.findall(r"^ *(\d+) [-+~→] ", plain(sample()), re.MULTILINE)]
        assert numbers == [1, 2, 3, 7, 4, 5, 6, 8, 10, 11, 9, 12]

    def test_colours_change_nothing_but_the_colours(self) -> None:
        coloured = plain(sample(), colour=True)
        assert ANSI.search(coloured)
        assert ANSI.sub("", coloured) == plain(sample())
        assert "\x1b" not in plain(sample())

    @pytest.mark.parametrize("width", [20, 60, 80, 200])
    def test_sentences_fit_the_window(self, width: int) -> None:
        report = plain(sample(), width=width)
        prose = [line for line in report.split("\n") if "blocks reads" in line or "· app.users" in line]
        assert prose
        assert all(len(line) <= max(width, 34) for line in prose)

    def test_nothing_to_do_is_one_line(self) -> None:
        assert plain(empty()) == "✓ nothing to do. The database is as declared.\n"

    def test_nothing_to_do_still_tells_what_was_not_looked_at(self) -> None:
        plan = dataclasses.replace(empty(), unknown=("cast x",), notes=("order",))
        assert "cast x" in plain(plan)
        assert "order" in plain(plan)

    def test_a_name_cannot_speak_to_the_terminal(self) -> None:
        report = plain(nasty(), verbose=True)
        assert not UNSEEN.search(report)
        assert "\\x1b[31m" in report

    def test_an_edit_by_hand_is_said(self) -> None:
        assert "edited by hand: too slow" in plain(dataclasses.replace(sample(), edited="too slow"))

    def test_long_sql_is_cut_and_says_so(self) -> None:
        body = "\n".join(f"line {number}" for number in range(40))
        step = dataclasses.replace(sample().steps[8], number=1, sql=(body,))
        plan = dataclasses.replace(empty(), steps=(step,))
        assert "24 more lines: reconcile explain PLAN 1" in plain(plan)
        assert "line 39" in plain(plan, verbose=True)
        assert "line 39" in text.render_step(plan, 1, colour=False, width=80)

    def test_one_step_is_explained(self) -> None:
        report = text.render_step(sample(), 6, colour=False, width=80)
        assert "step 5 (column app.users.balance)" in report
        assert "access exclusive on app.users" in report
        assert "--allow data_loss:column:app.users.legacy_id" in report
        report = text.render_step(sample(), 5, colour=False, width=80)
        assert "before   step 6 (column app.users.legacy_id)" in report
        assert "outside any transaction" in text.render_step(sample(), 12, colour=False, width=80)

    def test_a_step_that_is_not_there_is_refused(self) -> None:
        with pytest.raises(UsageError) as caught:
            text.render_step(sample(), 13, colour=False, width=80)
        assert caught.value.hint is not None
        assert "from 1 to 12" in caught.value.hint


class TestWords:
    def test_a_lock_lasts_until_the_slow_step_after_it(self) -> None:
        held = {step.number: lock_lines(step, run) for run in runs(sample()) for step in run.steps}
        assert held[4] == ("blocks reads and writes of app.users until step 5 is through",)
        assert held[5] == ("blocks reads and writes of app.users while the table is written anew",)
        assert held[7] == ("blocks writes to app.orders and app.users until step 8 is through",)
        assert held[10] == ("blocks reads and writes of app.users for a moment",)
        assert held[12] == ("reads and writes of app.users go on",)

    @pytest.mark.parametrize("mode", LockMode)
    def test_every_lock_has_words(self, mode: LockMode) -> None:
        step = dataclasses.replace(sample().steps[3], locks=on("app.t", mode), cost=Cost.BUILD)
        (line,) = lock_lines(step, runs(dataclasses.replace(empty(), steps=(step,)))[0])
        # PostgreSQL's manual, table 13.2: what conflicts with SELECT's and INSERT's own modes.
        reads_wait = mode is LockMode.ACCESS_EXCLUSIVE
        writes_wait = reads_wait or mode in (LockMode.SHARE, LockMode.SHARE_ROW_EXCLUSIVE, LockMode.EXCLUSIVE)
        assert ("blocks reads" in line) == reads_wait
        assert ("writes" in line and "blocks" in line) == writes_wait

    def test_what_must_be_alone_is_alone_even_where_groups_say_otherwise(self) -> None:
        steps = tuple(dataclasses.replace(step, group=1) for step in sample().steps)
        parts = runs(dataclasses.replace(sample(), steps=steps))
        assert [[step.number for step in part.steps] for part in parts] == [[1], [*range(2, 12)], [12]]
        assert [part.is_transaction for part in parts] == [True, True, False]

    def test_numbers_are_named_in_spans(self) -> None:
        assert steps_named([3]) == "step 3"
        assert steps_named([5, 1, 2, 3]) == "steps 1-3, 5"
        assert steps_named([1, 2]) == "steps 1, 2"

    def test_what_cannot_be_seen_is_written_out(self) -> None:
        assert visible("a\n b\t\x1b[0m\u202e\x07é日") == "a b \\x1b[0m\\u202e\\x07é日"

    def test_a_semicolon_is_out_of_reach_of_a_comment(self) -> None:
        assert ended("SELECT 1") == "SELECT 1;"
        assert ended("SELECT 1 -- one") == "SELECT 1 -- one\n;"
        assert ended("SELECT 1 -- one\n") == "SELECT 1 -- one\n;"


def tokens(comment: str) -> list[Token]:
    """Every token of the comment as GitHub's dialect reads it, those inside paragraphs included."""
    found: list[Token] = []
    for token in MarkdownIt("commonmark").enable("table").parse(comment):
        found += [token, *(token.children or [])]
    return found


OURS = re.compile(
    r"(<!-- reconcile:comment target=[^ >]* -->|<!-- reconcile:meta \{[\w\":,]*\} -->"
    r"|<details><summary>[\w ,:()]*</summary>|</details>|</?sub>|</?code>|<br>)\s*"
)


def foreign(comment: str) -> list[str]:
    """HTML, links and pictures in a comment that are not ours."""
    found = [t.content for t in tokens(comment) if t.type.startswith("html") and OURS.sub("", t.content)]
    return found + [t.type for t in tokens(comment) if t.type in ("link_open", "image")]


class TestMarkdown:
    def test_the_state_follows_from_the_plan(self) -> None:
        assert "🟠 Schema plan · `prod` · **+7 ~3 \u22121 →1**" in markdown.render(sample(), target="prod")
        assert "🔵" in markdown.render(acked(), target="prod")
        assert "🟢 Schema plan · `prod` · no changes" in markdown.render(empty(), target="prod")
        assert "❌" in markdown.render(None, target="prod")

    @pytest.mark.parametrize("state", State)
    def test_each_state_is_said_and_keeps_the_marker_first(self, state: State) -> None:
        comment = markdown.render(sample(), target="prod", state=Standing(state, "15:31, all went well"))
        assert comment.startswith(markdown.marker("prod") + "\n")
        headline = next(line for line in comment.split("\n") if line.startswith("### "))
        assert state.value in headline
        assert "15:31, all went well" in comment
        assert not foreign(comment)

    def test_the_marker_depends_on_the_target_alone(self) -> None:
        first = {
            markdown.render(plan, target="prod/app").split("\n")[0] for plan in (sample(), empty(), None)
        }
        assert first == {"<!-- reconcile:comment target=prod/app -->"}
        targets = ["a", "b", "a b", "a--b", "a-%2Db", "a-->b", "a\nb"]
        assert len({markdown.marker(target) for target in targets}) == len(targets)

    def test_what_deletes_data_stands_in_the_open(self) -> None:
        comment = markdown.render(sample(), target="prod")
        caution = comment.index("> [!CAUTION]\n> **Step 6 deletes data**: `column app.users.legacy_id`")
        assert caution < comment.index("<details>")

    def test_done_or_allowed_is_no_caution(self) -> None:
        assert "[!CAUTION]" not in markdown.render(acked(), target="prod")
        assert "Allowed: copied to s3 (`ann`)" in markdown.render(acked(), target="prod")
        assert "[!CAUTION]" not in markdown.render(sample(), target="prod", state=State.APPLIED)

    def test_stale_keeps_the_plan_but_folds_it(self) -> None:
        comment = markdown.render(sample(), target="prod", state=State.STALE)
        assert comment.index("[!CAUTION]") < comment.index("<details><summary>The plan that is stale")
        assert comment.index("The plan that is stale") < comment.index("| # | Change |")

    def test_the_table_has_a_row_for_each_step(self) -> None:
        kinds = [token.type for token in tokens(markdown.render(sample(), target="prod"))]
        assert kinds.count("tr_open") == 13
        assert kinds.count("td_open") == 12 * 5

    @pytest.mark.parametrize("plan", [sample(), nasty(), drops(3)], ids=["sample", "nasty", "drops"])
    def test_details_are_closed_as_often_as_opened(self, plan: Plan) -> None:
        html = "".join(
            t.content for t in tokens(markdown.render(plan, target="prod")) if t.type == "html_block"
        )
        assert html.count("<details>") == html.count("</details>") > 0

    def test_names_cannot_break_out(self) -> None:
        comment = markdown.render(nasty(), target="--> <b>", file="plans/`x`|<i>.yaml")
        assert not foreign(comment)
        assert [token.type for token in tokens(comment)].count("td_open") == 5
        assert not UNSEEN.search(comment)
        prose = [token.content for token in tokens(comment) if token.type == "text"]
        in_code = "".join(re.findall(r"<code>.*?</code>", comment))
        assert "@octocat" in in_code
        outside = re.sub(r"<code>.*?</code>|`+sql\n.*?\n`{4,}", "", comment, flags=re.DOTALL)
        assert "octocat" in outside
        assert "@octocat" not in outside
        assert not any("https://" in text for text in prose)

    def test_the_sql_stays_in_its_fence(self) -> None:
        fences = [t.content for t in tokens(markdown.render(nasty(), target="p")) if t.type == "fence"]
        assert len(fences) == 1
        assert fences[0].endswith("**b** $(rm) ![i](u);\n")

    @settings(deadline=None, max_examples=60)
    @given(st.text("`|<>@#_*-\\[]()!&;:\n\r ~$1a/", max_size=30))
    def test_no_name_breaks_out(self, name: str) -> None:
        id = ObjectId("table", ("app", name or "x"))
        hazards = (Hazard(HazardCode.DATA_LOSS, id, name),)
        step = Step(1, Action.DROP, id, name, (name,), (name,), name, locks=on(name), hazards=hazards)
        plan = Plan(18, "", (step,), {}, unknown=(name,), notes=(name,))
        comment = markdown.render(plan, target=name, file=name, state=Standing(State.BLOCKED, name))
        assert not foreign(comment)
        kinds = [token.type for token in tokens(comment)]
        assert kinds.count("td_open") == 5
        assert kinds.count("fence") == 1
        assert kinds.count("heading_open") == 1
        assert kinds.count("list_item_open") == 2

    @pytest.mark.parametrize("budget", [6_000, 10_000, 20_000, 60_000])
    @pytest.mark.parametrize("state", [None, State.STALE])
    @pytest.mark.parametrize(
        "plan", [sample(), nasty(), drops(40), drops(2_000)], ids=["sample", "nasty", "40", "2000"]
    )
    def test_the_budget_holds(self, budget: int, state: State | None, plan: Plan) -> None:
        comment = markdown.render(
            plan, target="prod", budget=budget, state=state, file="plans/prod/0007_x.plan.yaml"
        )
        assert len(comment) <= budget
        assert "Schema plan" in comment
        assert "[!CAUTION]" in comment
        opened = comment.count("<details><summary>"), comment.count("\n</details>\n")
        assert opened[0] == opened[1]
        assert not foreign(comment)

    def test_sql_is_dropped_before_the_table_and_the_last_first(self) -> None:
        comment = markdown.render(drops(40), target="prod", budget=11_500, file="plans/7.plan.yaml")
        kinds = [token.type for token in tokens(comment)]
        assert kinds.count("tr_open") == 41
        assert "DROP TABLE app.table_1 " in comment
        assert "DROP TABLE app.table_40 " not in comment
        assert re.search(r"The SQL of steps \d+-40 is left out here: see `plans/7\.plan\.yaml`\.", comment)

    def test_a_failure_shows_the_error_as_it_is(self) -> None:
        error = "schema/users.yaml:3:4: `x`\n```\n<b>"
        comment = markdown.render(None, target="prod", state=Standing(State.FAILED, error))
        assert [t.content for t in tokens(comment) if t.type == "fence"] == [error + "\n"]


class TestJson:
    def test_it_is_stable_and_complete(self) -> None:
        data = stdlib_json.loads(json.render(sample()))
        assert json.render(sample()) == json.render(sample())
        assert data["id"] == plan_id(sample())
        assert data["counts"] == {"create": 7, "alter": 3, "drop": 1, "rename": 1}
        assert [step["number"] for step in data["steps"]] == [*range(1, 13)]
        assert {field.name for field in dataclasses.fields(Step)} == set(data["steps"][0])
        assert [(hazard["step"], hazard["code"]) for hazard in data["blocking"]] == [(6, "data_loss")]
        assert data["blocking"][0]["object"] == str(LEGACY)
        assert len(data["hazards"]) == len(sample().hazards)
        assert data["unknown"] == list(sample().unknown)
        assert data["notes"] == list(sample().notes)

    def test_consent_leaves_the_hazard_but_unblocks(self) -> None:
        data = stdlib_json.loads(json.render(acked()))
        assert data["blocking"] == []
        assert data["acks"] == [{"step": 6, "code": "data_loss", "reason": "copied to s3", "by": "ann"}]
        assert any(hazard["needs_consent"] for hazard in data["hazards"])

    def test_keys_are_there_even_where_there_is_nothing(self) -> None:
        assert set(stdlib_json.loads(json.render(empty()))) == set(stdlib_json.loads(json.render(sample())))


class TestSql:
    def test_transactions_are_as_the_plan_has_them(self) -> None:
        lines = sql.render(sample()).splitlines()
        frame = [line for line in lines if line in ("BEGIN;", "COMMIT;") or line.startswith("-- step")]
        frame = [re.sub(r"-- step (\d+):.*", r"\1", line) for line in frame]
        middle = [str(number) for number in range(2, 12)]
        assert frame == ["BEGIN;", "1", "COMMIT;", "BEGIN;", *middle, "COMMIT;", "12"]

    def test_every_statement_is_there_and_ends(self) -> None:
        script = sql.render(sample())
        for step in sample().steps:
            for statement in step.sql:
                assert f"\n{statement};\n" in script

    def test_a_commit_after_ends_its_transaction_even_within_a_group(self) -> None:
        steps = tuple(dataclasses.replace(step, group=1) for step in sample().steps[:3])
        assert steps[0].mode is Mode.COMMIT_AFTER
        script = sql.render(dataclasses.replace(sample(), steps=steps))
        assert script.count("BEGIN;") == script.count("COMMIT;") == 2

    def test_what_deletes_data_is_said_at_the_top(self) -> None:
        script = sql.render(sample())
        assert script.index("-- HAZARD: step 6, data_loss") < script.index("BEGIN;")

    def test_a_name_cannot_end_a_comment(self) -> None:
        statement = nasty().steps[0].sql[0]
        rest = sql.render(nasty()).replace(statement, "").splitlines()
        allowed = ("--", "SET ", "\\", "BEGIN;", "COMMIT;", ";")
        assert all(not line or line.startswith(allowed) for line in rest)

    def test_nothing_to_do_runs_nothing(self) -> None:
        assert all(line.startswith("--") for line in sql.render(empty()).splitlines())


def test_reports_do_not_depend_on_the_order_of_touches() -> None:
    plan = sample()
    turned = dataclasses.replace(plan, touches=dict(sorted(plan.touches.items(), reverse=True)))
    assert isinstance(next(iter(turned.touches.values())), Touch)
    for one, other in ((plain(plan), plain(turned)), (json.render(plan), json.render(turned))):
        assert one == other
