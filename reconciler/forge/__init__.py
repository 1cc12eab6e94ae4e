"""Post and update the comment on a pull or merge request."""

from __future__ import annotations

from contextlib import AbstractContextManager

from reconciler.forge.body import Told, read_body
from reconciler.forge.comment import Comment, Forge, Posted, post
from reconciler.forge.commit import Brought, place_of_commit
from reconciler.forge.credential import Credential, find_credential
from reconciler.forge.errors import ForgeFailed
from reconciler.forge.labels import read_labels
from reconciler.forge.place import Asked, ForgeName, Place, find_branch, find_place, find_project

__all__ = [
    "Asked",
    "Brought",
    "Comment",
    "Credential",
    "Forge",
    "ForgeFailed",
    "ForgeName",
    "Place",
    "Posted",
    "Told",
    "find_branch",
    "find_credential",
    "find_place",
    "find_project",
    "opened",
    "place_of_commit",
    "post",
    "read_body",
    "read_labels",
]


def opened(place: Place, credential: Credential) -> AbstractContextManager[Forge]:
    """Open a client for one pull or merge request. Raises UsageError if the extra `ci` is not installed."""
    if place.forge is ForgeName.GITHUB:
        from reconciler.forge import github

        return github.opened(place, credential)
    from reconciler.forge import gitlab

    return gitlab.opened(place, credential)
