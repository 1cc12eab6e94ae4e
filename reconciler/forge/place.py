"""Find the pull or merge request: from the options, else from the variables and event of the CI system.

Sources: docs.github.com, "Variables reference"; docs.gitlab.com, "Predefined CI/CD variables reference".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import UsageError
from reconciler.forge.errors import ForgeFailed

PUBLIC = "https://api.github.com"
_REPOSITORY = re.compile(r"[\w.-]+(/[\w.-]+)+\Z|[0-9]+\Z")
_PULL_REF = re.compile(r"refs/pull/([0-9]+)/")


class ForgeName(StrEnum):
    """The supported forges."""

    GITHUB = "github"
    GITLAB = "gitlab"


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of the command line. What is None is taken from the environment."""

    forge: ForgeName | None = None
    repository: str | None = None
    number: int | None = None
    api_url: str | None = None


@dataclass(frozen=True, slots=True)
class Project:
    """A repository of a forge."""

    forge: ForgeName
    api_url: str
    """Without a slash at its end."""
    repository: str
    """`owner/name`; on GitLab also the project's number."""

    def place(self, number: int) -> Place:
        """Return one of its requests."""
        return Place(self.forge, self.api_url, self.repository, number)


@dataclass(frozen=True, slots=True)
class Place:
    """One pull or merge request."""

    forge: ForgeName
    api_url: str
    """Without a slash at its end."""
    repository: str
    """`owner/name`; on GitLab also the project's number."""
    number: int

    def __str__(self) -> str:
        mark = "#" if self.forge is ForgeName.GITHUB else "!"
        return f"{self.forge} {self.repository}{mark}{self.number}"


def find_place(asked: Asked, environment: Mapping[str, str]) -> Place:
    """Return the request that the options or the environment name.

    Raises UsageError if neither names one; ForgeFailed in a pipeline that belongs to no request.
    """
    project = find_project(asked, environment)
    if project.forge is ForgeName.GITHUB:
        number = asked.number or _pull_request(environment)
    else:
        number = asked.number or _positive(environment.get("CI_MERGE_REQUEST_IID"))
    if number is None:
        raise _no_request(project.forge, environment)
    return project.place(number)


def find_project(asked: Asked, environment: Mapping[str, str]) -> Project:
    """Return the repository that the options or the environment name. Raises UsageError if neither does."""
    forge = asked.forge or _forge(environment)
    if forge is ForgeName.GITHUB:
        api_url = asked.api_url or environment.get("GITHUB_API_URL") or PUBLIC
        repository = asked.repository or environment.get("GITHUB_REPOSITORY")
    else:
        api_url = asked.api_url or environment.get("CI_API_V4_URL") or "https://gitlab.com/api/v4"
        repository = asked.repository or environment.get("CI_PROJECT_ID")
    if not repository:
        raise UsageError("the repository is not known", hint="pass --repo OWNER/NAME")
    if not _REPOSITORY.match(repository):
        raise UsageError(f"--repo {repository!r} is not a repository", hint="expected OWNER/NAME")
    return Project(forge, _checked(api_url), repository)


def find_branch(forge: ForgeName, environment: Mapping[str, str]) -> str | None:
    """Return the branch of this pipeline, or None if the CI system does not name it."""
    name = "GITHUB_REF_NAME" if forge is ForgeName.GITHUB else "CI_COMMIT_BRANCH"
    return environment.get(name) or None


def head_message(forge: ForgeName, commit: str, environment: Mapping[str, str]) -> str | None:
    """Return the message of a pushed commit, or None if the pipeline's event does not contain it."""
    head = _event(environment.get("GITHUB_EVENT_PATH")).get("head_commit")
    if forge is not ForgeName.GITHUB or not isinstance(head, dict) or head.get("id") != commit:
        return None
    message = head.get("message")
    return message if isinstance(message, str) else None


def _forge(environment: Mapping[str, str]) -> ForgeName:
    if environment.get("GITLAB_CI") or environment.get("CI_API_V4_URL"):
        return ForgeName.GITLAB
    if environment.get("GITHUB_ACTIONS") or environment.get("GITHUB_REPOSITORY"):
        return ForgeName.GITHUB
    hint = "outside GitHub Actions and GitLab CI pass --forge, --repo and --number"
    raise UsageError("the forge is not known", hint=hint)


def _no_request(forge: ForgeName, environment: Mapping[str, str]) -> Exception:
    """Return the error for a missing number: ForgeFailed in a pipeline, where no request exists; UsageError
    elsewhere, where the user did not pass it."""
    if forge is ForgeName.GITHUB and environment.get("GITHUB_EVENT_NAME"):
        event = environment["GITHUB_EVENT_NAME"]
        return ForgeFailed(
            f"this workflow runs on `{event}`, which belongs to no pull request",
            hint="run it on: pull_request, or pass --number, or --commit after a merge",
        )
    if forge is ForgeName.GITLAB and environment.get("CI_PIPELINE_SOURCE"):
        source = environment["CI_PIPELINE_SOURCE"]
        return ForgeFailed(
            f"this pipeline comes from `{source}`, which belongs to no merge request",
            hint='run the job with rules: [{if: $CI_PIPELINE_SOURCE == "merge_request_event"}], '
            "or pass --commit after a merge",
        )
    return UsageError("the pull or merge request is not known", hint="pass --number N")


def _pull_request(environment: Mapping[str, str]) -> int | None:
    event = _event(environment.get("GITHUB_EVENT_PATH"))
    pull = event.get("pull_request")
    if isinstance(pull, dict):
        return _positive(pull.get("number"))
    issue = event.get("issue")
    if isinstance(issue, dict) and issue.get("pull_request"):
        return _positive(issue.get("number"))
    found = _PULL_REF.match(environment.get("GITHUB_REF", ""))
    return int(found[1]) if found else None


def _event(path: str | None) -> dict[str, Any]:
    if not path:
        return {}
    try:
        read = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def _positive(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else None


def _checked(api_url: str) -> str:
    try:
        parts = urlsplit(api_url)
        is_good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_good = False
        parts = urlsplit("")
    if not is_good or parts.query or parts.fragment:
        raise UsageError(
            "the API's address is not an http URL",
            hint="expected an address like https://HOST/api/v3 or https://HOST/api/v4",
        )
    if parts.username or parts.password:
        raise UsageError("the API's address contains a login", hint="pass the token with --token-file")
    return api_url.rstrip("/")
