"""The histories of other tools in a database: which there are, what they say, and how to leave them alone."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, LiteralString

from reconciler.app.adoption.migration_tools import TOOLS, Tool
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import ObjectId

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["History", "find_histories", "not_ignored"]


@dataclass(frozen=True, slots=True)
class History:
    """One table of another tool's."""

    tool: str
    table: ObjectId
    last: str | None
    """The version that was applied last; None where it names none, or may not be read."""
    unfinished: tuple[str, ...]
    """What is half done, in words; a lock that is held."""
    patterns: tuple[str, ...]
    """For manage.ignore: the table, its sequences, its companions, or its whole schema."""


@dataclass(frozen=True, slots=True)
class _Table:
    schema: str
    name: str
    columns: frozenset[str]
    may_read: bool
    sequences: tuple[str, ...]

    @property
    def id(self) -> ObjectId:
        return ObjectId("table", (self.schema, self.name))

    @property
    def patterns(self) -> tuple[str, ...]:
        ids = [self.id, *(ObjectId("sequence", (self.schema, name)) for name in self.sequences)]
        return tuple(glob.escape(str(id)) for id in ids)


_TABLES: LiteralString = """
    SELECT n.nspname, c.relname, array_agg(a.attname::text),
        has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'),
        ARRAY(SELECT s.relname::text FROM pg_depend AS d JOIN pg_class AS s ON s.oid = d.objid
              WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
                  AND d.refobjid = c.oid AND d.deptype = 'a' AND s.relkind = 'S'
                  AND s.relnamespace = c.relnamespace ORDER BY s.relname)
    FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        AND (c.relname = ANY (%(names)s) OR EXISTS (
            SELECT FROM pg_attribute AS m
            WHERE m.attrelid = c.oid AND NOT m.attisdropped AND m.attname = ANY (%(marks)s)))
        AND NOT EXISTS (
            SELECT FROM pg_depend AS e
            WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
    GROUP BY n.oid, n.nspname, c.oid, c.relname ORDER BY n.nspname, c.relname"""

# What a schema holds besides: relations that are no index, routines, and types that are no relation's.
_CONTENT: LiteralString = """
    SELECT c.relname::text FROM pg_class AS c
    WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL SELECT p.proname::text || '()' FROM pg_proc AS p WHERE p.pronamespace = n.oid
    UNION ALL SELECT t.typname::text || ' type' FROM pg_type AS t
    WHERE t.typnamespace = n.oid AND t.typtype IN ('e', 'd', 'r')"""
_CONTENTS: LiteralString = (
    "SELECT n.nspname, ARRAY(" + _CONTENT + ") FROM pg_namespace AS n WHERE n.nspname = ANY (%s)"
)


def find_histories(connection: Connection[Any]) -> tuple[History, ...]:
    """The tables of other tools in the database, each schema by itself. Nothing is changed."""
    names = [name for tool in TOOLS for name in (*tool.tables, *tool.companions)]
    marks = [min(tool.columns, key=_commonness) for tool in TOOLS if tool.by_shape]
    rows = connection.execute(_TABLES, {"names": names, "marks": marks}).fetchall()
    tables = [_Table(row[0], row[1], frozenset(row[2]), row[3], tuple(row[4])) for row in rows]
    found = [(table, tool) for table in tables if (tool := _tool_of(table)) is not None]
    whole = _own_schemas(connection, tables, found)
    return tuple(
        _read(connection, table, tool, _patterns(table, tool, tables, whole)) for table, tool in found
    )


def not_ignored(histories: Iterable[History], ignore: Iterable[str]) -> tuple[str, ...]:
    """The patterns that manage.ignore lacks."""
    known = tuple(ignore)
    wanted = dict.fromkeys(pattern for history in histories for pattern in history.patterns)
    return tuple(
        pattern
        for pattern in wanted
        if pattern not in known and not any(fnmatchcase(pattern, one) for one in known)
    )


def _commonness(column: str) -> tuple[bool, int]:
    """Which column of a tool tells it from most other tables: a long name that few would think of."""
    return column in {"description", "version", "operator_version"}, -len(column)


def _tool_of(table: _Table) -> Tool | None:
    fitting = [
        tool
        for tool in TOOLS
        if (table.columns == tool.columns if tool.exactly else table.columns >= tool.columns)
    ]
    named = (tool for tool in fitting if table.name in tool.tables)
    shaped = (tool for tool in fitting if tool.by_shape)
    return next(named, None) or next(shaped, None)


def _own_schemas(
    connection: Connection[Any], tables: Iterable[_Table], found: list[tuple[_Table, Tool]]
) -> frozenset[str]:
    """The schemas that hold nothing but what is a tool's."""
    theirs: dict[str, set[str]] = {}
    for table, tool in found:
        members = theirs.setdefault(table.schema, set())
        members |= {table.name, *table.sequences}
        for one in tables:
            if one.schema == table.schema and one.name in tool.companions:
                members |= {one.name, *one.sequences}
    named = [schema for schema in theirs if schema != "public"]
    contents: Mapping[str, list[str]] = dict(connection.execute(_CONTENTS, (named,)).fetchall())
    owned = {table.schema for table, tool in found if tool.owns_schema}
    return frozenset(schema for schema in named if schema in owned or set(contents[schema]) <= theirs[schema])


def _patterns(table: _Table, tool: Tool, tables: Iterable[_Table], whole: frozenset[str]) -> tuple[str, ...]:
    if table.schema in whole:
        name = glob.escape(str(ObjectId("schema", (table.schema,))))
        return (name, f"*:{name.removeprefix('schema:')}.*", *tool.also)
    companions = (one for one in tables if one.schema == table.schema and one.name in tool.companions)
    return (*table.patterns, *(pattern for one in companions for pattern in one.patterns), *tool.also)


def _read(connection: Connection[Any], table: _Table, tool: Tool, patterns: tuple[str, ...]) -> History:
    if not table.may_read:
        return History(tool.name, table.id, None, (), patterns)
    last = next(_lines(connection, tool.last, table), None)
    unfinished = tuple(_lines(connection, tool.unfinished, table)) if tool.unfinished else ()
    return History(tool.name, table.id, last, unfinished, patterns)


def _lines(connection: Connection[Any], query: LiteralString, table: _Table) -> Iterator[str]:
    """What a tool's query says. A table that only looks like a history tells nothing."""
    import psycopg
    from psycopg import sql

    composed = sql.SQL(query).format(
        history=sql.Identifier(table.schema, table.name), schema=sql.Identifier(table.schema)
    )
    try:
        with connection.transaction():
            rows = connection.execute(composed).fetchall()
    except (psycopg.errors.UndefinedFunction, psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable,
            psycopg.errors.DatatypeMismatch, psycopg.errors.InsufficientPrivilege):  # fmt: skip
        return
    yield from (str(row[0]) for row in rows if row[0] is not None)
