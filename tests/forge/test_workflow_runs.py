"""Run the scripts of the provided workflows with bash, in a git repository, against a real server and a fake
forge."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import AnyServer
from tests.forge.conftest import pull_request_event
from tests.forge.fakeforge import (
    FORK_TOKEN,
    NUMBER,
    PROJECT_TOKEN,
    REPOSITORY,
    WORKFLOW_TOKEN,
    FakeForge,
    FakeGitHub,
    FakeGitLab,
    running,
)
from tests.forge.workflows import ACTION, GITLAB, ROOT, TEMPLATE, Ended, Runner, event, read

pytestmark = pytest.mark.slow
SETTINGS = """
targets:
  dev: {url: embedded}
  prod: {url_env: PROD_DATABASE_URL}
"""
BEFORE = """
tables:
  users:
    columns: {id: bigint, legacy: text}
"""
AFTER = BEFORE.replace("legacy: text", "email: text")
PLAN = ROOT / "docs" / "ci" / "github" / "plan.yaml"
DRIFT = ROOT / "docs" / "ci" / "github" / "drift.yaml"
DEPLOY = ROOT / "docs" / "ci" / "github" / "deploy.yaml"


@dataclass(frozen=True, slots=True)
class Team:
    """A repository whose pull request is checked out as GitHub does it: merged into its base."""

    runner: Runner
    forge: FakeForge

    @property
    def folder(self) -> Path:
        """The checkout."""
        return self.runner.checkout

    def write(self, name: str, text: str) -> None:
        """Write a file of the checkout."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def git(self, *words: str) -> str:
        """Run git."""
        who = ["-c", "user.name=ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *who, *words], cwd=self.folder, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, message: str) -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def pull_request(self, schema: str) -> None:
        """Change the schema on a branch and merge it: HEAD^1 is then the base."""
        self.git("switch", "--quiet", "--create", "change")
        self.write("schema/users.yaml", schema)
        self.commit("change")
        self.git("switch", "--quiet", "main")
        self.git("merge", "--quiet", "--no-ff", "--message", "merge", "change")

    def run(self, path: Path, job: str) -> list[tuple[str, Ended]]:
        """Run the scripts of a workflow's job."""
        data = read(path)
        return self.runner.steps(data["jobs"][job], data["env"] | {"RECONCILE_SOURCE": "one wheel"})


@pytest.fixture
def team(tmp_path: Path, server: AnyServer) -> Iterator[Team]:
    """A project on main, with GitHub around it."""
    forge = FakeGitHub()
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    with running(forge):
        variables = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": event(tmp_path / "event.json", pull_request_event()),
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_API_URL": forge.url,
            "RECONCILE_SCRATCH_URL": server.url(),
        }
        made = Team(Runner(checkout, variables, {"github.token": WORKFLOW_TOKEN}), forge)
        made.git("init", "--quiet", "--initial-branch", "main")
        made.write("reconcile.yaml", SETTINGS)
        made.write("schema/users.yaml", BEFORE)
        made.commit("start")
        yield made


def codes(ended: list[tuple[str, Ended]]) -> dict[str, int]:
    return {name: done.code for name, done in ended}


@pytest.mark.parametrize("path", [PLAN, TEMPLATE], ids=["guide", "init"])
def test_a_pull_request_gets_its_comment(team: Team, path: Path) -> None:
    team.pull_request(AFTER)
    ended = team.run(path, "plan")
    assert set(codes(ended).values()) == {0}, ended
    assert (team.folder / "out" / "plan.yaml").exists()
    assert "public.users.email" in team.runner.summary
    assert team.runner.installed == ["-m", "pip", "install", "--quiet", "one wheel"]
    assert codes(team.run(path, "comment")) == {"Install reconcile": 0, "Comment": 0}
    (body,) = team.forge.bodies()
    assert body.startswith(f"<!-- reconcile:comment target={'prod' if path == PLAN else 'dev'} -->")
    assert "public.users.legacy" in body
    assert not (team.folder / "pwned").exists()


def test_the_first_pull_request_of_all_starts_from_nothing(team: Team) -> None:
    team.git("rm", "-r", "--quiet", "schema")
    team.commit("nothing yet")
    team.pull_request(AFTER)
    assert set(codes(team.run(PLAN, "plan")).values()) == {0}
    assert "CREATE TABLE public.users" in team.runner.summary
    forge = FakeGitLab()
    with running(forge):
        assert gitlab(team, forge, read(GITLAB)["schema-plan"]["script"]).code == 0
    assert "public.users" in forge.bodies()[0]
    assert codes(act(team))["Fail where planning failed"] == 0


def test_the_comment_follows_the_pull_request(team: Team) -> None:
    team.pull_request(AFTER)
    team.run(PLAN, "plan")
    team.run(PLAN, "comment")
    team.write("schema/users.yaml", BEFORE)
    assert set(codes(team.run(PLAN, "plan")).values()) == {0}
    team.run(PLAN, "comment")
    (body,) = team.forge.bodies()
    assert "no changes" in body


def test_a_schema_that_is_wrong_fails_the_job_and_is_in_the_comment(team: Team) -> None:
    team.pull_request(BEFORE.replace("columns:", "colums:"))
    ended = codes(team.run(PLAN, "plan"))
    assert ended == {"Install reconcile": 0, "Check the files": 65, "Plan": 65}
    assert codes(team.run(PLAN, "comment"))["Comment"] == 0
    (body,) = team.forge.bodies()
    assert "❌" in body
    assert "colums" in body
    assert "schema/users.yaml" in body


def test_a_fork_is_planned_without_any_secret(team: Team) -> None:
    team.pull_request(AFTER)
    assert set(codes(team.run(PLAN, "plan")).values()) == {0}
    team.runner.context["github.token"] = FORK_TOKEN
    ended = dict(team.run(PLAN, "comment"))
    assert ended["Comment"].code == 0
    assert "from a fork" in ended["Comment"].out
    assert team.forge.comments == []


def test_a_chain_that_does_not_lead_to_the_schema_fails_the_job(team: Team) -> None:
    saved = team.runner.bash("reconcile plan --target prod --from chain --save --name start")
    assert saved.code == 0, saved.out
    team.commit("chain")
    assert codes(team.run(PLAN, "plan"))["Verify the chain"] == 0
    team.pull_request(AFTER)
    ended = dict(team.run(PLAN, "plan"))
    assert ended["Plan"].code == 0
    assert ended["Verify the chain"].code == 3, ended["Verify the chain"].out


def test_nobody_installs_from_a_place_that_was_not_filled_in(team: Team) -> None:
    for path in (PLAN, DRIFT, DEPLOY, TEMPLATE):
        data = read(path)
        job = next(iter(data["jobs"].values()))
        step = next(step for step in job["steps"] if step.get("name") == "Install reconcile")
        done = team.runner.bash(step["run"], data["env"])
        assert done.code == 1
        assert done.out.startswith("::error::RECONCILE_SOURCE")
    assert team.runner.installed == []


def test_a_merge_is_deployed_and_what_is_done_by_hand_is_drift(
    team: Team, database: Callable[[], str]
) -> None:
    url = database()
    team.runner.context |= {"secrets.PROD_DATABASE_URL": url, "secrets.PROD_READ_ONLY_URL": url}
    assert set(codes(team.run(DEPLOY, "deploy")).values()) == {0}
    assert dict(team.run(DRIFT, "drift"))["Look for drift"].code == 0
    assert "no drift" in team.runner.summary
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE users ADD COLUMN by_hand text, ALTER COLUMN legacy SET NOT NULL")
    drift = dict(team.run(DRIFT, "drift"))["Look for drift"]
    assert drift.code == 2, drift.out
    assert "::error::prod is not as it was left" in drift.out
    assert "    changed" in team.runner.summary


SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
PULL = {"number": NUMBER, "state": "closed", "merged_at": "2026-11-22T10:00:00Z", "base": {"ref": "main"}}


@pytest.mark.parametrize(
    ("pulls", "message", "is_told"),
    [
        ([PULL], "Add a column", True),
        ([], f"Add a column, as in (#{NUMBER})", False),
        (None, f"Merge pull request #{NUMBER} from ada/change\n\nchange (#8)", True),
        (None, f"Add a column (#{NUMBER})", True),
        (None, "$(touch pwned) (#7); touch pwned", False),
    ],
    ids=["rebase", "pushed", "merge, no answer", "squash, no answer", "hostile"],
)
def test_a_deployment_is_told_in_the_comment_of_its_pull_request(
    team: Team,
    database: Callable[[], str],
    pulls: list[dict[str, Any]] | None,
    message: str,
    is_told: bool,
) -> None:
    team.runner.context["secrets.PROD_DATABASE_URL"] = database()
    team.pull_request(AFTER)
    team.run(PLAN, "plan")
    team.run(PLAN, "comment")
    merged(team, pulls, message)
    assert set(codes(team.run(DEPLOY, "deploy")).values()) == {0}
    comment = dict(team.run(DEPLOY, "comment"))["Comment"]
    assert comment.code == 0
    (body,) = team.forge.bodies()
    assert ("· applied 20" in body) == is_told
    assert ("1/1 steps" in body) == is_told
    assert ("warning: the comment was not written: " in comment.out) != is_told
    assert not (team.folder / "pwned").exists()


def merged(team: Team, pulls: list[dict[str, Any]] | None, message: str) -> None:
    """Set up the push after the merge. GitHub lists these pull requests for it, or refuses if None."""
    if pulls is not None:
        team.forge.brought[SHA] = pulls
    path = team.folder.parent / "event.json"
    team.runner.variables |= {
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_EVENT_PATH": event(path, {"head_commit": {"id": SHA, "message": message}}),
        "GITHUB_REF_NAME": "main",
        "GITHUB_SHA": SHA,
    }


def test_a_deployment_that_fails_is_told_too(team: Team, database: Callable[[], str]) -> None:
    team.runner.context["secrets.PROD_DATABASE_URL"] = database()
    merged(team, [PULL], "Change")
    team.run(DEPLOY, "deploy")
    team.write("schema/users.yaml", AFTER)
    assert dict(team.run(DEPLOY, "deploy"))["Deploy"].code == 3
    assert codes(team.run(DEPLOY, "comment"))["Comment"] == 0
    (body,) = team.forge.bodies()
    assert "### 🔴 Schema plan · `prod` · **blocked**" in body


def test_a_deployment_that_is_held_back_is_not_tried_again(team: Team, database: Callable[[], str]) -> None:
    url = database()
    team.runner.context["secrets.PROD_DATABASE_URL"] = url
    team.run(DEPLOY, "deploy")
    team.write("schema/users.yaml", AFTER)
    done = dict(team.run(DEPLOY, "deploy"))["Deploy"]
    assert done.code == 3
    assert done.out.count("error:") == 1


def test_the_action_plans_and_comments(team: Team) -> None:
    team.pull_request(AFTER)
    ended = act(team)
    assert codes(ended) == {"Install": 0, "Plan": 0, "Comment": 0, "Fail where planning failed": 0}
    assert team.runner.outputs["exit-code"] == "2"
    assert (Path(team.runner.outputs["folder"]) / "plan.yaml").exists()
    assert team.runner.installed[-1] == f"{ROOT}[ci]"
    assert len(team.forge.comments) == 1


def test_the_action_fails_after_it_has_commented(team: Team) -> None:
    team.pull_request(BEFORE.replace("bigint", "nonsense"))
    ended = codes(act(team))
    assert (ended["Plan"], ended["Comment"]) == (0, 0)
    assert ended["Fail where planning failed"] == int(team.runner.outputs["exit-code"]) > 2
    assert "❌" in team.forge.bodies()[0]


def act(team: Team) -> list[tuple[str, Ended]]:
    """Run the composite action with the defaults of its inputs."""
    data = read(ACTION)
    inputs = {name: one.get("default", "prod") for name, one in data["inputs"].items()}
    team.runner.context |= {f"inputs.{name}": value for name, value in inputs.items()}
    team.runner.context["inputs.token"] = WORKFLOW_TOKEN
    return team.runner.steps(data["runs"])


def test_the_hook_checks_the_whole_schema(team: Team) -> None:
    hook = read(ROOT / ".pre-commit-hooks.yaml")[0]
    assert all(re.search(hook["files"], name) for name in ("schema/users.yaml", "reconcile.yaml"))
    assert not re.search(hook["files"], "docs/schema/other.yaml")
    assert team.runner.bash(hook["entry"]).code == 0
    team.write("schema/other.yaml", BEFORE)
    done = team.runner.bash(hook["entry"])
    assert done.code == 65
    assert "schema/other.yaml" in done.out


def test_gitlab_plans_comments_and_counts(tmp_path: Path, team: Team) -> None:
    forge = FakeGitLab()
    team.pull_request(AFTER)
    with running(forge):
        done = gitlab(team, forge, read(GITLAB)["schema-plan"]["script"])
    assert done.code == 0, done.out
    (body,) = forge.bodies()
    assert body.startswith("<!-- reconcile:comment target=prod -->")
    assert sorted(path.name for path in (team.folder / "out").iterdir()) == [
        "codequality.json",
        "plan.md",
        "plan.yaml",
        "tfplan.json",
    ]


def test_gitlab_comments_on_a_failure_and_fails(team: Team) -> None:
    forge = FakeGitLab()
    team.pull_request(BEFORE.replace("columns:", "colums:"))
    with running(forge):
        done = gitlab(team, forge, read(GITLAB)["schema-plan"]["script"])
    assert done.code == 65, done.out
    assert "❌" in forge.bodies()[0]


@pytest.mark.parametrize("is_known", [True, False], ids=["merged", "pushed"])
def test_gitlab_deploys_and_says_so_in_the_merge_request(
    team: Team, database: Callable[[], str], is_known: bool
) -> None:
    forge = FakeGitLab()
    if is_known:
        forge.brought[SHA] = [{"iid": NUMBER, "merged_at": "2026-11-22T10:00:00Z", "target_branch": "main"}]
    deployed = {"CI_COMMIT_SHA": SHA, "CI_COMMIT_BRANCH": "main", "PROD_DATABASE_URL": database()}
    deployed |= {"CI_PIPELINE_SOURCE": "push", "CI_MERGE_REQUEST_IID": ""}
    team.pull_request(BEFORE.replace("id: bigint", "id: integer"))
    with running(forge):
        done = gitlab(team, forge, read(GITLAB)["schema-deploy"]["script"], deployed)
        assert done.code == 0, done.out
        assert "applied 20" in done.out
        if not is_known:
            assert forge.bodies() == []
            assert (
                f"warning: the comment was not written: no merged merge request contains commit {SHA[:12]}"
                in done.out
            )
            return
        assert "· applied 20" in forge.bodies()[0]
        team.write("schema/users.yaml", AFTER)
        done = gitlab(team, forge, read(GITLAB)["schema-deploy"]["script"], deployed)
        assert done.code == 3, done.out
        (body,) = forge.bodies()
        assert "### 🔴 Schema plan · `prod` · **blocked**" in body
        # Neither a wrong token nor a missing library makes a deployment fail, or hides that it did.
        for token in ("wrong token\n", "glpat-nobody"):
            done = gitlab(
                team, forge, read(GITLAB)["schema-deploy"]["script"], deployed | {"GITLAB_TOKEN": token}
            )
            assert done.code == 3, done.out


def gitlab(team: Team, forge: FakeForge, script: list[Any], more: Mapping[str, str] | None = None) -> Ended:
    """Run a job's script, whose parts GitLab's runner joins into one."""
    variables = {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": forge.url,
        "CI_PROJECT_ID": "42",
        "CI_MERGE_REQUEST_IID": str(NUMBER),
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": team.git("rev-parse", "HEAD^1"),
        "GITLAB_TOKEN": PROJECT_TOKEN,
        **{name: text for name, text in read(GITLAB)["variables"].items() if name != "RECONCILE_SOURCE"},
        **(more or {}),
    }
    return team.runner.bash("\n".join(script), variables)
