"""Find the pull or merge request that merged a commit, including rebased and squashed commits.

Sources: docs.github.com, REST API, "List pull requests associated with a commit"; docs.gitlab.com, Commits
API, "List merge requests associated with a commit".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote as percent_encoded

from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import UsageError
from reconciler.forge.credential import Credential
from reconciler.forge.errors import ForgeFailed, Refused
from reconciler.forge.place import ForgeName, Place, Project, head_message
from reconciler.forge.wire import Wire

_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}\Z")
_HINT = "check that the token can read the repository and that the commit is in it, or pass --number"
_HINTS = dict.fromkeys((403, 404, 422), _HINT)
_MERGED = re.compile(r"Merge pull request #([0-9]+) from |.* \(#([0-9]+)\)\Z")


class _Request(BaseModel):
    """A request in the answer of either forge; the field names differ between the forges."""

    model_config = ConfigDict(frozen=True)
    number: int = Field(validation_alias=AliasChoices("number", "iid"), gt=0)
    merged_at: str | None = None
    branch: str | None = Field(
        default=None, validation_alias=AliasChoices(AliasPath("base", "ref"), "target_branch")
    )


_REQUESTS = TypeAdapter(list[_Request])


@dataclass(frozen=True, slots=True)
class Brought:
    """A commit, and the branch that it was merged into."""

    commit: str
    branch: str | None = None
    """None if any branch matches."""


def place_of_commit(
    project: Project, credential: Credential, brought: Brought, environment: Mapping[str, str]
) -> Place:
    """Return the merged request that contains the commit.

    If the forge refuses to answer (for example because the token lacks the permission), the number is read
    from the commit's message, if the event contains the message and it names a request. Raises UsageError if
    the commit is not a hash; ForgeFailed if no merged request contains it.
    """
    if not _COMMIT.match(brought.commit):
        hint = "pass the hash of the commit"
        raise UsageError(f"--commit {brought.commit[:80]!r} is not a commit hash", hint=hint)
    try:
        found = _nearest(_fetch_requests(project, credential, brought.commit), brought.branch)
    except Refused:
        number = _number_in(head_message(project.forge, brought.commit, environment))
        if number is None:
            raise
        return project.place(number)
    if found is None:
        what = "pull request" if project.forge is ForgeName.GITHUB else "merge request"
        raise ForgeFailed(
            f"no merged {what} contains commit {brought.commit[:12]}",
            hint=f"a commit that was pushed to the branch directly belongs to no {what}; pass --number to "
            "choose one",
        )
    return project.place(found.number)


def _fetch_requests(project: Project, credential: Credential, commit: str) -> Sequence[_Request]:
    with Wire(project.api_url, credential.headers(project.forge), _HINTS) as wire:
        if project.forge is ForgeName.GITHUB:
            path = f"/repos/{project.repository}/commits/{commit}/pulls"
        else:
            name = percent_encoded(project.repository, safe="")
            path = f"/projects/{name}/repository/commits/{commit}/merge_requests"
        return [one for page in wire.pages(path, {"per_page": "100"}) for one in _checked(page)]


def _nearest(found: Sequence[_Request], branch: str | None) -> _Request | None:
    """Return the request that was merged last, preferring those that were merged into this branch: a commit
    can be merged from one branch into the next."""
    merged = [one for one in found if one.merged_at]
    here = [one for one in merged if branch is not None and one.branch == branch]
    return max(here or merged, key=lambda one: one.merged_at or "", default=None)


def _number_in(message: str | None) -> int | None:
    """Return the number of the request that GitHub writes into the first line of a merge or squash commit."""
    match = _MERGED.match(message.partition("\n")[0]) if message else None
    return int(match[1] or match[2]) if match else None


def _checked(data: Any) -> Sequence[_Request]:
    try:
        return _REQUESTS.validate_python(data)
    except ValidationError:
        hint = "is the API's address right?"
        raise ForgeFailed("the forge's answer is not a list of requests", hint=hint) from None
