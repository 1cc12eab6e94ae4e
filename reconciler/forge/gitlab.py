"""A merge request on GitLab (docs.gitlab.com, REST API: "Notes", "Merge requests")."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote as percent_encoded
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from reconciler.forge.comment import Comment
from reconciler.forge.credential import Credential
from reconciler.forge.errors import ForgeFailed, Refused
from reconciler.forge.place import Place
from reconciler.forge.wire import Wire

_REQUIRED = "set GITLAB_TOKEN to a project access token with the scope `api` and the role Developer"
_HINTS = {
    401: f"the token is wrong or has expired; {_REQUIRED}",
    403: f"the token lacks the permission; {_REQUIRED}",
    404: "check that the number is a merge request of this project and that the token can read it; "
    f"{_REQUIRED}",
}
_JOB_HINT = f"CI_JOB_TOKEN cannot write notes; {_REQUIRED}"
_COMMAND = re.compile(r"\A([^\S\n]*)/(?=\s*\w)")
_BREAK = "\u200b"


class _Author(BaseModel):
    model_config = ConfigDict(frozen=True)
    username: str


class _Note(BaseModel):
    model_config = ConfigDict(frozen=True)
    id: int
    body: str
    created_at: str = ""
    author: _Author
    system: bool = False


_NOTES = TypeAdapter(list[_Note])


class GitLab:
    """One merge request's notes and labels."""

    longest = 1_000_000

    def __init__(self, wire: Wire, place: Place, credential: Credential) -> None:
        self._wire = wire
        self._place = place
        project = percent_encoded(place.repository, safe="")
        self._request = f"/projects/{project}/merge_requests/{place.number}"
        self._author = credential.author if credential.is_job_token else self._own_name()

    @property
    def knows_itself(self) -> bool:
        """Whether the token's author is known."""
        return self._author is not None

    def fit(self, body: str) -> str:
        """See Forge."""
        return inert(body)

    def comments(self) -> tuple[Comment, ...]:
        """Return all notes, without those that GitLab writes itself."""
        parameters = {"per_page": "100", "sort": "asc", "order_by": "created_at"}
        pages = self._wire.pages(f"{self._request}/notes", parameters)
        return tuple(self._read(one) for page in pages for one in _checked(_NOTES, page) if not one.system)

    def create(self, body: str) -> Comment:
        """See Forge."""
        return self._one(self._wire.send("POST", f"{self._request}/notes", body={"body": body}).data)

    def update(self, comment: Comment, body: str) -> Comment:
        """See Forge."""
        return self._one(self._wire.send("PUT", self._path(comment), body={"body": body}).data)

    def delete(self, comment: Comment) -> None:
        """See Forge."""
        self._wire.send("DELETE", self._path(comment))

    def relabel(self, add: Sequence[str], remove: Sequence[str]) -> None:
        """See Forge. GitLab creates a label that the project does not have yet."""
        changes = {"add_labels": ",".join(add), "remove_labels": ",".join(remove)}
        self._wire.send("PUT", self._request, body={key: value for key, value in changes.items() if value})

    def pause(self, attempt: int) -> None:
        """See Forge."""
        self._wire.pause(attempt)

    def _path(self, comment: Comment) -> str:
        return f"{self._request}/notes/{comment.id}"

    def _one(self, data: Any) -> Comment:
        return self._read(_checked(TypeAdapter(_Note), data))

    def _read(self, found: _Note) -> Comment:
        is_ours = found.author.username == self._author
        return Comment(found.id, found.body, self._url(found.id), found.created_at, is_ours)

    def _url(self, note: int) -> str:
        """Return the note's web address, or a short reference if the project is given by number: the address
        requires its name."""
        if self._place.repository.isdigit():
            return f"!{self._place.number}#note_{note}"
        parts = urlsplit(self._place.api_url)
        root = f"{parts.scheme}://{parts.netloc}{parts.path.removesuffix('/api/v4')}"
        return f"{root}/{self._place.repository}/-/merge_requests/{self._place.number}#note_{note}"

    def _own_name(self) -> str | None:
        try:
            return str(self._wire.send("GET", "/user").data["username"])
        except (Refused, KeyError, TypeError):
            return None


def inert(body: str) -> str:
    """Return the text with its quick actions disabled: GitLab carries out lines like `/merge`
    (docs.gitlab.com, "GitLab quick actions"). An invisible character is inserted before such a slash.

    This applies inside code blocks too, because GitLab's search for quick actions does not recognize code as
    Markdown does: it ignores fences of tildes, ends a longer fence at the first line of three backticks,
    drops carriage returns, and matches commands in any case.
    """
    return "\n".join(_COMMAND.sub(rf"\1{_BREAK}/", line) for line in body.split("\n"))


def _checked(adapter: TypeAdapter[Any], data: Any) -> Any:
    try:
        return adapter.validate_python(data)
    except ValidationError:
        hint = "check the API's address: it ends in /api/v4"
        raise ForgeFailed("GitLab's answer is not a note", hint=hint) from None


@contextmanager
def opened(place: Place, credential: Credential) -> Iterator[GitLab]:
    """Open a client for a merge request. Raises UsageError if httpx is not installed."""
    hints = dict.fromkeys(_HINTS, _JOB_HINT) if credential.is_job_token else _HINTS
    with Wire(place.api_url, credential.headers(place.forge), hints) as wire:
        yield GitLab(wire, place, credential)
