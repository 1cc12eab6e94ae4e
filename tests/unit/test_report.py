"""Reports: nothing that matters is hidden, nothing that a name holds gets out."""

from __future__ import annotations

import dataclasses
import json as stdlib_json
import re
from typing import Any

import pytest

from reconciler.core.errors import UsageError
from reconciler.core.statement import Cost, LockMode, Mode, on
from reconciler.engine.plan.model import Action, Plan, Step, Touch
from reconciler.engine.plan.plan_file import plan_id
from reconciler.report import json, sql, text
from reconciler.report.plan_context import Context
from reconciler.report.words import ended, lock_lines, runs, steps_named, visible
from tests.unit.plan_samples import LEGACY, acked, drops, empty, nasty, sample

pytestmark = pytest.mark.quick
ANSI = re.compile(r"\x1b\[[0-9;]*m")
UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def plain(plan: Plan, **options: Any) -> str:
    return text.render(plan, **{"colour": False, "width": 100, **options})


class TestText:
    def test_hazards_that_need_consent_come_before_the_steps(self) -> None:
        report = plain(sample())
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
        assert report.endswith("Next: reconcile plan --save\n")
        saved = text.render(acked(), Context(file="plans/x y.yaml"), colour=False, width=80)
        assert saved.endswith("Next: reconcile apply 'plans/x y.yaml'\n")

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
    def test_a_lock_lasts_until_its_transaction_ends(self) -> None:
        held = {step.number: lock_lines(step, run) for run in runs(sample()) for step in run.steps}
        assert held[4] == ("blocks reads and writes of app.users until step 8 is through",)
        assert held[5] == ("blocks reads and writes of app.users until step 8 is through",)
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
