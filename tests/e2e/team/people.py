"""People with clones of one repository, and the pull requests that they open."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.cli.conftest import Finished
from tests.cli.team import PLANS, git
from tests.forge.conftest import Quiet, pull_request_event
from tests.forge.fakeforge import REPOSITORY, WORKFLOW_TOKEN, FakeGitHub
from tests.forge.workflows import ROOT, Runner, event, read

WORKFLOW = ROOT / "docs" / "ci" / "github" / "plan.yaml"


@dataclass(frozen=True, slots=True)
class Person(Quiet):
    """Somebody with a clone; each command is a process of its own, and knows no database of the team."""

    scratch_url: str

    def environment(self, **variables: str) -> dict[str, str]:
        """See Reconcile."""
        return Quiet(self.folder).environment(RECONCILE_SCRATCH_URL=self.scratch_url, **variables)

    def git(self, *words: str) -> str:
        """Run git in the clone."""
        return git(self.folder, *words)

    def branch(self, name: str) -> None:
        """Start a branch from what is merged."""
        self.git("fetch", "-q", "origin")
        self.git("switch", "-q", "--no-track", "-c", name, "origin/main")

    def edit(self, *changes: tuple[str, str]) -> None:
        """Change the schema; each replacement must apply."""
        path = self.folder / "schema" / "shop.yaml"
        text = path.read_text(encoding="utf-8")
        for old, new in changes:
            assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in the schema"
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")

    def plan(self, name: str) -> None:
        """Save the next plan of the chain."""
        done = self("plan", "--from", "chain", "--save", "--name", name)
        assert done.code == 0, f"no plan could be saved:\n{done.err}"

    def check(self) -> Finished:
        """Verify the chain, as the workflow does."""
        return self("plan", "--check", "--from", "chain")

    def only(self, pattern: str) -> Path:
        """The only plan of that name."""
        (found,) = (self.folder / PLANS).glob(pattern)
        return found

    def push(self, message: str) -> str:
        """Commit everything and push the branch; the commit."""
        self.git("add", "-A")
        self.git("commit", "-qm", message)
        self.git("push", "-q", "-u", "origin", "HEAD")
        return self.git("rev-parse", "HEAD")

    def merge(self, branch: str) -> str:
        """Merge a branch into main as the forge does; the merge commit."""
        self.git("fetch", "-q", "origin")
        self.git("switch", "-q", "-C", "main", "--no-track", "origin/main")
        self.git("merge", "-q", "--no-ff", "-m", f"merge {branch}", f"origin/{branch}")
        self.git("push", "-q", "origin", "main")
        return self.git("rev-parse", "HEAD")


@dataclass(frozen=True, slots=True)
class PullRequest:
    """One pull request with a forge of its own, and the machine on which its workflow runs."""

    forge: FakeGitHub
    runner: Runner
    branch: str

    @classmethod
    def opened(
        cls, origin: Path, branch: str, place: Path, forge: FakeGitHub, scratch_url: str
    ) -> PullRequest:
        """Open it for a branch that was pushed; nothing has run yet."""
        place.mkdir()
        git(place, "clone", "-q", str(origin), "checkout")
        variables = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": event(place / "event.json", pull_request_event()),
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_API_URL": forge.url,
            "RECONCILE_SCRATCH_URL": scratch_url,
        }
        return cls(forge, Runner(place / "checkout", variables, {"github.token": WORKFLOW_TOKEN}), branch)

    def built(self) -> dict[str, int]:
        """Run the ready workflow on the branch as merged into main: each step's exit code."""
        checkout = self.runner.checkout
        git(checkout, "fetch", "-q", "origin")
        git(checkout, "switch", "-q", "-C", "main", "origin/main")
        git(checkout, "merge", "-q", "--no-ff", "-m", "merged to be tried", f"origin/{self.branch}")
        data = read(WORKFLOW)
        given = data["env"] | {"RECONCILE_SOURCE": "one wheel"}
        ended = [*self.runner.steps(data["jobs"]["plan"], given)]
        ended += self.runner.steps(data["jobs"]["comment"], given)
        said = "\n".join(f"{name}:\n{done.out}" for name, done in ended if done.code)
        assert {done.code for _, done in ended} == {0}, f"the workflow of {self.branch} failed\n{said}"
        return {name: done.code for name, done in ended}

    @property
    def comment(self) -> str:
        """The only comment that there is."""
        (body,) = self.forge.bodies()
        assert isinstance(body, str)
        return body
