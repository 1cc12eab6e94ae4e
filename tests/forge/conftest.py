"""Fixtures: a fake forge, and the command line as it runs in a pipeline of that forge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Finished, Inside, Reconcile
from tests.forge.fakeforge import (
    NUMBER,
    PROJECT_TOKEN,
    REPOSITORY,
    WORKFLOW_TOKEN,
    FakeForge,
    FakeGitHub,
    FakeGitLab,
    running,
)

MARKER = "<!-- reconcile:comment target=prod -->"
PLAN = f"{MARKER}\n### 🔵 Schema plan · `prod` · **+1** · safe\n\n| # | Change |\n|--:|---|\n| 1 | a |\n"
_CI = ("GITHUB_", "GITLAB_", "CI", "GH_", "RUNNER_", "http_", "https_", "HTTP_", "HTTPS_", "ALL_", "all_")


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Runs `reconcile ci comment` with the variables that the CI system sets."""

    reconcile: Reconcile
    forge: FakeForge
    variables: dict[str, str]

    @property
    def folder(self) -> Path:
        """Where the command runs."""
        return self.reconcile.folder

    def __call__(self, *arguments: str | Path, file: str = "plan.md", **changed: str | None) -> Finished:
        """Run the command. A variable that is None is removed from the environment."""
        given = {name: value for name, value in (self.variables | changed).items() if value is not None}
        done = self.reconcile("ci", "comment", "--file", file, *arguments, **given)
        for secret in (one for name, one in given.items() if name.endswith("TOKEN") and one):
            assert secret not in done.out + done.err
        return done

    def as_process(self) -> Pipeline:
        """Return the same pipeline, with a separate interpreter for each command."""
        return replace(self, reconcile=Quiet(self.folder))

    def write(self, name: str, text: str) -> Path:
        """Write a file in the folder and return its path."""
        return self.reconcile.write(name, text)


@dataclass(frozen=True, slots=True)
class Quiet(Reconcile):
    """Hides the variables of the CI pipeline in which these tests themselves may run."""

    def environment(self, **variables: str) -> dict[str, str]:
        """See Reconcile."""
        kept = Reconcile.environment(self)
        return {name: value for name, value in kept.items() if not name.startswith(_CI)} | variables


@dataclass(frozen=True, slots=True)
class QuietInside(Inside):
    """The same, but commands run in this process."""

    def environment(self, **variables: str) -> dict[str, str]:
        """See Quiet."""
        return Quiet(self.folder).environment(**variables)


@pytest.fixture
def github(tmp_path: Path) -> Iterator[Pipeline]:
    """A workflow that runs on a pull request."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps(pull_request_event()), encoding="utf-8")
    forge = FakeGitHub()
    with running(forge):
        variables = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_API_URL": forge.url,
            "GITHUB_TOKEN": WORKFLOW_TOKEN,
        }
        made = Pipeline(QuietInside(tmp_path), forge, variables)
        made.write("plan.md", PLAN)
        yield made


@pytest.fixture
def gitlab(tmp_path: Path) -> Iterator[Pipeline]:
    """A job of a merge request's pipeline."""
    forge = FakeGitLab()
    with running(forge):
        variables = {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": forge.url,
            "CI_PROJECT_ID": "42",
            "CI_MERGE_REQUEST_IID": str(NUMBER),
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "GITLAB_TOKEN": PROJECT_TOKEN,
        }
        made = Pipeline(QuietInside(tmp_path), forge, variables)
        made.write("plan.md", PLAN)
        yield made


def pull_request_event() -> dict[str, Any]:
    """Return the part of the event that the command reads, with hostile text where an attacker chooses it."""
    hostile = '$(touch pwned)`touch pwned`"; touch pwned #'
    return {
        "action": "opened",
        "number": NUMBER,
        "pull_request": {"number": NUMBER, "title": hostile, "head": {"ref": hostile}},
    }
