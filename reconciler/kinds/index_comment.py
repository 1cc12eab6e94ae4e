"""Comments on the indexes of constraints, which have no entries of their own (manual: COMMENT)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.address import facet_of
from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import literal, qualified
from reconciler.core.kind import Declared, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class IndexCommentState:
    """What somebody said about the index of a constraint."""

    text: str


def _index_of(entry: Entry) -> str:
    """The index has its constraint's name, in the schema of the table."""
    schema, _, name = facet_of(entry.id).path
    return qualified(schema, name)


def _say(entry: Entry, text: str | None) -> Iterable[Statement]:
    yield Statement(f"COMMENT ON INDEX {_index_of(entry)} IS {'NULL' if text is None else literal(text)}")


class IndexComment(Kind[IndexCommentState]):
    """The comment on the index behind a constraint, beside the `comment` on the constraint itself."""

    name = "index_comment"
    section = "index_comment"
    parents = ("primary_key", "unique", "exclusion")
    singleton = True
    state = IndexCommentState
    document = str
    rank = 80
    is_facet = True
    elaborated = False
    rules: ClassVar[Mapping[str, Rule]] = {"text": InPlace(lambda old, new: _say(new, new.state.text))}

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_description/' || d.classoid || '.' || d.objoid || '/0' AS address,
                'pg_class/' || d.objoid || '/0' AS parent,
                d.description AS text
            FROM pg_catalog.pg_description d
            JOIN pg_catalog.pg_constraint k ON k.conindid = d.objoid AND k.contype IN ('p', 'u', 'x')
            WHERE d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
                AND d.objoid >= 16384
            ORDER BY d.objoid"""

    def declare(self, name: str, document: str, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        if not document:
            raise ValueError("an empty comment is none: leave it out")
        yield Declared(nest.parent.facet("index_comment"), IndexCommentState(document), nest.parent)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return "index_comment", entry.state.text

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        return _say(entry, entry.state.text)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        return _say(entry, None)

    def label(self, entry: Entry) -> str:
        return f"comment on index {_index_of(entry)}"
