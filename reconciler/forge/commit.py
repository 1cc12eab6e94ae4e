"""Which pull or merge request brought a commit to its branch, also where it was rebased or squashed.

docs.github.com, REST API, "List pull requests associated with a commit"; docs.gitlab.com, Commits API, "List
merge requests associated with a commit".
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
_HINT = "may the token see the repository, and is the commit there? Or pass --number"
_HINTS = dict.fromkeys((403, 404, 422), _HINT)
_MERGED = re.compile(r"Merge pull request #([0-9]+) from |.* \(#([0-9]+)\)\Z")


class _Request(BaseModel):
    """What both forges say of a request, each in its own words."""

    model_config = ConfigDict(frozen=True)
    number: int = Field(validation_alias=AliasChoices("number", "iid"), gt=0)
    merged_at: str | None = None
    branch: str | None = Field(
        default=None, validation_alias=AliasChoices(AliasPath("base", "ref"), "target_branch")
    )


_REQUESTS = TypeAdapter(list[_Request])


@dataclass(frozen=True, slots=True)
class Brought:
    """A commit, and the branch that it came to."""

    commit: str
    branch: str | None = None
    """None: any."""


def place_of_commit(
    project: Project, credential: Credential, brought: Brought, environment: Mapping[str, str]
) -> Place:
    """The merged request that brought the commit.

    Where the forge refuses to say (the token may not ask), the commit's message counts, as far as the event
    holds it and it names a request. Raises UsageError for what is no commit, ForgeFailed where there is none.
    """
    if not _COMMIT.match(brought.commit):
        raise UsageError(f"--commit {brought.commit[:80]!r} is no commit", hint="it is the commit's hash")
    try:
        found = _nearest(_asked(project, credential, brought.commit), brought.branch)
    except Refused:
        number = _named(head_message(project.forge, brought.commit, environment))
        if number is None:
            raise
        return project.place(number)
    if found is None:
        what = "pull request" if project.forge is ForgeName.GITHUB else "merge request"
        raise ForgeFailed(
            f"no merged {what} brought commit {brought.commit[:12]}",
            hint="what is pushed to a branch directly belongs to none; --number names one all the same",
        )
    return project.place(found.number)


def _asked(project: Project, credential: Credential, commit: str) -> Sequence[_Request]:
    with Wire(project.api_url, credential.headers(project.forge), _HINTS) as wire:
        if project.forge is ForgeName.GITHUB:
            path = f"/repos/{project.repository}/commits/{commit}/pulls"
        else:
            name = percent_encoded(project.repository, safe="")
            path = f"/projects/{name}/repository/commits/{commit}/merge_requests"
        return [one for page in wire.pages(path, {"per_page": "100"}) for one in _checked(page)]


def _nearest(found: Sequence[_Request], branch: str | None) -> _Request | None:
    """Of those that are merged the last one, of this branch where there is one: a change may go from branch
    to branch."""
    merged = [one for one in found if one.merged_at]
    here = [one for one in merged if branch is not None and one.branch == branch]
    return max(here or merged, key=lambda one: one.merged_at or "", default=None)


def _named(message: str | None) -> int | None:
    """The request that GitHub writes into the first line of a merge or of a squashed commit."""
    match = _MERGED.match(message.partition("\n")[0]) if message else None
    return int(match[1] or match[2]) if match else None


def _checked(data: Any) -> Sequence[_Request]:
    try:
        return _REQUESTS.validate_python(data)
    except ValidationError:
        hint = "is the API's address right?"
        raise ForgeFailed(
            "the forge answered with something that is no list of requests", hint=hint
        ) from None
