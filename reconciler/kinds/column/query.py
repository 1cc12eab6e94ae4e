"""How columns are read from the catalogs."""

from __future__ import annotations

from typing import LiteralString

from reconciler.core.attribute_options import SAID_OPTION


def _chosen(label: LiteralString, room: LiteralString, half: LiteralString) -> LiteralString:
    """SQL for the name that PostgreSQL chooses: `core.constraint.chosen_name` for one column. `room` is how
    many bytes table and column may take, `half` what the table may in any case."""
    table: LiteralString = "pg_catalog.octet_length(c.relname::text)"
    column: LiteralString = "pg_catalog.octet_length(a.attname::text)"
    kept_of_table: LiteralString = (
        "least(" + table + ", greatest(" + half + ", " + room + " - " + column + "))"
    )  # fmt: skip
    kept_of_column: LiteralString = (
        "least(" + column + ", greatest(" + room + " - " + half + ", " + room + " - " + table + "))"
    )  # fmt: skip
    return (
        "CASE WHEN " + table + " + " + column + " <= " + room
        + " THEN c.relname || '_' || a.attname || '_" + label + "' ELSE "
        + _cut("c.relname", kept_of_table) + " || '_' || " + _cut("a.attname", kept_of_column)
        + " || '_" + label + "' END"
    )  # fmt: skip


def _cut(name: LiteralString, size: LiteralString) -> LiteralString:
    """SQL for the first bytes of a name, in whole characters: the cast to name cuts at 63."""
    padded = "(pg_catalog.repeat('x', 63 - " + size + ") || " + name + ")::pg_catalog.name::text"
    return "pg_catalog.substr(" + padded + ", 64 - " + size + ")"


_NOT_NULL = _chosen("not_null", "53", "27")
_SEQUENCE = _chosen("seq", "58", "29")

_FIXED: LiteralString = """(c.relhassubclass AND nn.oid IS NOT NULL AND EXISTS (
            -- RENAME CONSTRAINT of a table looks for the same name in all that inherit.
            WITH RECURSIVE below AS (
                SELECT bi.inhrelid FROM pg_catalog.pg_inherits bi WHERE bi.inhparent = c.oid
                UNION SELECT bi.inhrelid FROM below
                JOIN pg_catalog.pg_inherits bi ON bi.inhparent = below.inhrelid)
            SELECT FROM below
            JOIN pg_catalog.pg_attribute fa ON fa.attrelid = below.inhrelid AND fa.attname = a.attname
            JOIN pg_catalog.pg_constraint fn
                ON fn.conrelid = fa.attrelid AND fn.contype = 'n' AND fn.conkey = ARRAY[fa.attnum]
            WHERE fn.coninhcount > 0 AND fn.conname <> nn.conname))"""

COLUMNS: LiteralString = (
    """
    SELECT 'pg_class/' || c.oid || '/' || a.attnum AS address,
        ARRAY[n.nspname, c.relname, a.attname]::text[] AS path,
        CASE WHEN a.attgenerated <> '' THEN ARRAY['pg_attrdef/' || d.oid || '/0'] ELSE '{}' END
            || CASE WHEN nn.oid IS NULL THEN '{}' ELSE ARRAY['pg_constraint/' || nn.oid || '/0'] END
            || CASE WHEN q.seqrelid IS NULL THEN '{}' ELSE ARRAY['pg_class/' || q.seqrelid || '/0'] END
            AS also,
        'pg_class/' || c.oid || '/0' AS parent,
        CASE WHEN NOT a.attislocal THEN (
            SELECT 'pg_class/' || pa.attrelid || '/' || pa.attnum
            FROM pg_catalog.pg_inherits i
            JOIN pg_catalog.pg_attribute pa ON pa.attrelid = i.inhparent AND pa.attname = a.attname
            WHERE i.inhrelid = c.oid ORDER BY i.inhseqno LIMIT 1)
        END AS carrier,
        pg_catalog.format_type(a.atttypid, a.atttypmod) AS type,
        a.attnotnull AS not_null,
        CASE WHEN nn.coninhcount > 0 AND (c.relispartition OR NOT nn.conislocal) THEN NULL
            -- PostgreSQL chose it, for what table and column, or those it came from, were called once.
            WHEN pg_catalog.right(nn.conname, 9) = '_not_null' AND (nn.coninhcount > 0 OR """ + _FIXED + """)
                THEN NULL
            ELSE nullif(nn.conname, """ + _NOT_NULL + """) END AS not_null_name,
        nn.conname AS not_null_called,
        """ + _FIXED + """ AS not_null_fixed,
        (nn.conname = """ + _NOT_NULL + """ AND nn.coninhcount = 0 AND NOT """ + _FIXED + """)
            IS TRUE AS not_null_as_usual,
        array_remove(ARRAY[CASE WHEN nn.connoinherit THEN 'no inherit' END,
            CASE WHEN NOT nn.convalidated THEN 'not valid' END], NULL) AS not_null_flags,
        CASE WHEN a.attcollation <> t.typcollation THEN (
            SELECT pg_catalog.quote_ident(cn.nspname) || '.' || pg_catalog.quote_ident(co.collname)
            FROM pg_catalog.pg_collation co JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
            WHERE co.oid = a.attcollation)
        END AS collation,
        CASE WHEN a.attislocal THEN
            CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END END AS identity,
        CASE WHEN q.seqrelid IS NULL THEN '{}' ELSE array_remove(ARRAY[
            CASE WHEN qc.relname <> """ + _SEQUENCE + """ THEN
                'SEQUENCE NAME ' || pg_catalog.quote_ident(n.nspname) || '.'
                    || pg_catalog.quote_ident(qc.relname) END,
            CASE WHEN q.seqincrement <> 1 THEN 'INCREMENT BY ' || q.seqincrement END,
            CASE WHEN q.seqmin <> CASE WHEN q.seqincrement > 0 THEN 1
                WHEN q.seqtypid = 21 THEN -32768 WHEN q.seqtypid = 23 THEN -2147483648
                ELSE -9223372036854775808 END THEN 'MINVALUE ' || q.seqmin END,
            CASE WHEN q.seqmax <> CASE WHEN q.seqincrement < 0 THEN -1
                WHEN q.seqtypid = 21 THEN 32767 WHEN q.seqtypid = 23 THEN 2147483647
                ELSE 9223372036854775807 END THEN 'MAXVALUE ' || q.seqmax END,
            CASE WHEN q.seqstart <> CASE WHEN q.seqincrement > 0 THEN q.seqmin ELSE q.seqmax END
                THEN 'START WITH ' || q.seqstart END,
            CASE WHEN q.seqcache <> 1 THEN 'CACHE ' || q.seqcache END,
            CASE WHEN q.seqcycle THEN 'CYCLE' END], NULL)
        END AS identity_options,
        CASE a.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END AS generated,
        CASE WHEN a.attgenerated <> '' THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END AS expression,
        CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage WHEN 'p' THEN 'plain'
            WHEN 'e' THEN 'external' WHEN 'x' THEN 'extended' ELSE 'main' END END AS storage,
        CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression,
        CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::integer END AS statistics,
        CASE WHEN a.attoptions IS NULL THEN '{}' ELSE
            ARRAY(SELECT o FROM pg_catalog.unnest(a.attoptions) AS o WHERE """ + SAID_OPTION + """
                ORDER BY o COLLATE "C") END AS options,
        NOT a.attislocal AND NOT (c.relispartition AND c.relkind <> 'f') AS inherited,
        a.attnum::integer AS position,
        CASE t.typstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'x' THEN 'extended'
            ELSE 'main' END AS type_storage,
        CASE WHEN a.attgenerated = '' OR c.relkind = 'f' THEN false ELSE
            pg_catalog.current_setting('server_version_num')::integer >= 170000
            AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhparent = c.oid)
            AND (a.attgenerated = 's' OR NOT EXISTS (SELECT FROM pg_catalog.pg_publication) AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_constraint ck WHERE ck.conrelid = c.oid AND ck.contype = 'c'))
        END AS takes_expression,
        CASE WHEN t.typtype = 'd' AND EXISTS (
                WITH RECURSIVE under AS (
                    SELECT t.oid, t.typnotnull, t.typbasetype
                    UNION ALL SELECT ut.oid, ut.typnotnull, ut.typbasetype FROM under
                    JOIN pg_catalog.pg_type ut ON ut.oid = under.typbasetype AND ut.typtype = 'd')
                SELECT FROM under WHERE under.typnotnull OR EXISTS (
                    SELECT FROM pg_catalog.pg_constraint uc WHERE uc.contypid = under.oid)) THEN true
            WHEN a.atthasdef AND a.attgenerated = '' THEN EXISTS (
                -- Every function that the default calls stands in its tree under one of these two words.
                SELECT FROM pg_catalog.pg_attrdef vd
                CROSS JOIN LATERAL pg_catalog.regexp_matches(
                    vd.adbin::text, ':(?:op)?funcid (\\d+)', 'g') AS called
                JOIN pg_catalog.pg_proc vp ON vp.oid = called[1]::pg_catalog.oid
                WHERE vd.adrelid = a.attrelid AND vd.adnum = a.attnum AND vp.provolatile = 'v')
            ELSE false END AS written_anew,
        CASE WHEN c.relkind = 'p' THEN (
            -- Columns of a partition key, by name or inside an expression, depend on their own table.
            SELECT kn.nspname || '.' || kc.relname
            FROM pg_catalog.pg_partition_tree(c.oid) AS tree
            JOIN pg_catalog.pg_class kc ON kc.oid = tree.relid AND kc.relkind = 'p'
            JOIN pg_catalog.pg_namespace kn ON kn.oid = kc.relnamespace
            JOIN pg_catalog.pg_attribute ka ON ka.attrelid = kc.oid AND ka.attname = a.attname
            JOIN pg_catalog.pg_depend kd
                ON kd.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND kd.objid = kc.oid
                AND kd.objsubid = ka.attnum AND kd.deptype = 'i' AND kd.refobjsubid = 0
                AND kd.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND kd.refobjid = kc.oid
            ORDER BY tree.level, 1 LIMIT 1)
        END AS keyed_in
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_attrdef d
        ON d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.attgenerated <> ''
    LEFT JOIN pg_catalog.pg_constraint nn
        ON nn.conrelid = a.attrelid AND nn.contype = 'n' AND nn.conkey = ARRAY[a.attnum]
    LEFT JOIN (
            pg_catalog.pg_sequence q JOIN pg_catalog.pg_depend qd
                ON qd.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND qd.objid = q.seqrelid
                AND qd.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND qd.deptype = 'i')
        ON a.attidentity <> '' AND qd.refobjid = a.attrelid AND qd.refobjsubid = a.attnum
    LEFT JOIN pg_catalog.pg_class qc ON qc.oid = q.seqrelid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
        AND c.reloftype = 0 AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ORDER BY n.nspname, c.relname, a.attnum"""
)  # fmt: skip
"""Every column of tables and foreign tables."""
