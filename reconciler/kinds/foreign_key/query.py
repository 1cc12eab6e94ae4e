"""How foreign keys are read from the catalogs."""

from __future__ import annotations

from typing import LiteralString


def foreign_keys(major: int) -> LiteralString:
    """Every foreign key but those that partitions have of their table's, on that major version."""
    delete_columns: LiteralString = "k.confdelsetcols" if major >= 15 else "'{}'::smallint[]"
    period: LiteralString = "k.conperiod" if major >= 18 else "false"
    enforced: LiteralString = "k.conenforced" if major >= 18 else "true"
    return (
        """
        SELECT 'pg_constraint/' || k.oid || '/0' AS address,
            ARRAY[n.nspname, c.relname, k.conname]::text[] AS path,
            'pg_class/' || c.oid || '/0' AS parent,
            """ + _names_of("k.conkey", "k.conrelid") + """ AS columns,
            k.confrelid::pg_catalog.regclass::text AS referenced,
            """ + _names_of("k.confkey", "k.confrelid") + """ AS referenced_columns,
            """ + _action_of("k.confdeltype") + """ AS on_delete,
            """ + _action_of("k.confupdtype") + """ AS on_update,
            CASE k.confmatchtype WHEN 'f' THEN 'full' ELSE 'simple' END AS match,
            """ + _names_of(delete_columns, "k.conrelid") + """ AS on_delete_columns,
            k.condeferrable AS deferrable,
            k.condeferred AS initially_deferred,
            NOT k.convalidated AND """ + enforced + """ AS not_valid,
            NOT """ + enforced + """ AS not_enforced,
            """ + period + """ AS period,
            CASE WHEN c.relkind = 'p' THEN (
                -- A row more of the same table is there for each partition of the referenced one.
                WITH RECURSIVE part AS (
                    SELECT own.oid, own.conrelid, own.conname FROM pg_catalog.pg_constraint own
                    WHERE own.conparentid = k.oid AND own.conrelid <> k.conrelid
                    UNION ALL
                    SELECT below.oid, below.conrelid, below.conname FROM part
                    JOIN pg_catalog.pg_constraint below
                        ON below.conparentid = part.oid AND below.conrelid <> part.conrelid)
                SELECT pg_catalog.array_agg(ARRAY[pn.nspname, pc.relname, part.conname]::text[]
                    ORDER BY pn.nspname, pc.relname)
                FROM part JOIN pg_catalog.pg_class pc ON pc.oid = part.conrelid
                JOIN pg_catalog.pg_namespace pn ON pn.oid = pc.relnamespace)
            END AS parts
        FROM pg_catalog.pg_constraint k
        JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE k.contype = 'f' AND k.conparentid = 0 AND c.relpersistence <> 't'
            AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        ORDER BY n.nspname, c.relname, k.conname"""
    )  # fmt: skip


def _names_of(numbers: LiteralString, relation: LiteralString) -> LiteralString:
    return (
        "ARRAY(SELECT a.attname::text"
        " FROM pg_catalog.unnest(" + numbers + ") WITH ORDINALITY AS u (attnum, n)"
        " JOIN pg_catalog.pg_attribute a ON a.attrelid = " + relation + " AND a.attnum = u.attnum"
        " ORDER BY u.n)"
    )  # fmt: skip


def _action_of(letter: LiteralString) -> LiteralString:
    return (
        "CASE " + letter + " WHEN 'a' THEN 'no action' WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade'"
        " WHEN 'n' THEN 'set null' ELSE 'set default' END"
    )  # fmt: skip
