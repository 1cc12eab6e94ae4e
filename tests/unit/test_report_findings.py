"""Findings for machines: each format says the same, in the place, and nothing in a name gets out of it."""

from __future__ import annotations

import dataclasses
import json as stdlib_json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.core.errors import (
    Blocked,
    ConnectionFailed,
    InvalidInput,
    Problem,
    ReconcileError,
    ServerError,
)
from reconciler.core.statement import HazardCode
from reconciler.engine.plan.model import Ack, Action
from reconciler.engine.plan.notes import back_to, goes_back_to, not_back, once_more
from reconciler.report import findings, github, gitlab, json, junit, sarif
from reconciler.report.finding import (
    Check,
    Finding,
    Outcome,
    Report,
    Severity,
    fingerprints,
    relocated,
    split_place,
)
from reconciler.report.plan_context import Context, Standing, State
from reconciler.report.rules import RULES, rule_of
from tests.unit.plan_samples import acked, drops, empty, nasty, sample

pytestmark = pytest.mark.quick

CONTEXT = Context("prod", "plans/prod/0007_x.plan.yaml", place="schema")
PROBLEMS = (
    Problem("schema/users.yaml", 3, 5, "table app.users", "unknown key `colums`", "did you mean `columns`?"),
    Problem("schema/orders.yaml", 8, 1, None, "a tab, 100% wrong\r\n::error::x"),
)
INVALID = InvalidInput.of(PROBLEMS)
REPORTS = {
    "plan": findings.of_plan(sample(), CONTEXT),
    "empty": findings.of_plan(empty(), CONTEXT),
    "nasty": findings.of_plan(nasty(), dataclasses.replace(CONTEXT, target="--> <b>::\n")),
    "many": findings.of_plan(drops(40), CONTEXT),
    "invalid": findings.of_failure(INVALID, CONTEXT),
    "away": findings.of_failure(ConnectionFailed("refused", hint="start it"), Context()),
    "files": findings.of_files(CONTEXT, True),
    "drift": findings.of_drift([("column:app.users.legacy_id", "changed")], sample(), CONTEXT),
}
any_report = pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)


def _text(minimum: int = 1) -> dict[str, Any]:
    return {"type": "string", "minLength": minimum}


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    """A closed object: what SARIF does not know, nothing may write."""
    return {
        "type": "object",
        "properties": required | optional,
        "required": list(required),
        "additionalProperties": False,
    }


LEVEL = {"enum": ["none", "note", "warning", "error"]}
POSITIVE = {"type": "integer", "minimum": 1}
MESSAGE = _object({"text": _text()})
RULE = _object(
    {
        "id": _text(),
        "name": {"type": "string", "pattern": "^[A-Z][A-Za-z]+$"},
        "shortDescription": MESSAGE,
        "fullDescription": MESSAGE,
        "help": _object({"text": _text(), "markdown": _text()}),
        "defaultConfiguration": _object({"level": LEVEL}),
        "properties": _object({"tags": {"type": "array", "items": _text(), "uniqueItems": True}}),
    }
)
LOCATION = _object(
    {
        "physicalLocation": _object(
            {
                # A URI reference (RFC 3986) that is relative: no scheme, no leading slash, no odd characters.
                "artifactLocation": _object(
                    {"uri": {"type": "string", "pattern": r"^(?![/])[A-Za-z0-9._~%/-]+$"}}
                )
            },
            region=_object({"startLine": POSITIVE}, startColumn=POSITIVE),
        )
    },
    logicalLocations={"type": "array", "items": _object({"fullyQualifiedName": _text()})},
)
RESULT = _object(
    {
        "ruleId": _text(),
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": LEVEL,
        "message": MESSAGE,
        "locations": {"type": "array", "items": LOCATION, "minItems": 1},
        "partialFingerprints": {
            "type": "object",
            "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "minProperties": 1,
        },
    }
)
SARIF = _object(
    {
        "$schema": {"type": "string", "pattern": "^https://docs\\.oasis-open\\.org/sarif/sarif/v2\\.1\\.0/"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": _object(
                {
                    "tool": _object(
                        {
                            "driver": _object(
                                {
                                    "name": _text(),
                                    "semanticVersion": {"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
                                    "rules": {"type": "array", "items": RULE, "uniqueItems": True},
                                }
                            )
                        }
                    ),
                    "automationDetails": _object({"id": {"type": "string", "pattern": "^[^ ]+/$"}}),
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "invocations": {
                        "type": "array",
                        "items": _object(
                            {"executionSuccessful": {"type": "boolean"}, "exitCode": {"type": "integer"}}
                        ),
                    },
                    "results": {"type": "array", "items": RESULT},
                }
            ),
        },
    }
)
"""What the specification (SARIF 2.1.0, 3.13 to 3.52) and GitHub's code scanning ask of what we write."""


class TestFindings:
    def test_a_plan_says_each_hazard_at_its_line(self) -> None:
        found = {finding.code: finding for finding in REPORTS["plan"].findings}
        lost = found["data_loss"]
        assert (lost.severity, lost.file, lost.line) == (Severity.ERROR, "schema/users.yaml", 3)
        assert lost.object == "column:app.users.legacy_id"
        assert lost.hint is not None
        assert "--allow data_loss:column:app.users.legacy_id" in lost.hint
        assert found["table_rewrite"].severity is Severity.WARNING
        assert found["unmodelled"].severity is Severity.NOTE
        assert len(REPORTS["plan"].findings) == len(sample().hazards) + 2

    def test_worst_comes_first(self) -> None:
        severities = [finding.severity for finding in REPORTS["plan"].findings]
        assert severities == sorted(severities, key=list(Severity).index)

    def test_consent_makes_an_error_a_warning(self) -> None:
        found = findings.of_plan(acked(), CONTEXT)
        assert {finding.severity for finding in found.findings if finding.code == "data_loss"} == {
            Severity.WARNING
        }
        assert all(check.outcome is not Outcome.FAILED for check in found.checks)

    def test_a_policy_that_holds_back_fails_a_check(self) -> None:
        held = dataclasses.replace(CONTEXT, standing=Standing(State.BLOCKED, "locks on large tables"))
        failed = [
            check.name for check in findings.of_plan(acked(), held).checks if check.outcome is Outcome.FAILED
        ]
        assert failed == [findings.POLICY]

    def test_every_problem_is_told_at_its_place(self) -> None:
        found = REPORTS["invalid"].findings
        assert [(one.file, one.line, one.column) for one in found] == [
            ("schema/orders.yaml", 8, 1),
            ("schema/users.yaml", 3, 5),
        ]
        assert found[1].sentence == "table app.users: unknown key `colums`; did you mean `columns`?"

    def test_the_checks_are_alike_from_run_to_run(self) -> None:
        names = [check.name for check in REPORTS["plan"].checks]
        assert [check.name for check in REPORTS["empty"].checks] == names
        assert [check.name for check in REPORTS["invalid"].checks] == names[:2]
        assert len(set(names)) == len(names)

    @pytest.mark.parametrize(
        ("error", "code", "outcome"),
        [
            (INVALID, "invalid_input", Outcome.FAILED),
            (Blocked("held"), "blocked", Outcome.FAILED),
            (ConnectionFailed("away"), "connection_failed", Outcome.BROKEN),
            (ServerError("no", where="schema/a.yaml:4:2"), "server_error", Outcome.BROKEN),
            (ReconcileError("odd"), "unexpected", Outcome.BROKEN),
        ],
    )
    def test_an_error_is_a_finding_with_its_exit_code(
        self, error: ReconcileError, code: str, outcome: Outcome
    ) -> None:
        report = findings.of_failure(error, CONTEXT, "apply")
        assert report.exit_code == error.exit_code
        assert {finding.code for finding in report.findings} == {code}
        assert [check.outcome for check in report.checks] == [outcome]
        if error.where:
            assert (report.findings[0].file, report.findings[0].line) == ("schema/a.yaml", 4)

    @pytest.mark.parametrize("number", [0, 3])
    def test_notes_of_an_undo_are_not_left_alone(self, number: int) -> None:
        assert goes_back_to([back_to(number)]) == number
        said = (
            back_to(number),
            not_back("column app.users.x", 4, "drops it"),
            "seen",
            once_more(["0002_name"]),
        )
        report = findings.of_plan(dataclasses.replace(sample(), notes=said), CONTEXT)
        codes = {one.message: one.code for one in report.findings if one.message in said}
        assert [codes[note] for note in said] == ["taken_back", "taken_back", "noted", "once_more"]
        assert all(rule_of(code).severity is Severity.NOTE for code in codes.values())
        assert "Seen" not in rule_of("taken_back").title

    def test_what_every_code_means_is_said(self) -> None:
        assert {code.value for code in HazardCode} <= RULES.keys()
        for report in REPORTS.values():
            for finding in report.findings:
                rule = rule_of(finding.code)
                assert rule.title
                assert rule.help.endswith(".")

    def test_paths_are_told_from_the_top_of_the_repository(self) -> None:
        report = relocated(REPORTS["plan"], Path("/repo/services/shop"), Path("/repo"))
        assert {finding.file for finding in report.findings if finding.file} == {
            "services/shop/schema/users.yaml"
        }
        assert report.place == "services/shop/plans/prod/0007_x.plan.yaml"
        outside = Finding(Severity.NOTE, "noted", "x", "../../elsewhere.yaml")
        report = Report("check", "x", (Check("y", findings=(outside,)),))
        assert relocated(report, Path("/repo"), Path("/repo")).findings == (outside,)

    def test_a_place_is_split(self) -> None:
        assert split_place("a b:c.yaml:12:7") == ("a b:c.yaml", 12, 7)
        assert split_place("schema/a.yaml:12") == ("schema/a.yaml", 12, None)
        assert split_place("step 4") == split_place(None) == (None, None, None)

    def test_a_fingerprint_stays_when_lines_move_and_tells_twins_apart(self) -> None:
        first = Finding(Severity.ERROR, "data_loss", "gone", "a.yaml", 3, object="table:a")
        moved = dataclasses.replace(first, line=30)
        other = dataclasses.replace(first, object="table:b")
        assert fingerprints([first]) == fingerprints([moved])
        assert len(set(fingerprints([first, moved, other]))) == 3


class TestSarif:
    @any_report
    def test_it_is_valid(self, report: Report) -> None:
        data = stdlib_json.loads(sarif.render(report))
        problems = [error.message for error in Draft202012Validator(SARIF).iter_errors(data)]
        assert problems == []
        (run,) = data["runs"]
        rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
        assert [rules[result["ruleIndex"]] for result in run["results"]] == [
            result["ruleId"] for result in run["results"]
        ]
        assert len(rules) == len(set(rules))
        prints = [result["partialFingerprints"][sarif.FINGERPRINT] for result in run["results"]]
        assert len(prints) == len(set(prints)) == len(report.findings)

    def test_a_failure_has_regions_and_the_exit_code(self) -> None:
        (run,) = sarif.as_data(REPORTS["invalid"])["runs"]
        assert run["invocations"] == [{"executionSuccessful": False, "exitCode": 65}]
        place = run["results"][1]["locations"][0]["physicalLocation"]
        assert place == {
            "artifactLocation": {"uri": "schema/users.yaml"},
            "region": {"startLine": 3, "startColumn": 5},
        }

    def test_targets_have_categories_of_their_own(self) -> None:
        ids = {
            sarif.as_data(findings.of_plan(empty(), Context(target)))["runs"][0]["automationDetails"]["id"]
            for target in ("prod", "prod/app", "prod app")
        }
        assert ids == {"reconcile/plan/prod/", "reconcile/plan/prod%2Fapp/", "reconcile/plan/prod%20app/"}

    def test_a_message_links_nothing_and_takes_no_arguments(self) -> None:
        finding = Finding(Severity.NOTE, "noted", r"[text](https://example.org) {0} {a} \x")
        (run,) = sarif.as_data(Report("plan", "x", (Check("y", findings=(finding,)),)))["runs"]
        assert run["results"][0]["message"]["text"] == r"\[text\](https://example.org) {{0}} {a} \\x"


class TestJunit:
    @any_report
    def test_it_is_well_formed_and_counts(self, report: Report) -> None:
        root = ElementTree.fromstring(junit.render(report))
        assert root.tag == "testsuites"
        (suite,) = root
        cases = suite.findall("testcase")
        assert suite.get("tests") == root.get("tests") == str(len(cases)) == str(len(report.checks))
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert suite.get(attribute) == str(len(suite.findall(f"testcase/{tag}")))

    def test_a_hazard_without_consent_fails_its_case(self) -> None:
        root = ElementTree.fromstring(junit.render(REPORTS["plan"]))
        failed = [case for case in root.iter("testcase") if case.find("failure") is not None]
        assert [case.get("name") for case in failed] == ["hazard data_loss has consent"]
        assert (failed[0].get("file"), failed[0].get("line")) == ("schema/users.yaml", "3")
        assert "legacy_id" in (failed[0].findtext("failure") or "")

    def test_a_server_that_is_away_is_an_error_and_no_failure(self) -> None:
        (suite,) = ElementTree.fromstring(junit.render(REPORTS["away"]))
        assert (suite.get("failures"), suite.get("errors")) == ("0", "1")
        assert suite.findtext("testcase/error") == "error: connection_failed: refused; start it"

    @settings(deadline=None)
    @given(st.text(st.characters(exclude_categories=()), max_size=60))
    def test_any_text_makes_xml(self, text: str) -> None:
        finding = Finding(Severity.ERROR, "noted", text, text or None, 1)
        report = Report("plan", text, (Check(text, Outcome.FAILED, (finding,), text),))
        ElementTree.fromstring(junit.render(report).encode("utf-8"))


ANNOTATION = re.compile(
    r"::(?P<level>error|warning|notice) (?P<fields>(?:[a-z]+=[^:,\r\n]*,?)+)::(?P<text>[^\r\n]*)\Z"
)


def commands(report: Report) -> list[re.Match[str]]:
    """What the runner would read, each line a command."""
    found = [ANNOTATION.match(line) for line in github.render(report).split("\n")[:-1]]
    assert all(found)
    return [one for one in found if one]


class TestGithub:
    @any_report
    def test_each_line_is_a_command_and_no_level_has_more_than_ten(self, report: Report) -> None:
        levels = [one["level"] for one in commands(report)]
        assert all(levels.count(level) <= 10 for level in ("error", "warning", "notice"))
        assert levels == sorted(levels, key=["error", "warning", "notice"].index)

    def test_a_problem_stands_at_its_line_and_column(self) -> None:
        lines = github.render(REPORTS["invalid"]).split("\n")
        assert lines[1] == (
            "::error file=schema/users.yaml,line=3,col=5,title=Invalid input (prod)::"
            "table app.users: unknown key `colums`; did you mean `columns`?"
        )
        assert "100%25 wrong%0A::error::x" in lines[0]

    def test_the_last_of_ten_tells_how_many_more(self) -> None:
        found = commands(REPORTS["many"])
        assert len(found) == 10
        assert found[-1]["text"] == "+31 more: data_loss"
        ten = commands(findings.of_plan(drops(10), CONTEXT))
        assert "table_10" in "".join(one["text"] for one in ten)

    @settings(deadline=None)
    @given(st.text(":,%\r\n#[]= @a\u2028\x85\x0b", max_size=40))
    def test_no_text_becomes_a_command(self, text: str) -> None:
        finding = Finding(Severity.ERROR, "noted", text, text or None, 1, 2, hint=text)
        (one,) = commands(Report("plan", text, (Check("x", findings=(finding,)),)))
        assert one["level"] == "error"
        for line in github.inert(text).split("\n"):
            assert not line.lstrip().startswith("::")
            assert "##[" not in line

    def test_nothing_to_say_is_nothing(self) -> None:
        assert github.render(REPORTS["empty"]) == ""


class TestGitlab:
    def test_the_counts_are_what_the_widget_reads(self) -> None:
        assert stdlib_json.loads(gitlab.terraform(sample())) == {"create": 7, "update": 4, "delete": 1}
        assert stdlib_json.loads(gitlab.terraform(empty())) == {"create": 0, "update": 0, "delete": 0}
        assert sum(stdlib_json.loads(gitlab.terraform(sample())).values()) == len(sample().steps)
        assert {Action.CREATE, Action.ALTER, Action.DROP, Action.RENAME} == set(Action)

    def test_a_failure_lacks_the_counts(self) -> None:
        assert stdlib_json.loads(gitlab.terraform_failure(INVALID)) == {"error": "invalid_input"}

    @any_report
    def test_code_quality_has_what_gitlab_requires(self, report: Report) -> None:
        issues = stdlib_json.loads(gitlab.code_quality(report))
        assert len(issues) == len(report.findings)
        assert len({issue["fingerprint"] for issue in issues}) == len(issues)
        for issue in issues:
            assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
            assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
            assert issue["location"]["path"]
            assert issue["location"]["lines"]["begin"] >= 1

    def test_deleted_data_is_a_blocker_until_it_is_allowed(self) -> None:
        def severity(report: Report) -> str:
            issues = stdlib_json.loads(gitlab.code_quality(report))
            return next(str(one["severity"]) for one in issues if one["check_name"] == "data_loss")

        assert severity(REPORTS["plan"]) == "blocker"
        assert severity(findings.of_plan(acked(), CONTEXT)) == "major"


class TestJsonAround:
    def test_state_labels_and_target_are_there(self) -> None:
        data = stdlib_json.loads(json.render(sample(), CONTEXT))
        assert (data["target"], data["state"]) == ("prod", "needs approval")
        assert data["labels"] == ["schema/needs-approval", "schema/destructive"]

    def test_a_failure_is_an_object_with_every_problem(self) -> None:
        data = stdlib_json.loads(json.render_failure(INVALID))
        assert (data["error"]["code"], data["error"]["exit_code"]) == ("invalid_input", 65)
        assert [(one["file"], one["line"], one["column"]) for one in data["problems"]] == [
            ("schema/users.yaml", 3, 5),
            ("schema/orders.yaml", 8, 1),
        ]
        assert data["labels"] == ["schema/failed"]
        assert "steps" not in data


def test_a_rule_of_the_target_reads_as_consent() -> None:
    plan = dataclasses.replace(sample(), acks=(Ack(6, HazardCode.DATA_LOSS, "by rule"),))
    names = {check.name: check.outcome for check in findings.of_plan(plan, CONTEXT).checks}
    assert names["hazard data_loss has consent"] is Outcome.PASSED
    assert names[findings.MODELLED] is Outcome.SKIPPED
