"""Primary keys (manual: CREATE TABLE, PRIMARY KEY)."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Annotated, Any

from pydantic import BeforeValidator

from reconciler.core.catalog import Entry
from reconciler.core.constraint import short_columns
from reconciler.core.ident import ObjectId, bare_name, written_bare
from reconciler.core.key_constraint import KeyConstraint, KeyDocument
from reconciler.core.kind import Declared, Nest
from reconciler.core.statement import Statement


class PrimaryKeyDocument(KeyDocument):
    """`primary_key: [id]`, or a mapping where more is said."""

    name: str | None = None


class PrimaryKey(KeyConstraint):
    """The primary key of a table. Its columns are NOT NULL whether the YAML says so or not."""

    name = "primary_key"
    is_local = True
    section = "primary_key"
    singleton = True
    document = Annotated[PrimaryKeyDocument, BeforeValidator(short_columns)]
    rank = 41
    letter = "p"
    words = "PRIMARY KEY"
    suffix = "pkey"

    def declare(self, name: str, document: PrimaryKeyDocument, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        own = bare_name(document.name) if document.name else self.default_name(nest.parent.path[1], ())
        transition = document.transition
        yield Declared(
            nest.parent.child("primary_key", own),
            self.state_of(document),
            nest.parent,
            former_names=transition.former_names,
            not_renamed=transition.not_renamed,
        )

    def rename_with_parent(
        self, old: Entry, table: str, declared: Container[ObjectId]
    ) -> Iterable[Statement]:
        schema, former, own = old.id.path
        is_said = ObjectId(self.name, (schema, table, own)) in declared
        if own == self.default_name(former, ()) and not is_said:
            yield from self.rename(old, self.default_name(table, ()))

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        own = entry.id.path[2]
        is_default = own == self.default_name(entry.id.path[1], ())
        return "primary_key", self.written(entry, None if is_default else written_bare(own))

    @property
    def why_it_may_fail(self) -> str:
        return "rows with equal values or nulls make it fail"
