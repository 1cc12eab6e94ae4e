"""Comments on NOT NULL constraints, which belong to columns and domains and have no entries of their own
(manual: COMMENT)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import bare_name, literal, qualified, quote, written_bare
from reconciler.core.kind import Declared, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class NotNullCommentState:
    """What somebody said about a NOT NULL constraint."""

    text: str


def _say(entry: Entry, text: str | None) -> Iterable[Statement]:
    # The path begins with the kind of what has the constraint.
    kind, *holder, name = entry.id.path
    on = f"{'DOMAIN ' if kind == 'domain' else ''}{qualified(*holder)}"
    said = "NULL" if text is None else literal(text)
    yield Statement(f"COMMENT ON CONSTRAINT {quote(name)} ON {on} IS {said}")


class NotNullComment(Kind[NotNullCommentState]):
    """The comment on a NOT NULL constraint of a table (18) or domain (17), by the constraint's name.

    `not_null_comments: {users_email_not_null: Since 2024.}`
    """

    name = "not_null_comment"
    section = "not_null_comments"
    parents = ("table", "foreign_table", "domain")
    state = NotNullCommentState
    document = str
    rank = 81
    is_facet = True
    elaborated = False
    rules: ClassVar[Mapping[str, Rule]] = {"text": InPlace(lambda old, new: _say(new, new.state.text))}

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_description/' || d.classoid || '.' || d.objoid || '/' || d.objsubid AS address,
                coalesce('pg_class/' || nullif(k.conrelid, 0), 'pg_type/' || k.contypid) || '/0' AS parent,
                ARRAY['pg_constraint/' || k.oid || '/0'] AS needs,
                ARRAY[k.conname::text] AS suffix,
                d.description AS text
            FROM pg_catalog.pg_description d
            JOIN pg_catalog.pg_constraint k ON k.oid = d.objoid
            WHERE d.classoid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND k.contype = 'n'
            ORDER BY k.conrelid, k.contypid, k.conname"""

    def declare(self, name: str, document: str, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        if not document:
            raise ValueError("an empty comment is none: leave it out")
        id = nest.parent.facet(self.name, bare_name(name))
        yield Declared(id, NotNullCommentState(document), nest.parent)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return written_bare(entry.id.path[-1]), entry.state.text

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        return _say(entry, entry.state.text)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        return _say(entry, None)

    def label(self, entry: Entry) -> str:
        return f"comment on constraint {entry.id.path[-1]} of {'.'.join(entry.id.path[1:-1])}"
