"""Test `ci comment --commit`, which asks the forge for the request that contains a commit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.forge.conftest import Pipeline
from tests.forge.fakeforge import NUMBER, Mishap, Reply

pytestmark = pytest.mark.quick
SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"


@pytest.fixture(params=["github", "gitlab"])
def pipeline(request: pytest.FixtureRequest) -> Pipeline:
    """The pipeline of a push to main, on either forge."""
    made: Pipeline = request.getfixturevalue(request.param)
    if request.param == "github":
        event = made.write("event.json", json.dumps({"head_commit": {"id": SHA, "message": "change"}}))
        made.variables.update(
            GITHUB_EVENT_NAME="push", GITHUB_REF_NAME="main", GITHUB_EVENT_PATH=str(event), GITHUB_SHA=SHA
        )
    else:
        made.variables.update(CI_PIPELINE_SOURCE="push", CI_COMMIT_BRANCH="main", CI_MERGE_REQUEST_IID="")
    return made


def shown(pipeline: Pipeline, number: int, merged_at: str | None, branch: str = "main") -> dict[str, Any]:
    """Return the fields of a request that we read, in the form of its forge."""
    if "GITHUB_ACTIONS" in pipeline.variables:
        return {"number": number, "state": "closed", "merged_at": merged_at, "base": {"ref": branch}}
    return {"iid": number, "id": 9000, "state": "merged", "merged_at": merged_at, "target_branch": branch}


def test_the_last_that_was_merged_into_this_branch(pipeline: Pipeline) -> None:
    pipeline.forge.per_page = 2
    pipeline.forge.brought[SHA] = [
        shown(pipeline, 1, None),
        shown(pipeline, 2, "2026-11-20T10:00:00Z"),
        shown(pipeline, 3, "2026-11-22T10:00:00Z", "release"),
        shown(pipeline, NUMBER, "2026-11-21T10:00:00Z"),
        shown(pipeline, 5, None),
    ]
    done = pipeline("--commit", SHA, "--format", "json")
    assert (done.code, done.data["number"], done.data["result"]) == (0, NUMBER, "created")
    pipeline.forge.brought[SHA] = [shown(pipeline, NUMBER, "2026-11-22T10:00:00Z", "elsewhere")]
    done = pipeline("--commit", SHA, "--format", "json")
    assert (done.code, done.data["number"], done.data["result"]) == (0, NUMBER, "unchanged")


def test_none_is_said_in_words(pipeline: Pipeline) -> None:
    pipeline.forge.brought[SHA] = [shown(pipeline, NUMBER, None)]
    done = pipeline("--commit", SHA)
    assert done.code == 0
    assert "warning: the comment was not written: no merged " in done.err
    assert f"contains commit {SHA[:12]}" in done.err
    assert "pushed to the branch directly belongs to no" in done.err
    assert pipeline("--commit", SHA, "--strict").code == 1
    assert pipeline.forge.comments == []


def test_a_refusal_is_said_in_words(pipeline: Pipeline) -> None:
    refused = Reply(403, {"message": "Resource not accessible by integration"})
    pipeline.forge.mishaps.append(Mishap("GET", "/commits/", refused))
    done = pipeline("--commit", SHA)
    assert done.code == 0
    assert "403" in done.err
    assert "the token can read the repository" in done.err


def test_what_is_no_list_of_requests(pipeline: Pipeline) -> None:
    for data in ({"message": "hello"}, [{"number": -1}], [7]):
        pipeline.forge.mishaps.append(Mishap("GET", "/commits/", Reply(200, data)))
        done = pipeline("--commit", SHA)
        assert (done.code, "not a list of requests" in done.err) == (0, True)


@pytest.mark.parametrize(
    "arguments", [("--commit", SHA, "--number", "7"), ("--commit", "main"), ("--commit", "../x")]
)
def test_what_is_no_commit_is_refused(github: Pipeline, arguments: tuple[str, ...]) -> None:
    assert github(*arguments).code == 64
    assert github.forge.requests == []


@pytest.mark.parametrize(
    ("message", "number"),
    [
        (f"Merge pull request #{NUMBER} from ada/change\n\nchange (#8)", NUMBER),
        (f"Add a column (#{NUMBER})", NUMBER),
        ("Add a column\n\nas in (#7)", None),
        ("(#7); rm", None),
    ],
)
def test_a_message_counts_where_github_refuses(github: Pipeline, message: str, number: int | None) -> None:
    refused = Reply(403, {"message": "Resource not accessible by integration"})
    for id, expected in ((SHA, number), ("0" * 40, None)):
        event = github.write("push.json", json.dumps({"head_commit": {"id": id, "message": message}}))
        github.forge.mishaps.append(Mishap("GET", "/commits/", refused))
        done = github("--commit", SHA, "--format", "json", GITHUB_EVENT_PATH=str(event))
        assert done.code == 0
        assert done.data["number"] == expected
