"""Test `reconcile ci comment` against servers that behave like GitHub and GitLab."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.forge.conftest import MARKER, PLAN, Pipeline
from tests.forge.fakeforge import BOT, PERSON_TOKEN, FakeGitHub, Mishap, Reply

OLD = PLAN.replace("safe", "needs approval")


@pytest.fixture(params=["github", "gitlab"])
def pipeline(request: pytest.FixtureRequest) -> Pipeline:
    """Return a pipeline of each of the two forges."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Pipeline)
    return found


def own_name(pipeline: Pipeline) -> str:
    return BOT if isinstance(pipeline.forge, FakeGitHub) else "project_1_bot"


def test_first_run_creates_second_leaves_third_updates(pipeline: Pipeline) -> None:
    forge = pipeline.forge
    pipeline = pipeline.as_process()
    first = pipeline()
    assert (first.code, first.err) == (0, "")
    assert "created" in first.out
    assert [one.strip() for one in forge.bodies()] == [PLAN.strip()]
    done = len(forge.writes())
    assert "unchanged" in pipeline().out
    assert len(forge.writes()) == done
    pipeline.write("plan.md", OLD)
    assert "updated" in pipeline().out
    assert [one.strip() for one in forge.bodies()] == [OLD.strip()]


def test_what_the_forge_changes_at_line_ends_is_no_change(pipeline: Pipeline) -> None:
    pipeline.forge.add(PLAN.strip().replace("\n", "\r\n"), own_name(pipeline))
    assert "unchanged" in pipeline().out
    assert pipeline.forge.writes() == []


def test_the_comment_is_found_on_the_last_page(pipeline: Pipeline) -> None:
    for number in range(230):
        pipeline.forge.add(f"remark {number}", "ada")
    wanted = pipeline.forge.add(OLD, own_name(pipeline))
    for number in range(15):
        pipeline.forge.add(f"remark {number}", "ada")
    assert "updated" in pipeline().out
    found = pipeline.forge.find(wanted)
    assert found is not None
    assert found["body"].strip() == PLAN.strip()
    assert len(pipeline.forge.comments) == 246
    pages = [one.query["page"] for one in pipeline.forge.requests if "page" in one.query]
    assert pages == ["2", "3"]


def test_comments_of_others_are_not_touched(pipeline: Pipeline) -> None:
    forge = pipeline.forge
    forge.add(OLD, "mallory")
    forge.add(OLD, "renovate[bot]")
    forge.add(f"> {MARKER}\nquoted", own_name(pipeline))
    forge.add(OLD.replace("target=prod", "target=prod2"), own_name(pipeline))
    before = forge.bodies()
    assert "created" in pipeline().out
    assert forge.bodies()[:-1] == before
    assert forge.bodies()[-1].strip() == PLAN.strip()


def test_of_several_the_newest_is_kept(pipeline: Pipeline) -> None:
    forge = pipeline.forge
    name = own_name(pipeline)
    forge.add(OLD, name)
    forge.add(OLD, "mallory")
    forge.add(OLD, name)
    newest = forge.add(OLD, name)
    done = pipeline("--format", "json").data
    assert (done["result"], done["outdated_deleted"]) == ("updated", 2)
    assert [(one["author"], one["id"] == newest) for one in forge.comments] == [
        ("mallory", False),
        (name, True),
    ]


def test_a_comment_of_each_target(pipeline: Pipeline) -> None:
    pipeline.write("dev.md", PLAN.replace("prod", "dev"))
    assert "created" in pipeline().out
    assert "created" in pipeline(file="dev.md").out
    assert "unchanged" in pipeline("--target", "prod").out
    assert len(pipeline.forge.comments) == 2


def test_a_limit_and_a_fault_of_the_server_are_waited_for(pipeline: Pipeline) -> None:
    comments = "comments$|notes$"
    pipeline.forge.mishaps += [
        Mishap("GET", comments, Reply(429, {"message": "slow down"}, {"Retry-After": "0"})),
        Mishap("GET", comments, Reply(500, raw=b"<html>")),
        Mishap("GET", comments, None),
        Mishap("POST", comments, Reply(429, {"message": "slow down"}, {"Retry-After": "0"})),
        Mishap("POST", comments, Reply(502, raw=b"")),
    ]
    done = pipeline()
    assert (done.code, done.err) == (0, "")
    assert pipeline.forge.mishaps == []
    assert len(pipeline.forge.comments) == 1


@pytest.mark.parametrize("reply", [Reply(500, {"message": "oops"}), None])
def test_a_comment_that_was_written_without_an_answer_is_not_written_twice(
    pipeline: Pipeline, reply: Reply | None
) -> None:
    pipeline.forge.mishaps.append(Mishap("POST", "comments$|notes$", reply, is_done=True))
    done = pipeline()
    assert "unchanged" in done.out
    assert len(pipeline.forge.comments) == 1


def test_a_comment_that_somebody_deletes_meanwhile_is_written_anew(pipeline: Pipeline) -> None:
    number = pipeline.forge.add(OLD, own_name(pipeline))
    pipeline.forge.mishaps.append(Mishap("PATCH|PUT", f"/{number}$", Reply(404, {})))
    assert "updated" in pipeline().out
    pipeline.forge.comments.clear()
    assert "created" in pipeline().out


def test_two_runs_at_once_leave_one_comment_in_the_end(pipeline: Pipeline) -> None:
    command = pipeline.reconcile.command("ci", "comment", "--file", "plan.md")
    variables = pipeline.reconcile.environment(**pipeline.variables)
    runs = [subprocess.Popen(command, cwd=pipeline.folder, env=variables) for _ in range(3)]
    assert [run.wait(60) for run in runs] == [0, 0, 0]
    assert 1 <= len(pipeline.forge.comments) <= 3
    assert pipeline("--strict").code == 0
    assert len(pipeline.forge.comments) == 1


def test_a_duplicate_that_another_run_deletes_first_is_no_failure(pipeline: Pipeline) -> None:
    forge = pipeline.forge
    old = forge.add(OLD, own_name(pipeline))
    forge.add(OLD, own_name(pipeline))
    forge.mishaps.append(Mishap("DELETE", f"/{old}$", Reply(404, {"message": "Not Found"}), is_done=True))
    done = pipeline("--strict")
    assert (done.code, done.err) == (0, "")
    assert len(forge.comments) == 1


def test_a_wrong_token_is_a_warning_and_with_strict_a_failure(pipeline: Pipeline) -> None:
    wrong = {"GITHUB_TOKEN": "ghs_unknown", "GITLAB_TOKEN": "glpat-unknown"}
    done = pipeline(**wrong)
    assert (done.code, done.out) == (0, "")
    assert "warning: the comment was not written:" in done.err
    assert "401" in done.err
    assert "the token is wrong or has expired" in done.err
    assert pipeline("--strict", **wrong).code == 1
    failed = pipeline("--format", "json", **wrong).data
    assert failed["result"] == "failed"
    assert "401" in failed["error"]


def test_no_token_is_a_warning(pipeline: Pipeline) -> None:
    done = pipeline(GITHUB_TOKEN=None, GITLAB_TOKEN=None)
    assert done.code == 0
    assert "no token found" in done.err
    assert pipeline.forge.requests == []


def test_a_request_that_does_not_exist_is_a_warning(pipeline: Pipeline) -> None:
    done = pipeline("--number", "999")
    assert done.code == 0
    assert "404" in done.err
    assert "hint:" in done.err


def test_a_server_that_is_not_there_is_a_warning(pipeline: Pipeline) -> None:
    done = pipeline("--api-url", "http://127.0.0.1:9/api/v4")
    assert done.code == 0
    assert "cannot reach 127.0.0.1:9" in done.err


def test_a_login_page_is_a_warning(pipeline: Pipeline) -> None:
    page = Reply(200, raw=b"<html>Sign in</html>", headers={"Content-Type": "text/html"})
    pipeline.forge.mishaps.append(Mishap("GET", "comments$|notes$", page))
    done = pipeline()
    assert done.code == 0
    assert "not JSON" in done.err


def test_a_redirect_does_not_get_the_token(pipeline: Pipeline) -> None:
    elsewhere = Reply(301, {"message": "Moved"}, {"Location": f"{pipeline.forge.url}/elsewhere"})
    pipeline.forge.mishaps.append(Mishap("GET", "comments$|notes$", elsewhere))
    done = pipeline()
    assert "redirects are not followed" in done.err
    assert [one.path for one in pipeline.forge.requests if "elsewhere" in one.path] == []


def test_a_wait_that_is_too_long_is_not_waited_for(pipeline: Pipeline) -> None:
    long = Reply(429, {"message": "slow down"}, {"Retry-After": "3600"})
    pipeline.forge.mishaps.append(Mishap("GET", "comments$|notes$", long))
    assert "retry after 3600 s" in pipeline().err


def test_a_server_cannot_give_orders_to_the_pipeline(pipeline: Pipeline) -> None:
    order = "bad\n::set-env name=PATH::/evil\n##[warning]x\x1b[31m"
    pipeline.forge.mishaps.append(Mishap("GET", "comments$|notes$", Reply(400, {"message": order})))
    done = pipeline()
    assert [line for line in done.err.splitlines() if line.lstrip().startswith("::")] == []
    assert "##[" not in done.err
    assert "\x1b" not in done.err


def test_dry_run_looks_and_writes_nothing(pipeline: Pipeline) -> None:
    assert "would be created" in pipeline("--dry-run").out
    pipeline.forge.add(OLD, own_name(pipeline))
    pipeline.forge.add(OLD, own_name(pipeline))
    done = pipeline("--dry-run")
    assert "would be updated" in done.out
    assert "outdated comments would be deleted: 1" in done.out
    assert pipeline.forge.writes() == []


def test_labels_come_and_go_with_the_plan(pipeline: Pipeline) -> None:
    forge = pipeline.forge
    forge.labels += ["bug", "schema/by-hand"]
    pipeline.write("plan.json", json.dumps({"labels": ["schema/needs-approval", "schema/destructive"]}))
    pipeline.write("dev.md", PLAN.replace("prod", "dev"))
    pipeline.write("dev.json", json.dumps({"labels": ["schema/needs-approval"]}))
    assert pipeline("--labels-from", "plan.json").code == 0
    assert pipeline("--labels-from", "dev.json", file="dev.md").code == 0
    assert forge.labels == ["bug", "schema/by-hand", "schema/needs-approval", "schema/destructive"]
    pipeline.write("plan.json", json.dumps({"labels": ["schema/safe"]}))
    done = pipeline("--labels-from", "plan.json", "--format", "json").data
    assert done["labels"] == {"added": ["schema/safe"], "removed": ["schema/destructive"]}
    # The other target still wants what this one wanted before.
    assert forge.labels == ["bug", "schema/by-hand", "schema/needs-approval", "schema/safe"]
    again = pipeline("--labels-from", "plan.json", "--format", "json").data
    assert (again["result"], again["labels"]["removed"]) == ("unchanged", [])


def test_labels_that_are_refused_keep_no_comment_back(pipeline: Pipeline) -> None:
    pipeline.write("plan.json", json.dumps({"labels": ["schema/safe"]}))
    refusal = Mishap("POST|PUT", r"labels$|/merge_requests/7$", Reply(403, {"message": "no new labels"}))
    pipeline.forge.mishaps.append(refusal)
    done = pipeline("--labels-from", "plan.json")
    assert done.code == 0
    assert "created" in done.out
    assert "warning: the labels stay as they are" in done.err
    # What was wanted is remembered, and put on by the next run.
    assert pipeline("--labels-from", "plan.json", "--strict").code == 0
    assert pipeline.forge.labels == ["schema/safe"]
    assert pipeline().code == 0
    pipeline.write("plan.json", "[]")
    assert pipeline("--labels-from", "plan.json").code == 0
    assert pipeline.forge.labels == []


def test_a_log_stands_for_a_plan_that_could_not_be_made(pipeline: Pipeline) -> None:
    pipeline.write(
        "plan.err", "error: schema/users.yaml:3:5: unknown key `colums`\n```\n@everyone </details>\n"
    )
    assert pipeline("--target", "prod", "--state", "failed", file="plan.err").code == 0
    (body,) = pipeline.forge.bodies()
    assert body.startswith(MARKER)
    assert "❌" in body
    assert "failed" in body
    assert "schema/users.yaml:3:5" in body
    assert "````\n" in body, "a longer fence than the one in the log"
    assert "updated" in pipeline().out


def test_a_file_on_standard_input_and_a_token_in_a_file(pipeline: Pipeline) -> None:
    token = pipeline.variables.get("GITHUB_TOKEN") or pipeline.variables["GITLAB_TOKEN"]
    path = pipeline.write("token", f"{token}\n")
    given = {name: value for name, value in pipeline.variables.items() if not name.endswith("_TOKEN")}
    done = subprocess.run(
        pipeline.reconcile.command("ci", "comment", "--file", "-", "--token-file", path),
        cwd=pipeline.folder, env=pipeline.reconcile.environment(**given),
        input=PLAN, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert len(pipeline.forge.comments) == 1


def test_a_body_that_is_too_long_is_not_sent(github: Pipeline) -> None:
    github.write("plan.md", PLAN + "x" * 65_536)
    done = github()
    assert done.code == 0
    assert "--max-chars" in done.err
    assert github("--strict").code == 65
    assert github.forge.writes() == []
    github.write("plan.md", PLAN + "é" * (65_536 - len(PLAN)))
    assert "created" in github().out


def test_gitlab_takes_longer_bodies(gitlab: Pipeline) -> None:
    gitlab.write("plan.md", PLAN + "x" * 900_000)
    assert "created" in gitlab().out
    gitlab.write("plan.md", PLAN + "x" * 1_000_000)
    assert "--max-chars" in gitlab().err


def test_a_fork_may_not_write(github: Pipeline) -> None:
    done = github(GITHUB_TOKEN="ghs_fork0token")
    assert done.code == 0
    assert "403" in done.err
    assert "from a fork" in done.err
    assert github.forge.comments == []


def test_a_person_is_known_by_name(github: Pipeline) -> None:
    github.forge.add(OLD, BOT)
    github.forge.add(OLD, "ada")
    github(GITHUB_TOKEN=PERSON_TOKEN)
    assert [one["body"].strip() == PLAN.strip() for one in github.forge.comments] == [False, True]


def test_where_nobody_says_who_we_are_only_bots_are_us_and_nothing_is_deleted(github: Pipeline) -> None:
    github.forge.add(OLD, "ada")
    github.forge.add(OLD, BOT)
    github.forge.add(OLD, BOT)
    github.forge.mishaps.append(Mishap("POST", "/graphql$", Reply(404, {"message": "Not Found"})))
    assert "updated" in github().out
    assert [one["body"].strip() == PLAN.strip() for one in github.forge.comments] == [False, False, True]


def test_a_comment_of_a_deleted_account_is_nobodys(github: Pipeline) -> None:
    github.forge.add(OLD, "")
    assert "created" in github().out


def test_a_job_token_is_not_enough_for_gitlab(gitlab: Pipeline) -> None:
    done = gitlab(GITLAB_TOKEN=None, CI_JOB_TOKEN="64_job0token", GITLAB_USER_LOGIN="ada")
    assert done.code == 0
    assert "CI_JOB_TOKEN cannot write notes" in done.err
    assert "project access token" in done.err


def test_a_project_by_its_path(gitlab: Pipeline) -> None:
    done = gitlab("--repo", "octo/shop", "--format", "json").data
    assert done["url"].endswith("/octo/shop/-/merge_requests/7#note_1001")


def test_no_line_is_an_order_to_gitlab(gitlab: Pipeline) -> None:
    gitlab.write("plan.md", f"{PLAN}\n/merge\n  /close\n```sql\n/* a comment */\n/x\n```\n/approve\n")
    assert "created" in gitlab().out
    (body,) = gitlab.forge.bodies()
    assert [line for line in body.splitlines() if line.lstrip().startswith("/")] == ["/* a comment */"]
    assert body.replace("\u200b", "").strip() == (gitlab.reconcile.folder / "plan.md").read_text().strip()
    assert "unchanged" in gitlab().out


def test_a_note_of_gitlab_itself_is_no_comment(gitlab: Pipeline) -> None:
    gitlab.forge.add(OLD, "project_1_bot", system=True)
    assert "created" in gitlab().out
