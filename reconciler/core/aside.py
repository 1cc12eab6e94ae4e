"""Keeping an old type under another name while columns move over to the new one of the same name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from reconciler.core.catalog import Entry
from reconciler.core.ident import qualified, quote
from reconciler.core.kind import Kind, S
from reconciler.core.statement import Statement, application_break

_SUFFIX = "__reconcile_old"
_LONGEST = 63
"""NAMEDATALEN - 1, in bytes."""


def aside_name(name: str) -> str:
    """The name that an old type bears until nothing is made of it any more."""
    kept = name.encode()[: _LONGEST - len(_SUFFIX)].decode(errors="ignore")
    return kept + _SUFFIX


class Superseded(Kind[S]):
    """Base of kinds whose new object is made while the old one is still there under another name."""

    word: ClassVar[str] = "TYPE"
    """What SQL calls it: ALTER TYPE, ALTER DOMAIN."""

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP {self.word} {qualified(*entry.id.path)}")

    def renamed(self, entry: Entry, name: str) -> str:
        """ALTER ... RENAME TO."""
        return f"ALTER {self.word} {qualified(*entry.id.path)} RENAME TO {quote(name)}"

    def rename_aside(self, entry: Entry) -> tuple[str, Iterable[Statement]] | None:
        name = aside_name(entry.id.path[1])
        return name, (Statement(self.renamed(entry, name)),)

    def drop_aside(self, entry: Entry, aside_name: str) -> Iterable[Statement]:
        yield Statement(f"DROP {self.word} {qualified(entry.id.path[0], aside_name)}")


class DataType(Superseded[S]):
    """Base of the kinds of types."""

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("type", *entry.id.path)

    def application_use(self, entry: Entry) -> str | None:
        return f"say type {'.'.join(entry.id.path)}"

    def rename_signature(self, entry: Entry) -> object | None:
        return entry.id.path[0], entry.state

    def rename(self, old: Entry, name: str) -> Iterable[Statement]:
        hazards = application_break(old.id, f"say {old.id.path[1]}")
        yield Statement(self.renamed(old, name), hazards=hazards)
