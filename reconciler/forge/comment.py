"""One comment per target, found again by its hidden first line, and kept up to date.

Of several with the same marker (two runs at once each made one) the newest is kept and the others are
deleted: a plan that was superseded must not look as if it were current, and GitLab cannot fold a note away.
Only comments of the token's own author are touched; what others wrote, with our marker or not, stays.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Protocol

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import InvalidInput
from reconciler.forge.errors import Gone, Refused, Unsure
from reconciler.forge.labels import Relabelling, remembered, with_memory

_LOOKS = 4
"""How often a request's comments are looked at before a run gives up."""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as the forge has it."""

    id: int
    body: str
    url: str
    created: str
    """ISO 8601, as the forge writes it: the order of text is the order of time."""
    is_ours: bool
    """Whether the token's author wrote it, as far as that can be known."""


class Forge(Protocol):
    """What we ask of a forge, about one pull or merge request."""

    @property
    def longest(self) -> int:
        """Characters that a comment may have."""

    @property
    def knows_itself(self) -> bool:
        """Whether the token's author is known for certain; without that nothing is deleted."""

    def fit(self, body: str) -> str:
        """The text as it must be sent, so that it only says something."""

    def comments(self) -> tuple[Comment, ...]:
        """All comments, of all pages."""

    def create(self, body: str) -> Comment:
        """Write a new comment. Raises Unsure where it may have been written or not."""

    def update(self, comment: Comment, body: str) -> Comment:
        """Change a comment's text. Raises Gone where it is not there any more."""

    def delete(self, comment: Comment) -> None:
        """Remove a comment. Raises Gone where it is not there any more."""

    def relabel(self, add: Sequence[str], remove: Sequence[str]) -> None:
        """Put labels on the request, and take others off; what is so already stays so."""

    def pause(self, attempt: int) -> None:
        """Wait before the comments are looked at again."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What was done, or with `is_dry` would be."""

    result: str
    """created, updated or unchanged."""
    url: str | None
    removed: int
    """How many outdated comments of ours were deleted."""
    labels: Relabelling
    labels_refused: str | None
    """Why the labels stayed as they were."""
    is_dry: bool


def post(
    forge: Forge, marker: str, body: str, labels: Sequence[str] | None = None, is_dry: bool = False
) -> Posted:
    """Make the comment with this marker say `body`, and where `labels` are given the request carry them.

    Raises InvalidInput where the body is longer than the forge takes, and ForgeFailed.
    """
    body = forge.fit(body)
    _require_room(forge, body)
    for attempt in range(_LOOKS - 1):
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
    # First the labels: a comment that does not remember them would leave them there for ever.
    refused = None if is_dry else _relabelled(forge, change)
    memory = sorted(before | set(labels or ())) if labels is None or refused else labels
    body = with_memory(body, memory) if memory else body
    _require_room(forge, body)
    is_same = newest is not None and _settled(newest.body) == _settled(body)
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
    """Taken off is what this target's comment put on once, unless another target wants it too."""
    if labels is None:
        return Relabelling((), ())
    return Relabelling(tuple(labels), tuple(sorted(before - others - set(labels))))


def _relabelled(forge: Forge, change: Relabelling) -> str | None:
    """Why the labels were refused. That is no reason to keep the comment back."""
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
            f"the comment has {len(body):,} characters, and the forge takes {forge.longest:,}",
            hint="render it shorter: reconcile plan --format markdown --max-chars 60000",
        )


def _first_line(body: str) -> str:
    return body.lstrip().partition("\n")[0].strip()


def _is_marked(body: str) -> bool:
    return _first_line(body).startswith("<!-- reconcile:comment ")


def _settled(body: str) -> str:
    """The text as it is compared: forges change line ends, and what stands at the end."""
    return "\n".join(line.rstrip() for line in body.replace("\r\n", "\n").strip().split("\n"))
