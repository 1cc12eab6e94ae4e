"""Keeping an old type under another name while columns move over to the new one of the same name."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core.catalog import Entry
from reconciler.core.ident import qualified, quote
from reconciler.core.statement import Statement

_SUFFIX = "__reconcile_old"
_LONGEST = 63
"""NAMEDATALEN - 1, in bytes."""


def aside_name(name: str) -> str:
    """The name that an old type bears until nothing is made of it any more."""
    kept = name.encode()[: _LONGEST - len(_SUFFIX)].decode(errors="ignore")
    return kept + _SUFFIX


def rename_type(entry: Entry, name: str, word: str = "TYPE") -> Statement:
    """ALTER TYPE (or DOMAIN) ... RENAME TO."""
    return Statement(f"ALTER {word} {qualified(*entry.id.path)} RENAME TO {quote(name)}")


def drop_type(entry: Entry, name: str, word: str = "TYPE") -> Iterable[Statement]:
    """Remove the type that was renamed to `name`."""
    yield Statement(f"DROP {word} {qualified(entry.id.path[0], name)}")
