"""Test the provided workflow files: valid, minimal permissions, and no input that an attacker controls."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from yamllint import linter
from yamllint.config import YamlLintConfig

from reconciler.cli import COMMANDS, main
from tests.forge.workflows import ACTION, EVERY, GITHUB, GITLAB, ROOT, TEMPLATE, read, scripts

pytestmark = pytest.mark.quick
STYLE = """
extends: default
rules:
  line-length: {max: 120}
  document-start: disable
  comments: {min-spaces-from-content: 1}
  truthy: {check-keys: false}
  braces: {max-spaces-inside: 0}
"""
ON_GITHUB = (*GITHUB, TEMPLATE)
HOOKS = ROOT / ".pre-commit-hooks.yaml"

every_file = pytest.mark.parametrize("path", EVERY, ids=lambda path: path.name)
every_workflow = pytest.mark.parametrize("path", ON_GITHUB, ids=lambda path: path.name)


@pytest.mark.parametrize("path", [*EVERY, HOOKS], ids=lambda path: path.name)
def test_yamllint_has_nothing_to_say(path: Path) -> None:
    problems = linter.run(path.read_text(encoding="utf-8"), YamlLintConfig(STYLE))
    assert [f"{one.line}: {one.message}" for one in problems] == []


def test_zizmor_has_nothing_to_say(tmp_path: Path) -> None:
    """zizmor finds workflows that an attacker can control, and looks for them where GitHub does."""
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    for path in ON_GITHUB:
        (folder / path.name).write_bytes(path.read_bytes())
    program = Path(sys.executable).parent / "zizmor"
    done = subprocess.run(
        [program, "--offline", "--no-progress", "--persona=pedantic", *folder.iterdir(), ACTION],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count("completed") == len(ON_GITHUB) + 1


@every_file
def test_no_expression_stands_in_a_script(path: Path) -> None:
    assert [script for script in scripts(path) if "${{" in script] == []


@every_workflow
def test_a_workflow_asks_for_nothing_and_its_jobs_for_little(path: Path) -> None:
    data = read(path)
    assert "pull_request_target" not in path.read_text(encoding="utf-8")
    assert data["permissions"] == {}
    for job in data["jobs"].values():
        rights = job["permissions"]
        assert rights in ({"contents": "read"}, {"pull-requests": "write"})
        reads_code = any(step.get("uses", "").startswith("actions/checkout@") for step in job["steps"])
        assert reads_code == ("contents" in rights), "what may write does not run what the request holds"
        assert int(job["timeout-minutes"]) <= 120
    assert "cancel-in-progress" in data["concurrency"]


@pytest.mark.parametrize("path", [*ON_GITHUB, ACTION], ids=lambda path: path.name)
def test_actions_are_pinned_to_a_commit_with_its_version_beside(path: Path) -> None:
    used = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if " uses: " in line]
    assert used
    assert [line for line in used if not re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)] == []


def test_an_action_has_the_same_commit_everywhere() -> None:
    found: dict[str, set[str]] = {}
    for path in (*ON_GITHUB, ACTION):
        for name, pin in re.findall(r"uses: ([\w/-]+)@(.+)", path.read_text(encoding="utf-8")):
            found.setdefault(name, set()).add(pin)
    assert {name: pins for name, pins in found.items() if len(pins) > 1} == {}


@every_workflow
def test_no_checkout_leaves_its_token_behind(path: Path) -> None:
    steps = [step for job in read(path)["jobs"].values() for step in job["steps"]]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert [step for step in checkouts if step["with"]["persist-credentials"] != "false"] == []


@every_file
def test_every_command_can_be_called_so(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    calls = [call for script in scripts(path) for call in commands(script)]
    assert calls or path == ACTION
    assert [problem for call in calls for problem in unknown(call, capsys)] == []


def commands(script: str) -> list[list[str]]:
    """Yield the arguments of each `reconcile …` command of a script."""
    joined = script.replace("\\\n", " ")
    found = re.findall(r"(?:^|\s)reconcile ((?:[^\n|&;<>]|\d?>&\d)*)", joined)
    return [re.findall(r'"[^"]*"|\S+', call) for call in found]


def unknown(words: list[str], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return what does not exist in a command line: the command, an option, or a value of a choice."""
    assert words[0] in COMMANDS, words
    names = words[:2] if words[0] in ("ci", "schema") else words[:1]
    main([*names, "--help"])
    told = capsys.readouterr().out
    problems = [word for word in words if word.startswith("--") and not re.search(rf"{word}\b", told)]
    for option, value in pairwise(words):
        choices = re.search(rf"{option} +\[([\w|-]+)\]", told) if option.startswith("--") else None
        if choices and value not in choices[1].split("|"):
            problems.append(f"{option} {value}")
    return [f"{' '.join(names)} {problem}" for problem in problems]


def test_what_init_writes_is_the_workflow_of_the_guide() -> None:
    guide = (ROOT / "docs" / "ci" / "github" / "plan.yaml").read_text(encoding="utf-8")
    assert TEMPLATE.read_text(encoding="utf-8") == guide.replace("TARGET: prod", "TARGET: dev").replace(
        "schema-plan-prod", "schema-plan-dev"
    )


def test_the_hook_names_a_command_that_exists(capsys: pytest.CaptureFixture[str]) -> None:
    for hook in yaml.safe_load(HOOKS.read_text(encoding="utf-8")):
        assert unknown(hook["entry"].split()[1:], capsys) == []
        assert hook["pass_filenames"] is False


def test_only_merge_requests_schedules_and_the_default_branch_run_on_gitlab() -> None:
    jobs: dict[str, Any] = {name: job for name, job in read(GITLAB).items() if name.startswith("schema-")}
    assert set(jobs) == {"schema-plan", "schema-drift", "schema-deploy"}
    assert all("if" in rule for job in jobs.values() for rule in job["rules"])
