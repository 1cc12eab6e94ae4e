"""Create and update one comment per target, which is found by the marker in its hidden first line.

Two concurrent runs can each create a comment with the same marker. The newest one is kept and the others are
deleted: a superseded plan must not look current, and GitLab cannot collapse a note. Only comments that the
token's author wrote are changed. Comments of other authors stay, even if they carry our marker.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Protocol

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import InvalidInput
from reconciler.forge.errors import Gone, Refused, Unsure
from reconciler.forge.labels import Relabelling, remembered, with_memory

_ATTEMPTS = 4
"""How often the comments of a request are read before the run fails."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on the forge."""

    id: int
    body: str
    url: str
    created: str
    """ISO 8601, as the forge writes it, so that sorting the text sorts by time."""
    is_ours: bool
    """Whether the token's author wrote it, as far as the forge reveals that."""


class Forge(Protocol):
    """The operations that a forge offers on one pull or merge request."""

    @property
    def longest(self) -> int:
        """Maximum number of characters of a comment."""

    @property
    def knows_itself(self) -> bool:
        """Whether the token's author is known. If not, no comment is deleted."""

    def fit(self, body: str) -> str:
        """Return the text to send, changed so that the forge runs no command that it contains."""

    def comments(self) -> tuple[Comment, ...]:
        """Return the comments of all pages."""

    def create(self, body: str) -> Comment:
        """Create a comment. Raises Unsure if it is unknown whether the comment was created."""

    def update(self, comment: Comment, body: str) -> Comment:
        """Change the text of a comment. Raises Gone if the comment no longer exists."""

    def delete(self, comment: Comment) -> None:
        """Delete a comment. Raises Gone if the comment no longer exists."""

    def relabel(self, add: Sequence[str], remove: Sequence[str]) -> None:
        """Add and remove labels of the request. Does nothing for labels that are in the wanted state."""

    def pause(self, attempt: int) -> None:
        """Wait before the comments are read again."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What was done, or with `is_dry` what would be done."""

    result: str
    """created, updated or unchanged."""
    url: str | None
    removed: int
    """Number of our outdated comments that were deleted."""
    labels: Relabelling
    labels_refused: str | None
    """Why the forge refused to change the labels; None if it did not."""
    is_dry: bool


def post(
    forge: Forge, marker: str, body: str, labels: Sequence[str] | None = None, is_dry: bool = False
) -> Posted:
    """Create or update the comment with this marker, and set `labels` on the request if they are given.

    Raises InvalidInput if the body is longer than the forge accepts; ForgeFailed if a request fails.
    """
    body = forge.fit(body)
    _require_room(forge, body)
    for attempt in range(_ATTEMPTS - 1):
        try:
            return _post(forge, marker, body, labels, is_dry)
        except (Unsure, Gone) as error:
            if isinstance(error, Gone) and attempt:
                raise
            forge.pause(attempt)
    return _post(forge, marker, body, labels, is_dry)


def _post(forge: Forge, marker: str, body: str, labels: Sequence[str] | None, is_dry: bool) -> Posted:
    ours = [comment for comment in forge.comments() if comment.is_ours and _is_marked(comment.body)]
    mine = sorted(
        (comment for comment in ours if _first_line(comment.body) == marker),
        key=lambda comment: (comment.created, comment.id),
    )
    newest = mine[-1] if mine else None
    outdated = mine[:-1] if forge.knows_itself else []
    before = _remembered(mine)
    change = _relabelling(before, _remembered([one for one in ours if one not in mine]), labels)
    # Labels change first: only the old comment lists the labels to remove. If it were replaced first and
    # the run then failed, these labels would never be removed.
    refused = None if is_dry else _relabel(forge, change)
    memory = sorted(before | set(labels or ())) if labels is None or refused else labels
    body = with_memory(body, memory) if memory else body
    _require_room(forge, body)
    is_same = newest is not None and _normalized(newest.body) == _normalized(body)
    result = "created" if newest is None else "unchanged" if is_same else "updated"
    url = newest.url if newest is not None else None
    if not is_dry:
        if newest is None:
            url = forge.create(body).url
        elif not is_same:
            forge.update(newest, body)
        for comment in outdated:
            with contextlib.suppress(Gone):
                forge.delete(comment)
    return Posted(result, url, len(outdated), change, refused, is_dry)


def _relabelling(before: set[str], others: set[str], labels: Sequence[str] | None) -> Relabelling:
    """Return the changes: labels that this target's comment added earlier are removed, unless another
    target's comment added them too."""
    if labels is None:
        return Relabelling((), ())
    return Relabelling(tuple(labels), tuple(sorted(before - others - set(labels))))


def _relabel(forge: Forge, change: Relabelling) -> str | None:
    """Change the labels; return why the forge refused. The comment is posted even then."""
    try:
        if change:
            forge.relabel(change.add, change.remove)
    except Refused as error:
        return error.message
    return None


def _remembered(comments: Sequence[Comment]) -> set[str]:
    return {label for comment in comments for label in remembered(comment.body)}


def _require_room(forge: Forge, body: str) -> None:
    if len(body) > forge.longest:
        raise InvalidInput(
            f"the comment has {len(body):,} characters, but the forge accepts at most {forge.longest:,}",
            hint="render it shorter: reconcile plan --format markdown --max-chars 60000",
        )


def _first_line(body: str) -> str:
    return body.lstrip().partition("\n")[0].strip()


def _is_marked(body: str) -> bool:
    return _first_line(body).startswith("<!-- reconcile:comment ")


def _normalized(body: str) -> str:
    """Return the text to compare: forges change line endings and trailing white space."""
    return "\n".join(line.rstrip() for line in body.replace("\r\n", "\n").strip().split("\n"))
