"""Evidence of rows: counts and digests that do not depend on the order of rows, and never hold a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.dataclass import dataclass
from reconciler.core.ident import qualified, quote

if TYPE_CHECKING:
    import psycopg

_TEXT_SETTINGS: Final = {
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "lc_monetary": "C",
    "row_security": "off",
}
"""What the text of a value depends on. With row_security off, hidden rows are an error, not an omission."""

_COLUMNS = """
SELECT n.nspname, c.relname, root.nspname, root.relname, a.attname,
       pg_catalog.format_type(a.atttypid, a.atttypmod)
       || coalesce(' over ' || pg_catalog.format_type(nullif(t.typbasetype, 0), t.typtypmod), '')
       || coalesce((SELECT ' of ' || pg_catalog.string_agg(
                           pg_catalog.format_type(f.atttypid, f.atttypmod), ',' ORDER BY f.attnum)
                      FROM pg_catalog.pg_attribute f
                     WHERE f.attrelid = nullif(greatest(t.typrelid, e.typrelid), 0)
                       AND f.attnum > 0 AND NOT f.attisdropped), '')
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN LATERAL (
       SELECT rn.nspname, rc.relname
         FROM pg_catalog.pg_class rc JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace
        WHERE c.relispartition AND rc.oid = pg_catalog.pg_partition_root(c.oid)) root ON true
  LEFT JOIN pg_catalog.pg_attribute a
         ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
  LEFT JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem
 WHERE c.relkind = 'r' AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '_reconcile')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                      AND d.deptype = 'e')
 ORDER BY n.nspname, c.relname, a.attname
"""


@dataclass(frozen=True, slots=True)
class ColumnEvidence:
    """What is known of a column's values without knowing them."""

    type: str
    """As format_type has it, with what a domain, or a composite type, is made of."""
    digest: int
    """The sum of the rows' 64-bit hashes of the value's text: independent of the order of rows."""


@dataclass(frozen=True, slots=True)
class RowEvidence:
    """The rows that a table itself holds; those of its inheritance children and partitions count there."""

    count: int
    columns: Mapping[str, ColumnEvidence]
    """By name; generated columns are left out, as they are worked out anew."""
    root: str | None = None
    """The partitioned table at the top, where the table is a partition."""


def count_and_digest(connection: psycopg.Connection[Any]) -> dict[str, RowEvidence]:
    """Evidence of every row in the schemas of the user, by table (quoted and qualified).

    Reads every row. Raises psycopg.Error where a table cannot be read in full.
    """
    with connection.transaction(force_rollback=True):
        for name, value in _TEXT_SETTINGS.items():
            connection.execute("SELECT pg_catalog.set_config(%s, %s, true)", (name, value), prepare=False)
        tables: dict[str, tuple[str | None, dict[str, str]]] = {}
        for schema, name, root_schema, root_name, column, type_ in _columns(connection):
            root = qualified(root_schema, root_name) if root_name is not None else None
            columns = tables.setdefault(qualified(schema, name), (root, {}))[1]
            if column is not None:
                columns[column] = type_
        return {table: _read(connection, table, *found) for table, found in tables.items()}


def _columns(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    """The columns with their types named in full, whatever path the tables are read with."""
    with connection.transaction(force_rollback=True):
        connection.execute("SELECT pg_catalog.set_config('search_path', '', true)")
        return connection.execute(_COLUMNS).fetchall()


def _read(
    connection: psycopg.Connection[Any], table: str, root: str | None, types: Mapping[str, str]
) -> RowEvidence:
    sums = "".join(f", coalesce(sum({_hash(column)}), 0)" for column in types)
    row = connection.execute(f"SELECT count(*){sums} FROM ONLY {table}", prepare=False).fetchone()
    count, *digests = row or (0,)
    columns = {
        column: ColumnEvidence(type_, int(digest))
        for (column, type_), digest in zip(types.items(), digests, strict=True)
    }
    return RowEvidence(count, columns, root)


def _hash(column: str) -> str:
    """A value's hash. format() uses the type's output function, whatever casts exist; NULL is not ''."""
    own = quote(column)
    return (
        f"pg_catalog.hashtextextended((pg_catalog.format('%s', {own}) || pg_catalog.num_nulls({own}))"
        ' COLLATE pg_catalog."C", 0)'
    )


def lost(before: Mapping[str, RowEvidence], after: Mapping[str, RowEvidence]) -> tuple[str, ...]:
    """Tables and columns that are still there, with the same type, and hold other rows than before.

    Rows may move between the partitions of a table, and partitions may be attached and detached.
    """
    before_whole, after_whole = _whole(before), _whole(after)
    found: list[str] = []
    for table, rows in before_whole.items():
        now = after_whole.get(table)
        if now is None or not _differing(rows, now) or _parts_kept(table, before, after):
            continue
        found += [f"{table}{what}" for what in _differing(rows, now)]
    return tuple(found)


def gone(before: Mapping[str, RowEvidence], after: Mapping[str, RowEvidence]) -> tuple[str, ...]:
    """Tables that held rows, and columns of such, that are no longer there. A rename looks the same."""
    before_whole, after_whole = _whole(before), _whole(after)
    found: list[str] = []
    for table, rows in before_whole.items():
        now = after_whole.get(table)
        if rows.count == 0 or _parts_kept(table, before, after):
            continue
        if now is None:
            found.append(table)
        else:
            found += [f"{table}.{quote(column)}" for column in rows.columns if column not in now.columns]
    return tuple(found)


def _differing(before: RowEvidence, after: RowEvidence) -> list[str]:
    if before.count != after.count:
        return [f" (rows: {before.count} before, {after.count} after)"]
    return [
        f".{quote(column)}"
        for column, evidence in before.columns.items()
        if (now := after.columns.get(column)) is not None and now.type == evidence.type and now != evidence
    ]


def _parts_kept(table: str, before: Mapping[str, RowEvidence], after: Mapping[str, RowEvidence]) -> bool:
    """Whether each table that stored these rows still has its own, wherever it now hangs."""
    parts = [name for name, rows in before.items() if table in (name, rows.root)]
    return all(
        name in after
        and not _differing(before[name], after[name])
        and before[name].columns.keys() <= after[name].columns.keys()
        for name in parts
    )


def _whole(evidence: Mapping[str, RowEvidence]) -> dict[str, RowEvidence]:
    """The evidence with partitions added up into their root: digests are sums."""
    groups: dict[str, list[RowEvidence]] = {}
    for table, rows in evidence.items():
        groups.setdefault(rows.root or table, []).append(rows)
    return {table: _sum(group) for table, group in groups.items()}


def _sum(group: Iterable[RowEvidence]) -> RowEvidence:
    first, *rest = group
    if not rest:
        return first
    columns = {
        column: ColumnEvidence(
            evidence.type, evidence.digest + sum(rows.columns[column].digest for rows in rest)
        )
        for column, evidence in first.columns.items()
        if all(column in rows.columns for rows in rest)
    }
    return RowEvidence(first.count + sum(rows.count for rows in rest), columns)
