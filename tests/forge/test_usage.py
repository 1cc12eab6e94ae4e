"""Test what `reconcile ci comment` reads from the environment, and its errors if something is missing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.core.errors import UsageError
from reconciler.forge import Asked, ForgeFailed, ForgeName, find_place
from reconciler.forge.gitlab import inert
from reconciler.forge.labels import remembered, with_memory
from reconciler.forge.wire import pause_s
from tests.forge.conftest import PLAN, Pipeline

pytestmark = pytest.mark.quick


def at(path: Path, event: object) -> dict[str, str]:
    path.write_text(json.dumps(event), encoding="utf-8")
    return {"GITHUB_REPOSITORY": "octo/shop", "GITHUB_EVENT_NAME": "x", "GITHUB_EVENT_PATH": str(path)}


@pytest.mark.parametrize(
    ("event", "ref", "number"),
    [
        ({"pull_request": {"number": 3}}, "", 3),
        ({"issue": {"number": 4, "pull_request": {"url": "x"}}}, "", 4),
        ({}, "refs/pull/5/merge", 5),
        ({"pull_request": {"number": "3; rm"}}, "", None),
        ({"issue": {"number": 4}}, "refs/heads/main", None),
        ([], "", None),
    ],
)
def test_the_pull_request_of_an_event(tmp_path: Path, event: object, ref: str, number: int | None) -> None:
    environment = at(tmp_path / "event.json", event) | {"GITHUB_REF": ref}
    if number is None:
        with pytest.raises(ForgeFailed, match="no pull request"):
            find_place(Asked(), environment)
    else:
        assert find_place(Asked(), environment).number == number


def test_options_win_over_the_environment() -> None:
    asked = Asked(ForgeName.GITHUB, "a/b", 1, "https://ghe.example/api/v3/")
    place = find_place(asked, {"GITLAB_CI": "true", "CI_API_V4_URL": "https://gl/api/v4"})
    assert str(place) == "github a/b#1"
    assert place.api_url == "https://ghe.example/api/v3"


@pytest.mark.parametrize(
    ("asked", "environment", "message"),
    [
        (Asked(), {}, "the forge is not known"),
        (Asked(ForgeName.GITHUB), {}, "the repository is not known"),
        (Asked(ForgeName.GITHUB, "a/b"), {}, "the pull or merge request is not known"),
        (Asked(ForgeName.GITHUB, "a/../../b c", 1), {}, "is not a repository"),
        (Asked(ForgeName.GITHUB, "a/b", 1, "file:///etc"), {}, "not an http URL"),
        (Asked(ForgeName.GITHUB, "a/b", 1, "https://[::1"), {}, "not an http URL"),
        (Asked(ForgeName.GITHUB, "a/b", 1, "https://u:geheim@host/"), {}, "contains a login"),
    ],
)
def test_what_is_missing_or_wrong_is_usage(asked: Asked, environment: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message) as found:
        find_place(asked, environment)
    assert "geheim" not in str(found.value)


@pytest.mark.parametrize(
    ("status", "headers", "message", "pause"),
    [
        (404, {}, "", None),
        (403, {}, "Resource not accessible by integration", None),
        (403, {"retry-after": "7"}, "", 7.0),
        (403, {}, "You have exceeded a secondary rate limit", 60.0),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, "API rate limit exceeded", 0.0),
        (429, {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, "", 0.0),
        (503, {"retry-after": "3"}, "", 3.0),
    ],
)
def test_how_long_is_waited(status: int, headers: dict[str, str], message: str, pause: float | None) -> None:
    assert pause_s(status, headers, message, 0) == pause


def test_a_pause_grows_from_attempt_to_attempt() -> None:
    pauses = [pause_s(500, {"retry-after": "soon"}, "", attempt) or 0 for attempt in range(5)]
    assert sorted(pauses) == pauses
    assert 0 < pauses[0] < pauses[-1] < 10


def test_what_a_comment_remembers_of_its_labels() -> None:
    labels = ("schema/a", "needs: review", "-->", "é")
    body = with_memory(PLAN, labels)
    assert remembered(body.replace("\n", "\r\n")) == labels
    assert body.count("-->") == 2
    assert remembered(PLAN) == ()
    assert remembered(with_memory(PLAN, ())) == ()


@pytest.mark.parametrize(
    "body",
    [
        "/merge",
        "text\n  /merge",
        "````sql\nSELECT '\n```\n/Merge\n'\n````",
        "```a`b\n/merge",
        "~~~\n/merge\n~~~",
        "/\rmerge",
        "x\n\r/approve",
    ],
)
def test_no_line_is_a_quick_action_wherever_it_stands(body: str) -> None:
    """Return the lines that GitLab reads as commands. It removes carriage returns first. A code block extends
    from three backticks at the start of a line to the next line that contains only three backticks."""
    commands = re.compile(
        r"^```.+?\n```$|^\s*/(?P<name>merge|approve)\b", re.MULTILINE | re.DOTALL | re.IGNORECASE
    )
    assert [found["name"] for found in commands.finditer(body.replace("\r", "")) if found["name"]]
    sent = inert(body)
    assert not [found["name"] for found in commands.finditer(sent.replace("\r", "")) if found["name"]]
    assert sent.replace("\u200b", "") == body
    assert inert(sent) == sent


def test_what_is_no_quick_action_stays() -> None:
    text = "a /merge b\n\n/* SQL */\n// no\n"
    assert inert(text) == text
    assert inert("") == ""


@pytest.mark.parametrize(
    ("arguments", "file", "said"),
    [
        ((), "missing.md", "cannot read missing.md"),
        ((), "unmarked.md", "does not name the target of its plan"),
        (("--target", "dev"), "plan.md", "belongs to another target"),
        (("--state", "failed"), "plan.md", "requires a target"),
        (("--state", "odd"), "plan.md", "odd"),
        (("--forge", "bitbucket"), "plan.md", "bitbucket"),
        (("--number", "0"), "plan.md", "0"),
        (("--repo", "nonsense"), "plan.md", "not a repository"),
        (("--token-file", "missing"), "plan.md", "cannot read missing"),
        (("--token-file", "empty"), "plan.md", "is empty"),
        (("--token-file", "odd"), "plan.md", "contains a space"),
        (("--labels-from", "missing.json"), "plan.md", "cannot read missing.json"),
    ],
)
def test_usage_errors_are_64_whatever_strict_says(
    github: Pipeline, arguments: tuple[str, ...], file: str, said: str
) -> None:
    github.write("unmarked.md", "# A plan\n")
    github.write("empty", "\n")
    github.write("odd", "geheim one\ngeheim two\n")
    done = github(*arguments, file=file)
    assert (done.code, done.out) == (64, "")
    assert said in done.err
    assert "geheim" not in done.err
    assert github.forge.requests == []


@pytest.mark.parametrize(
    "text", ["{", "{}", '{"labels": "a"}', '{"labels": [1]}', '["a,b"]', f'["{"x" * 51}"]']
)
def test_labels_that_are_none(github: Pipeline, text: str) -> None:
    github.write("plan.json", text)
    assert github("--labels-from", "plan.json").code == 0
    done = github("--labels-from", "plan.json", "--strict")
    assert done.code == 65
    assert "plan.json" in done.err
    assert github.forge.requests == []


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe", b"x" * 9_000_000])
def test_a_file_that_is_no_text_is_a_warning(github: Pipeline, content: bytes) -> None:
    (github.folder / "plan.md").write_bytes(content)
    assert github().code == 0
    assert github("--strict").code == 65
    assert github.forge.requests == []


def test_an_unmarked_file_gets_its_marker(github: Pipeline) -> None:
    github.write("notes.md", "# By hand\n")
    assert github("--target", "prod", file="notes.md").code == 0
    assert github.forge.bodies() == ["<!-- reconcile:comment target=prod -->\n# By hand\n"]


def test_a_branch_has_nothing_to_comment_on(github: Pipeline, tmp_path: Path) -> None:
    event = github.write("push.json", json.dumps({"ref": "refs/heads/main"}))
    variables = {"GITHUB_EVENT_PATH": str(event), "GITHUB_EVENT_NAME": "push"}
    done = github(**variables)
    assert done.code == 0
    assert "`push`, which belongs to no pull request" in done.err
    assert github("--strict", **variables).code == 1
    assert github("--number", "7", **variables).code == 0


def test_without_the_extra_the_way_to_it_is_said(github: Pipeline) -> None:
    program = (
        "import sys; sys.modules['httpx'] = None\n"
        "from reconciler.cli import main\n"
        "sys.exit(main(['ci', 'comment', '--file', 'plan.md']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=github.folder,
        env=github.reconcile.environment(**github.variables), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 64
    assert "reconcile-postgres[ci]" in done.stderr
