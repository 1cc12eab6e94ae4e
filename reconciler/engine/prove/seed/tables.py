"""What is to be seeded: tables with their columns, constraints and partitions, read in five queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.dataclass import dataclass
from reconciler.core.ident import qualified
from reconciler.engine.prove.seed.values import DataType, constants

if TYPE_CHECKING:
    import psycopg

_RELATIONS: Final = """
SELECT c.oid, coalesce(pg_catalog.pg_partition_root(c.oid)::oid, c.oid) AS root, n.nspname, c.relname,
       c.relkind, c.relispartition, c.relpartbound
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '_reconcile')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                      AND d.deptype = 'e')
"""

_COLUMNS: Final = f"""
WITH relation AS ({_RELATIONS})
SELECT r.oid::bigint, r.nspname, r.relname, r.relkind = 'p', a.attname, a.atttypid::bigint, a.atttypmod,
       a.attnotnull, a.attidentity <> '', a.atthasdef
  FROM relation r
  LEFT JOIN pg_catalog.pg_attribute a
         ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
 WHERE r.relkind IN ('r', 'p') AND NOT r.relispartition
 ORDER BY r.nspname, r.relname, a.attnum
"""

_CONSTRAINTS: Final = f"""
WITH relation AS ({_RELATIONS}), rule AS (
  SELECT k.conrelid, k.conname, k.contype::text, k.conkey::int[] AS keys, k.confrelid, k.confkey,
         pg_catalog.pg_get_constraintdef(k.oid) AS definition
    FROM pg_catalog.pg_constraint k WHERE k.contype IN ('c', 'u', 'p', 'x', 'f')
  UNION ALL
  SELECT i.indrelid, c.relname, 'u', i.indkey::int[], 0, NULL, ''
    FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid WHERE i.indisunique)
SELECT r.root::bigint, u.conname, u.contype,
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(u.keys) WITH ORDINALITY k(number, place)
              JOIN pg_catalog.pg_attribute a ON a.attrelid = u.conrelid AND a.attnum = k.number
             ORDER BY k.place),
       0 = ANY (coalesce(u.keys, '{{0}}')), u.definition,
       coalesce(pg_catalog.pg_partition_root(u.confrelid)::oid, u.confrelid)::bigint,
       ARRAY(SELECT a.attname::text FROM pg_catalog.unnest(u.confkey) WITH ORDINALITY k(number, place)
              JOIN pg_catalog.pg_attribute a ON a.attrelid = u.confrelid AND a.attnum = k.number
             ORDER BY k.place)
  FROM rule u JOIN relation r ON r.oid = u.conrelid
 WHERE u.contype <> 'f' OR r.oid = r.root
 ORDER BY u.conname
"""

_PARTITIONS: Final = f"""
WITH relation AS ({_RELATIONS})
SELECT r.oid::bigint, h.inhparent::bigint, r.root::bigint, r.relkind::text,
       pg_catalog.pg_get_expr(r.relpartbound, r.oid),
       ARRAY(SELECT coalesce(a.attname::text, '')
               FROM pg_catalog.unnest(p.partattrs::int[]) WITH ORDINALITY k(number, place)
               LEFT JOIN pg_catalog.pg_attribute a
                      ON a.attrelid = p.partrelid AND a.attnum = k.number AND k.number > 0
              ORDER BY k.place)
  FROM relation r
  JOIN pg_catalog.pg_inherits h ON h.inhrelid = r.oid
  JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = h.inhparent
 ORDER BY r.nspname, r.relname
"""

_TYPES: Final = """
SELECT t.oid::bigint, t.typname,
       CASE WHEN t.typelem <> 0 AND t.typlen = -1 AND t.typcategory = 'A' AND t.typtype = 'b'
             AND t.typname NOT IN ('int2vector', 'oidvector') THEN 'a' ELSE t.typtype::text END,
       t.typbasetype::bigint, t.typtypmod, coalesce(r.rngsubtype, t.typelem)::bigint,
       ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid
              ORDER BY e.enumsortorder),
       (SELECT pg_catalog.array_agg(ARRAY[a.atttypid::bigint, a.atttypmod] ORDER BY a.attnum)
          FROM pg_catalog.pg_attribute a
         WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped),
       ARRAY(SELECT pg_catalog.pg_get_constraintdef(k.oid) FROM pg_catalog.pg_constraint k
              WHERE k.contypid = t.oid)
  FROM pg_catalog.pg_type t
  LEFT JOIN pg_catalog.pg_range r ON t.oid IN (r.rngtypid, r.rngmultitypid)
 WHERE t.typtype <> 'p'
"""


@dataclass(frozen=True, slots=True)
class SeedColumn:
    """A column that takes a value; generated ones are left out."""

    name: str
    type: int
    """oid of pg_type."""
    modifier: int
    not_null: bool
    is_identity: bool
    has_default: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """A constraint or unique index that can refuse a row."""

    columns: tuple[str, ...]
    """Those it reads; all of the table's when it reads expressions."""
    definition: str
    """Its text, to find constants in; empty where that is no help."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key."""

    columns: tuple[str, ...]
    referenced: int
    """oid of the referenced table, of the root where it is partitioned."""
    referenced_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeedTable:
    """A table that rows are put into; its partitions get theirs through it."""

    oid: int
    schema: str
    name: str
    is_partitioned: bool
    columns: tuple[SeedColumn, ...]
    rules: Mapping[str, Rule]
    references: tuple[Reference, ...]
    partition_columns: tuple[str, ...]
    """The partition key's columns on all levels."""
    places: tuple[Mapping[str, str], ...]
    """For each leaf partition, constants of its bounds by key column."""

    @property
    def sql_name(self) -> str:
        """Qualified and quoted."""
        return qualified(self.schema, self.name)


def read_types(connection: psycopg.Connection[Any]) -> dict[int, DataType]:
    """Every type of the database by oid, pseudo-types left out."""
    return {
        oid: DataType(
            name=name,
            sort=sort,
            base=base,
            base_modifier=modifier,
            element=element,
            labels=tuple(labels),
            attributes=tuple((int(type_), int(own)) for type_, own in attributes or ()),
            checks=tuple(checks),
        )
        for oid, name, sort, base, modifier, element, labels, attributes, checks in connection.execute(
            _TYPES
        ).fetchall()
    }


def read_tables(connection: psycopg.Connection[Any]) -> list[SeedTable]:
    """The tables in the user's schemas, referenced ones before those that refer to them."""
    names: dict[int, tuple[str, str, bool]] = {}
    columns: dict[int, list[SeedColumn]] = {}
    for oid, schema, name, is_partitioned, *column in connection.execute(_COLUMNS).fetchall():
        names[oid] = (schema, name, is_partitioned)
        columns.setdefault(oid, []).extend([SeedColumn(*column)] if column[0] is not None else [])
    rules: dict[int, dict[str, Rule]] = {}
    references: dict[int, list[Reference]] = {}
    for root, name, sort, keys, is_expression, text, other, other_keys in connection.execute(
        _CONSTRAINTS
    ).fetchall():
        if sort == "f":
            references.setdefault(root, []).append(Reference(tuple(keys), other, tuple(other_keys)))
        all_columns = tuple(column.name for column in columns.get(root, ()))
        rules.setdefault(root, {})[name] = Rule(
            all_columns if is_expression else tuple(keys), "" if sort == "f" else text
        )
    keys_of, places = _partitions(connection.execute(_PARTITIONS).fetchall())
    found = [
        SeedTable(
            oid,
            *names[oid],
            columns=tuple(columns[oid]),
            rules=rules.get(oid, {}),
            references=tuple(references.get(oid, ())),
            partition_columns=keys_of.get(oid, ()),
            places=places.get(oid, ()),
        )
        for oid in names
    ]
    return _referenced_first(found)


def _partitions(
    rows: Iterable[tuple[int, int, int, str, str, list[str]]],
) -> tuple[dict[int, tuple[str, ...]], dict[int, tuple[Mapping[str, str], ...]]]:
    """The key columns, and where each leaf lies, by the root's oid."""
    keys: dict[int, dict[str, None]] = {}
    parents: dict[int, tuple[int, dict[str, str]]] = {}
    leaves: list[tuple[int, int]] = []
    for oid, parent, root, relkind, bound, columns in rows:
        keys.setdefault(root, {}).update(dict.fromkeys(column for column in columns if column))
        # a hash partition's bound holds no value of the key
        values = () if "modulus" in bound else constants(bound)
        place = {column: value for column, value in zip(columns, values, strict=False) if column}
        parents[oid] = (parent, place)
        if relkind == "r":
            leaves.append((root, oid))
    places: dict[int, list[Mapping[str, str]]] = {}
    for root, leaf in leaves:
        at, place = leaf, {}
        while at in parents:
            at, own = parents[at]
            place = own | place
        places.setdefault(root, []).append(place)
    return {root: tuple(names) for root, names in keys.items()}, {
        root: tuple(found) for root, found in places.items()
    }


def _referenced_first(tables: Iterable[SeedTable]) -> list[SeedTable]:
    """Depth first along foreign keys; a cycle is cut where it closes."""
    by_oid = {table.oid: table for table in tables}
    ordered: dict[int, SeedTable] = {}
    begun: set[int] = set()
    for start in by_oid.values():
        stack = [(start, False)]
        while stack:
            table, is_done = stack.pop()
            if is_done:
                ordered[table.oid] = table
            elif table.oid not in begun:
                begun.add(table.oid)
                stack.append((table, True))
                stack += [
                    (by_oid[reference.referenced], False)
                    for reference in table.references
                    if reference.referenced in by_oid
                ]
    return list(ordered.values())
