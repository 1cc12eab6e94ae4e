"""How privileges are read from the catalogs."""

from __future__ import annotations

from typing import LiteralString

PRIVILEGES: LiteralString = """
    WITH object AS (
        SELECT 'pg_namespace/' || n.oid || '/0' AS parent, 'n'::"char" AS type, n.nspowner AS owner,
            n.nspacl AS acl, n.nspname = 'public' AS is_public, 0::oid AS relation
        FROM pg_catalog.pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        UNION ALL
        SELECT 'pg_class/' || c.oid || '/0', CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char",
            c.relowner, c.relacl, false, c.oid
        FROM pg_catalog.pg_class c
        WHERE c.oid >= 16384 AND (c.relkind IN ('r', 'p', 'v', 'm', 'f') OR c.relkind = 'S' AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_depend i
            WHERE i.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND i.objid = c.oid
                AND i.deptype = 'i'))
        UNION ALL
        SELECT 'pg_proc/' || p.oid || '/0', 'f'::"char", p.proowner, p.proacl, false, 0
        FROM pg_catalog.pg_proc p WHERE p.oid >= 16384
        UNION ALL
        SELECT 'pg_type/' || t.oid || '/0', 'T'::"char", t.typowner, t.typacl, false, 0
        FROM pg_catalog.pg_type t
        WHERE t.oid >= 16384 AND (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND EXISTS (
            SELECT FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'))
        UNION ALL
        SELECT 'pg_foreign_data_wrapper/' || w.oid || '/0', 'F'::"char", w.fdwowner, w.fdwacl, false, 0
        FROM pg_catalog.pg_foreign_data_wrapper w
        UNION ALL
        SELECT 'pg_language/' || l.oid || '/0', 'l'::"char", l.lanowner, l.lanacl, false, 0
        FROM pg_catalog.pg_language l WHERE l.oid >= 16384
        UNION ALL
        SELECT 'pg_database/' || d.oid || '/0', 'd'::"char", d.datdba, d.datacl, false, 0
        FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
        UNION ALL
        SELECT 'pg_foreign_server/' || s.oid || '/0', 'S'::"char", s.srvowner, s.srvacl, false, 0
        FROM pg_catalog.pg_foreign_server s),
    known AS (
        SELECT o.*, b.datdba,
            -- initdb gives PUBLIC a place in the schema public, which acldefault() does not know of.
            pg_catalog.acldefault(o.type, o.owner) || CASE WHEN o.is_public THEN
                ARRAY[pg_catalog.makeaclitem(0, o.owner, 'USAGE', false)]
                || CASE WHEN pg_catalog.current_setting('server_version_num')::integer < 150000 THEN
                    ARRAY[pg_catalog.makeaclitem(0, o.owner, 'CREATE', false)] END END AS usual
        FROM object o
        JOIN pg_catalog.pg_database b ON b.datname = pg_catalog.current_database()
        WHERE o.acl IS NOT NULL OR o.is_public OR o.owner <> b.datdba
            OR o.relation IN (SELECT c.attrelid FROM pg_catalog.pg_attribute c WHERE c.attacl IS NOT NULL)),
    granted AS (
        SELECT k.parent, k.type, a.grantee, a.privilege_type, a.is_grantable, NULL::name AS col,
            NULL::text AS part, true AS now
        FROM known k, pg_catalog.aclexplode(coalesce(k.acl, k.usual)) AS a
        UNION ALL
        SELECT k.parent, k.type, a.grantee, a.privilege_type, a.is_grantable, NULL, NULL, false
        FROM known k, pg_catalog.aclexplode(k.usual) AS a
        UNION ALL
        SELECT k.parent, k.type, a.grantee, a.privilege_type, a.is_grantable, c.attname,
            'pg_class/' || c.attrelid || '/' || c.attnum, true
        FROM known k
        JOIN pg_catalog.pg_attribute c
            ON c.attrelid = k.relation AND c.attacl IS NOT NULL AND NOT c.attisdropped,
            pg_catalog.aclexplode(c.attacl) AS a),
    word AS (
        SELECT g.parent, g.type, g.grantee, g.now, pg_catalog.lower(g.privilege_type) AS word, g.col, g.part,
            bool_or(g.is_grantable) AS passes
        FROM granted g
        GROUP BY 1, 2, 3, 4, 5, 6, 7),
    side AS (
        SELECT w.parent, w.type, w.grantee, w.now,
            count(*) FILTER (WHERE w.col IS NULL) AS number,
            bool_and(w.passes) FILTER (WHERE w.col IS NULL) AS every_passes,
            array_agg(w.word || ' with grant option') FILTER (WHERE w.col IS NULL AND w.passes) AS passing,
            array_agg(w.word || CASE WHEN w.passes THEN ' with grant option' ELSE '' END)
                FILTER (WHERE w.col IS NULL) AS whole,
            array_agg(w.word || ' (' || pg_catalog.quote_ident(w.col) || ')'
                || CASE WHEN w.passes THEN ' with grant option' ELSE '' END)
                FILTER (WHERE w.col IS NOT NULL) AS columns,
            array_agg(DISTINCT w.part) FILTER (WHERE w.part IS NOT NULL) AS needs
        FROM word w
        GROUP BY 1, 2, 3, 4),
    total AS (
        SELECT y.type, count(*) AS number
        FROM pg_catalog.unnest('{n,r,s,f,T,F,S,l,d}'::"char"[]) AS y (type),
            pg_catalog.aclexplode(pg_catalog.acldefault(y.type, 10)) AS a
        WHERE a.grantee = 10 GROUP BY 1),
    listed AS (
        SELECT s.parent, s.grantee, s.now, s.needs, ARRAY(
            SELECT x FROM pg_catalog.unnest(CASE
                WHEN s.number < t.number OR t.number = 1 THEN s.whole
                WHEN s.every_passes THEN ARRAY['all with grant option']
                ELSE ARRAY['all'] || s.passing END || s.columns) AS x ORDER BY x COLLATE "C") AS privileges
        FROM side s JOIN total t ON t.type = s.type),
    pair AS (
        SELECT k.parent, k.owner, g.grantee,
            k.is_public AND g.grantee = 0 OR g.grantee = k.owner AND k.owner <> k.datdba AS always_read,
            coalesce(n.privileges, '{}') AS privileges, coalesce(u.privileges, '{}') AS usual, n.needs
        FROM known k
        JOIN (SELECT DISTINCT parent, grantee FROM listed) AS g ON g.parent = k.parent
        LEFT JOIN listed n ON n.parent = g.parent AND n.grantee = g.grantee AND n.now
        LEFT JOIN listed u ON u.parent = g.parent AND u.grantee = g.grantee AND NOT u.now)
    SELECT 'privilege.' || p.grantee || '.' || p.parent AS address, p.parent,
        ARRAY[CASE p.grantee WHEN 0 THEN 'public'
            ELSE pg_catalog.pg_get_userbyid(p.grantee)::text END] AS suffix,
        p.privileges, p.usual, p.grantee = p.owner AS of_owner, p.always_read,
        p.needs || ('pg_authid/' || p.grantee || '/0') AS needs
    FROM pair p
    WHERE p.privileges <> p.usual OR p.always_read
    ORDER BY p.parent, p.grantee"""
"""What is the case by default is read only where a person is likely to say it (an owner that is not the
database's, PUBLIC in the schema public), so that it counts as undeclared rather than as missing."""
