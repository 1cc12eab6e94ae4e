"""What the columns of a typed table have beside what its composite type gives them: NOT NULL and defaults
(manual: CREATE TABLE ... OF ... (... WITH OPTIONS ...)). They are no columns of their own: the type adds and
drops them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Fragment, without_defaults
from reconciler.core.ident import bare_name, qualified, quote, written_bare
from reconciler.core.kind import Declared, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Cost, Hazard, HazardCode, Statement, on


@dataclass(frozen=True, slots=True)
class TypedColumnState:
    """The options of one column. What a primary key makes NOT NULL is not said."""

    not_null: bool = False
    default: str | None = None
    """An expression as pg_get_expr writes it."""


class TypedColumnDocument(Document):
    """`with_options: {name: {not_null: true, default: "'nobody'"}}`"""

    not_null: bool = False
    default: Fragment | None = None


def _alter(entry: Entry, action: str, **more: Any) -> Statement:
    schema, table, column = entry.id.path
    relation = qualified(schema, table)
    return Statement(f"ALTER TABLE {relation} ALTER COLUMN {quote(column)} {action}", on(relation), **more)


def _set_not_null(old: Entry | None, new: Entry) -> Iterable[Statement]:
    if not new.state.not_null:
        yield _alter(new, "DROP NOT NULL")
        return
    hazards = (Hazard(HazardCode.MAY_FAIL, new.id, "a null in the column makes it fail"),)
    yield _alter(new, "SET NOT NULL", hazards=hazards, cost=Cost.SCAN)


def _set_default(old: Entry | None, new: Entry) -> Iterable[Statement]:
    default = new.state.default
    yield _alter(new, "DROP DEFAULT" if default is None else f"SET DEFAULT {default}")


class TypedColumn(Kind[TypedColumnState]):
    """The options of a column of a typed table: `with_options: {name: {not_null: true}}`."""

    name = "typed_column"
    is_local = True
    section = "with_options"
    parents = ("table",)
    state = TypedColumnState
    document = TypedColumnDocument
    rank = 32
    reparsed = True
    rules: ClassVar[Mapping[str, Rule]] = {
        "not_null": InPlace(_set_not_null),
        "default": InPlace(_set_default),
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'typed_column/' || a.attrelid || '.' || a.attnum || '/0' AS address,
                ARRAY[n.nspname, c.relname, a.attname]::text[] AS path,
                ARRAY['pg_attrdef/' || d.oid || '/0'] AS also,
                'pg_class/' || c.oid || '/0' AS parent,
                o.not_null, pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS default
            FROM pg_catalog.pg_attribute a
            JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            CROSS JOIN LATERAL (SELECT a.attnotnull AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_constraint k
                WHERE k.conrelid = c.oid AND k.contype = 'p' AND a.attnum = ANY (k.conkey)) AS not_null) AS o
            WHERE c.reloftype <> 0 AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
                AND a.attnum > 0 AND NOT a.attisdropped AND (o.not_null OR d.oid IS NOT NULL)
                AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY n.nspname, c.relname, a.attnum"""

    def declare(self, name: str, document: TypedColumnDocument, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        if getattr(nest.parent_document, "of_type", None) is None:
            raise ValueError("only a table with `of_type` has `with_options`: write it under `columns`")
        if not document.not_null and document.default is None:
            raise ValueError("no options are none: leave the column out")
        state = TypedColumnState(document.not_null, document.default)
        yield Declared(nest.parent.child(self.name, bare_name(name)), state, nest.parent)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: TypedColumnState = entry.state
        data = without_defaults({"not_null": state.not_null, "default": state.default})
        return written_bare(entry.id.path[2]), data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        if entry.state.default is not None:
            yield from _set_default(None, entry)
        if entry.state.not_null:
            yield from _set_not_null(None, entry)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        if entry.state.default is not None:
            yield _alter(entry, "DROP DEFAULT")
        if entry.state.not_null:
            yield _alter(entry, "DROP NOT NULL")

    def label(self, entry: Entry) -> str:
        return f"options of column {'.'.join(entry.id.path)}"
