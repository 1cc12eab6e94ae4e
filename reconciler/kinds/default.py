"""Column defaults: pg_attrdef, an object of its own in PostgreSQL as here, because what a default calls and
what its column is made of come and go at different times (manual: ALTER TABLE ... SET DEFAULT)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Fragment
from reconciler.core.ident import qualified, quote
from reconciler.core.kind import Declared, Disturbance, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Statement, on


@dataclass(frozen=True, slots=True)
class DefaultState:
    """An expression as pg_get_expr writes it; `NULL` where only an ancestor has a default."""

    expression: str


def _set(entry: Entry) -> Iterable[Statement]:
    schema, table, column = entry.id.path
    relation = qualified(schema, table)
    yield Statement(
        f"ALTER TABLE {relation} ALTER COLUMN {quote(column)} SET DEFAULT {entry.state.expression}",
        on(relation),
    )


_CARRIER: LiteralString = """(
                    SELECT 'pg_attrdef/' || pd.oid || '/0'
                    FROM pg_catalog.pg_inherits i
                    JOIN pg_catalog.pg_attribute pa ON pa.attrelid = i.inhparent AND pa.attname = a.attname
                    JOIN pg_catalog.pg_attrdef pd ON pd.adrelid = pa.attrelid AND pd.adnum = pa.attnum
                    WHERE i.inhrelid = c.oid
                    ORDER BY i.inhseqno LIMIT 1)"""

_QUERY: LiteralString = (
    """
            SELECT 'pg_attrdef/' || d.oid || '/0' AS address,
                ARRAY[n.nspname, c.relname, a.attname]::text[] AS path,
                'pg_class/' || c.oid || '/' || a.attnum AS parent,
                pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS expression,
                CASE WHEN NOT a.attislocal THEN """ + _CARRIER + """ END AS carrier
            FROM pg_catalog.pg_attrdef d
            JOIN pg_catalog.pg_class c ON c.oid = d.adrelid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
            WHERE c.relkind IN ('r', 'p', 'f') AND a.attgenerated = '' AND c.relpersistence <> 't'
                AND c.reloftype = 0 AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            UNION ALL
            -- An heir or partition without the default that an ancestor has: CREATE TABLE would give it that.
            SELECT 'no default/' || c.oid || '/' || a.attnum,
                ARRAY[n.nspname, c.relname, a.attname]::text[],
                'pg_class/' || c.oid || '/' || a.attnum,
                'NULL',
                """ + _CARRIER + """
            FROM pg_catalog.pg_class c
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            WHERE c.oid IN (SELECT h.inhrelid FROM pg_catalog.pg_inherits h)
                AND a.attinhcount > 0 AND NOT a.atthasdef AND a.attidentity = ''
                AND c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
                AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
                AND EXISTS (
                    SELECT FROM pg_catalog.pg_inherits i
                    JOIN pg_catalog.pg_attribute pa ON pa.attrelid = i.inhparent AND pa.attname = a.attname
                    WHERE i.inhrelid = c.oid AND pa.atthasdef AND pa.attgenerated = '')
            ORDER BY path"""
)  # fmt: skip


class Default(Kind[DefaultState]):
    """The default of a column; a generated column's expression belongs to the column itself."""

    name = "default"
    is_local = True
    section = "default"
    parents = ("column",)
    singleton = True
    state = DefaultState
    document = Fragment
    folds_into = ("column",)
    rank = 32
    reparsed = True
    is_overridden_by_partitions = True
    recreated_on = frozenset({Disturbance.RETYPED})
    rules: ClassVar[Mapping[str, Rule]] = {"expression": InPlace(lambda old, new: _set(new))}

    def query(self, major: int) -> LiteralString:
        return _QUERY

    def declare(self, name: str, document: Any, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        yield Declared(nest.parent.child("default"), DefaultState(document), nest.parent)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return "default", entry.state.expression

    def clause(self, entry: Entry, clauses: Sequence[str] = ()) -> str:
        return f"DEFAULT {entry.state.expression}"

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        return _set(entry)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        schema, table, column = entry.id.path
        relation = qualified(schema, table)
        yield Statement(f"ALTER TABLE {relation} ALTER COLUMN {quote(column)} DROP DEFAULT", on(relation))
