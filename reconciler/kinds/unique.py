"""Unique constraints (manual: CREATE TABLE, UNIQUE)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BeforeValidator

from reconciler.core.catalog import Entry
from reconciler.core.constraint import short_columns
from reconciler.core.ident import bare_name, written_bare
from reconciler.core.key_constraint import KeyConstraint, KeyDocument
from reconciler.core.kind import Declared, Nest


class UniqueDocument(KeyDocument):
    """`users_email_key: [email]`, or a mapping where more is said."""

    nulls_not_distinct: bool = False


class Unique(KeyConstraint):
    """A unique constraint; a unique index without a constraint is an index."""

    name = "unique"
    is_local = True
    section = "unique"
    document = Annotated[UniqueDocument, BeforeValidator(short_columns)]
    rank = 42
    letter = "u"
    words = "UNIQUE"
    suffix = "key"

    def declare(self, name: str, document: UniqueDocument, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        transition = document.transition
        yield Declared(
            nest.parent.child("unique", bare_name(name)),
            self.state_of(document, document.nulls_not_distinct),
            nest.parent,
            former_names=transition.former_names,
            not_renamed=transition.not_renamed,
        )

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return written_bare(entry.id.path[2]), self.written(entry)

    def label(self, entry: Entry) -> str:
        return f"unique constraint {'.'.join(entry.id.path)}"
