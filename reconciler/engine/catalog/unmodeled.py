"""What the catalogs say of objects that are not ours to make, and that no kind models: it is named."""

from __future__ import annotations

from typing import LiteralString

BEYOND: LiteralString = """
    SELECT 'privileges of ' || i.type || ' ' || i.identity || ', of extension ' || x.extname
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid AND x.oid >= 16384
    LEFT JOIN pg_catalog.pg_class c
        ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid
    LEFT JOIN pg_catalog.pg_proc f
        ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND f.oid = d.objid
    LEFT JOIN pg_catalog.pg_init_privs p
        ON p.classoid = d.classid AND p.objoid = d.objid AND p.objsubid = 0,
    LATERAL pg_catalog.pg_identify_object(d.classid, d.objid, 0) AS i,
    LATERAL (SELECT CASE WHEN f.oid IS NOT NULL THEN pg_catalog.acldefault('f', f.proowner)
        ELSE pg_catalog.acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner) END)
        AS u (usual)
    WHERE d.deptype = 'e' AND (c.oid IS NOT NULL OR f.oid IS NOT NULL)
        AND (f.proacl IS NOT NULL OR c.relacl IS NOT NULL OR p.objoid IS NOT NULL)
        AND ARRAY(SELECT a::text
                FROM pg_catalog.unnest(coalesce(f.proacl, c.relacl, u.usual)) AS a ORDER BY 1)
            <> ARRAY(SELECT a::text FROM pg_catalog.unnest(coalesce(p.initprivs, u.usual)) AS a ORDER BY 1)
    UNION ALL
    SELECT 'whether ' || i.type || ' ' || i.identity || ' fires, which differs from its partitioned table'
    FROM pg_catalog.pg_trigger t
    JOIN pg_catalog.pg_trigger u ON u.oid = t.tgparentid AND u.tgenabled <> t.tgenabled,
    LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_trigger'::pg_catalog.regclass, t.oid, 0) AS i
    WHERE t.tgparentid <> 0
    ORDER BY 1"""
"""Privileges of an extension's relations and routines that are not those that its script leaves, and clones
of a trigger on partitions that were enabled or disabled by themselves."""
