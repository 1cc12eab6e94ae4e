"""Comments on the columns of views, materialized views and typed tables and on the attributes of composite
types, which have no entries of their own (manual: COMMENT)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import literal, qualified
from reconciler.core.kind import Declared, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class ColumnCommentState:
    """What somebody said about a column."""

    text: str


def _say(entry: Entry, text: str | None) -> Iterable[Statement]:
    # The path begins with the kind of what has the column.
    column = qualified(*entry.id.path[1:])
    yield Statement(f"COMMENT ON COLUMN {column} IS {'NULL' if text is None else literal(text)}")


class ColumnComment(Kind[ColumnCommentState]):
    """The comment on a column of a view or composite type: `column_comments: {total: With tax.}`.

    Columns of typed tables have theirs here, too.
    """

    name = "column_comment"
    section = "column_comments"
    parents = ("view", "materialized_view", "composite", "table")
    state = ColumnCommentState
    document = str
    rank = 80
    is_facet = True
    elaborated = False
    rules: ClassVar[Mapping[str, Rule]] = {"text": InPlace(lambda old, new: _say(new, new.state.text))}

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_description/' || d.classoid || '.' || d.objoid || '/' || d.objsubid AS address,
                'pg_class/' || d.objoid || '/0' AS parent,
                ARRAY[a.attname::text] AS suffix,
                d.description AS text
            FROM pg_catalog.pg_description d
            JOIN pg_catalog.pg_class c ON c.oid = d.objoid
            JOIN pg_catalog.pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid
            WHERE d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid > 0
                AND (c.relkind IN ('v', 'm', 'c') OR c.reloftype <> 0) AND d.objoid >= 16384
            ORDER BY d.objoid, d.objsubid"""

    def declare(self, name: str, document: str, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        if not document:
            raise ValueError("an empty comment is none: leave it out")
        if nest.parent.kind == "table" and getattr(nest.parent_document, "of_type", None) is None:
            raise ValueError("this table has columns of its own: write `comment` under the column")
        yield Declared(nest.parent.facet("column_comment", name), ColumnCommentState(document), nest.parent)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return entry.id.path[-1], entry.state.text

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        return _say(entry, entry.state.text)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        return _say(entry, None)

    def label(self, entry: Entry) -> str:
        return f"comment on column {'.'.join(entry.id.path[1:])}"
