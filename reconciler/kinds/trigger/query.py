"""How triggers are read from the catalogs."""

from __future__ import annotations

from typing import LiteralString

# No catalog has the condition and the arguments as text. pg_get_triggerdef has: the condition from
# the first ' WHEN (' to the last ') EXECUTE FUNCTION ', the arguments after the function's name.
TRIGGERS: LiteralString = """
            SELECT 'pg_trigger/' || t.oid || '/0' AS address,
                ARRAY[n.nspname, c.relname, t.tgname]::text[] AS path,
                CASE WHEN t.tgconstraint <> 0
                    THEN ARRAY['pg_constraint/' || t.tgconstraint || '/0'] ELSE '{}' END AS also,
                'pg_class/' || c.oid || '/0' AS parent,
                CASE WHEN t.tgtype & 64 <> 0 THEN 'instead of' WHEN t.tgtype & 2 <> 0 THEN 'before'
                    ELSE 'after' END AS timing,
                array_remove(ARRAY[
                    CASE WHEN t.tgtype & 4 <> 0 THEN 'insert' END,
                    CASE WHEN t.tgtype & 8 <> 0 THEN 'delete' END,
                    CASE WHEN t.tgtype & 16 <> 0 THEN 'update' || coalesce((
                        SELECT ' of ' || pg_catalog.string_agg(
                            pg_catalog.quote_ident(a.attname), ', ' ORDER BY u.number)
                        FROM pg_catalog.unnest(t.tgattr::int2[]) WITH ORDINALITY AS u (attnum, number)
                        JOIN pg_catalog.pg_attribute a
                            ON a.attrelid = t.tgrelid AND a.attnum = u.attnum), '') END,
                    CASE WHEN t.tgtype & 32 <> 0 THEN 'truncate' END], NULL) AS events,
                pg_catalog.quote_ident(pn.nspname) || '.' || pg_catalog.quote_ident(p.proname)
                    || pg_catalog.regexp_replace(
                        pg_catalog.substring(d.definition, '.* EXECUTE FUNCTION (.*)$'),
                        '^("([^"]|"")*"|[^"(])*', '') AS function,
                CASE WHEN t.tgtype & 1 <> 0 THEN 'row' ELSE 'statement' END AS for_each,
                CASE WHEN t.tgqual IS NOT NULL THEN pg_catalog.substring(
                    pg_catalog.substr(d.definition, pg_catalog.strpos(d.definition, ' WHEN (') + 7),
                    '(.*)\\) EXECUTE FUNCTION ') END AS "when",
                t.tgconstraint <> 0 AS "constraint",
                t.tgdeferrable AS "deferrable",
                t.tginitdeferred AS initially_deferred,
                CASE WHEN t.tgconstrrelid <> 0
                    THEN t.tgconstrrelid::pg_catalog.regclass::text END AS referenced,
                t.tgoldtable AS old_table,
                t.tgnewtable AS new_table,
                CASE t.tgenabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica'
                    ELSE 'always' END AS enabled
            FROM pg_catalog.pg_trigger t
            JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
            JOIN pg_catalog.pg_namespace pn ON pn.oid = p.pronamespace
            CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_triggerdef(t.oid, false) AS definition) AS d
            WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND c.relpersistence <> 't'
                AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY n.nspname, c.relname, t.tgname"""
"""Every trigger that a person made."""
