"""What a foreign-data wrapper is told about a column (manual: ALTER FOREIGN TABLE)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.address import facet_of
from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Option, options_to
from reconciler.core.generic_options import declared_options, open_options, options_change
from reconciler.core.ident import qualified, quote
from reconciler.core.kind import Declared, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Statement, on


@dataclass(frozen=True, slots=True)
class ColumnOptionsState:
    """The options of a foreign table's column."""

    options: tuple[str, ...]
    """`name=value`, without secrets."""


def _change(entry: Entry, old: Iterable[str], new: Iterable[str]) -> Iterable[Statement]:
    schema, table, column = facet_of(entry.id).path
    relation = qualified(schema, table)
    sql = f"ALTER FOREIGN TABLE {relation} ALTER COLUMN {quote(column)} {options_change(old, new)}"
    yield Statement(sql, on(relation))


class ColumnOptions(Kind[ColumnOptionsState]):
    """`foreign_options: {column_name: id}` under a column of a foreign table."""

    name = "column_options"
    section = "foreign_options"
    parents = ("column",)
    singleton = True
    state = ColumnOptionsState
    document = dict[str, Option]
    rank = 38
    is_facet = True
    rules: ClassVar[Mapping[str, Rule]] = {
        "options": InPlace(lambda old, new: _change(new, old.state.options, new.state.options)),
    }

    def query(self, major: int) -> LiteralString:
        options = open_options("a.attfdwoptions")
        return (
            """
            SELECT 'column_options/' || a.attrelid || '.' || a.attnum || '/0' AS address,
                'pg_class/' || a.attrelid || '/' || a.attnum AS parent,
                """ + options + """ AS options
            FROM pg_catalog.pg_attribute a
            JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
            WHERE c.relkind = 'f' AND a.attnum > 0 AND NOT a.attisdropped AND """ + options + """ <> '{}'
            ORDER BY a.attrelid, a.attnum"""
        )  # fmt: skip

    def declare(self, name: str, document: Mapping[str, str], nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        if not document:
            raise ValueError("no options are none: leave the section out")
        holder = nest.lineage[-2] if len(nest.lineage) > 1 else None
        if holder is not None and holder.kind != "foreign_table":
            raise ValueError("only columns of foreign tables have foreign options")
        state = ColumnOptionsState(declared_options(document))
        yield Declared(nest.parent.facet(self.name), state, nest.parent)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return self.section, options_to(entry.state.options)

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        return _change(entry, (), entry.state.options)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        return _change(entry, entry.state.options, ())

    def label(self, entry: Entry) -> str:
        return f"foreign options of column {'.'.join(facet_of(entry.id).path)}"
