"""A pull request on GitHub (docs.github.com, REST API: "Issue comments", "Labels")."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote as percent_encoded

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from reconciler.forge.comment import Comment
from reconciler.forge.credential import Credential
from reconciler.forge.errors import ForgeFailed, Gone, Refused, Unsure
from reconciler.forge.place import Place
from reconciler.forge.wire import Wire

_HINTS = {
    401: "the token is wrong or has expired",
    403: "the job requires permissions: {pull-requests: write}; a pull request from a fork gets a read-only "
    "token, so its plan is shown in the run's summary only",
    404: "check that the number is a pull request of this repository and that the token can read it",
    422: "if the comment is too long: reconcile plan --format markdown --max-chars 60000",
}


class _User(BaseModel):
    model_config = ConfigDict(frozen=True)
    login: str
    type: str = ""


class _Comment(BaseModel):
    model_config = ConfigDict(frozen=True)
    id: int
    body: str | None = None
    html_url: str = ""
    created_at: str = ""
    user: _User | None = None


_COMMENTS = TypeAdapter(list[_Comment])


class GitHub:
    """One pull request's comments and labels."""

    longest = 65_536

    def __init__(self, wire: Wire, place: Place) -> None:
        self._wire = wire
        self._place = place
        self._repository = f"/repos/{place.repository}"
        self._issue = f"{self._repository}/issues/{place.number}"
        self._author = self._own_login()

    @property
    def knows_itself(self) -> bool:
        """Whether GitHub revealed the token's author."""
        return self._author is not None

    def fit(self, body: str) -> str:
        """See Forge."""
        return body

    def comments(self) -> tuple[Comment, ...]:
        """Return all comments of the conversation, without those on lines of the diff."""
        pages = self._wire.pages(f"{self._issue}/comments", {"per_page": "100"})
        return tuple(self._read(one) for page in pages for one in _checked(_COMMENTS, page))

    def create(self, body: str) -> Comment:
        """See Forge."""
        return self._one(self._wire.send("POST", f"{self._issue}/comments", body={"body": body}).data)

    def update(self, comment: Comment, body: str) -> Comment:
        """See Forge."""
        return self._one(self._wire.send("PATCH", self._path(comment), body={"body": body}).data)

    def delete(self, comment: Comment) -> None:
        """See Forge."""
        self._wire.send("DELETE", self._path(comment))

    def relabel(self, add: Sequence[str], remove: Sequence[str]) -> None:
        """See Forge. GitHub creates a label that the repository does not have yet."""
        if add:
            # Adding labels is idempotent, so it is safe to add them again after an Unsure.
            self._wire.send("POST", f"{self._issue}/labels", body={"labels": list(add)})
        for label in remove:
            try:
                self._wire.send("DELETE", f"{self._issue}/labels/{percent_encoded(label, safe='')}")
            except Gone:
                continue

    def pause(self, attempt: int) -> None:
        """See Forge."""
        self._wire.pause(attempt)

    def _path(self, comment: Comment) -> str:
        return f"{self._repository}/issues/comments/{comment.id}"

    def _one(self, data: Any) -> Comment:
        return self._read(_checked(TypeAdapter(_Comment), data))

    def _read(self, found: _Comment) -> Comment:
        return Comment(
            found.id, found.body or "", found.html_url, found.created_at, self._is_ours(found.user)
        )

    def _is_ours(self, user: _User | None) -> bool:
        if user is None:
            return False
        if self._author is None:
            # GitHub hides the author from tokens of apps only, and apps write as bots.
            return user.type == "Bot"
        return user.login == self._author or (user.type == "Bot" and user.login == f"{self._author}[bot]")

    def _own_login(self) -> str | None:
        """Return the login of the token's author. REST does not reveal it to a workflow's token, but GraphQL
        does."""
        for ask in (self._viewer, self._user):
            try:
                return ask()
            except (Refused, Unsure, KeyError, TypeError):
                continue
        return None

    def _viewer(self) -> str:
        answer = self._wire.send("POST", _graphql(self._place.api_url), body={"query": "{viewer{login}}"})
        return str(answer.data["data"]["viewer"]["login"])

    def _user(self) -> str:
        return str(self._wire.send("GET", "/user").data["login"])


def _graphql(api_url: str) -> str:
    """Return the GraphQL URL: /graphql on api.github.com, /api/graphql on a self-hosted server, whose REST
    API is /api/v3."""
    return f"{api_url.removesuffix('/v3')}/graphql"


def _checked(adapter: TypeAdapter[Any], data: Any) -> Any:
    try:
        return adapter.validate_python(data)
    except ValidationError:
        hint = "check the API's address, and that the number is a pull request"
        raise ForgeFailed("GitHub's answer is not a comment", hint=hint) from None


@contextmanager
def opened(place: Place, credential: Credential) -> Iterator[GitHub]:
    """Open a client for a pull request. Raises UsageError if httpx is not installed."""
    with Wire(place.api_url, credential.headers(place.forge), _HINTS) as wire:
        yield GitHub(wire, place)
