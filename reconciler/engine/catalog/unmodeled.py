"""What the catalogs say of objects that are not ours to make, and that no kind models: it is named."""

from __future__ import annotations

from typing import LiteralString

from reconciler.core.setting import NOT_SECRET

_OF_POSTGRESQL: LiteralString = """(
    WITH own AS (
        SELECT 'pg_catalog.pg_proc'::pg_catalog.regclass AS class, p.oid, p.proacl AS acl
        FROM pg_catalog.pg_proc p WHERE p.oid < 16384 AND p.proacl IS NOT NULL AND p.pronamespace = 11
        UNION ALL
        SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, c.relacl
        FROM pg_catalog.pg_class c WHERE c.oid < 16384 AND c.relacl IS NOT NULL AND c.relnamespace = 11
        UNION ALL
        SELECT 'pg_catalog.pg_namespace'::pg_catalog.regclass, n.oid, n.nspacl
        FROM pg_catalog.pg_namespace n WHERE n.oid = 11 AND n.nspacl IS NOT NULL),
    changed AS MATERIALIZED (
        SELECT o.class, o.oid FROM own o
        LEFT JOIN pg_catalog.pg_init_privs p ON p.classoid = o.class AND p.objoid = o.oid AND p.objsubid = 0
        WHERE o.acl IS DISTINCT FROM p.initprivs
            AND (p.objoid IS NULL OR ARRAY(SELECT a::text FROM pg_catalog.unnest(o.acl) AS a ORDER BY 1)
                <> ARRAY(SELECT a::text FROM pg_catalog.unnest(p.initprivs) AS a ORDER BY 1)))
    SELECT 'privileges of objects of PostgreSQL itself: '
        || pg_catalog.string_agg(h.named, ', ' ORDER BY h.named) FILTER (WHERE h.place <= 3)
        || CASE WHEN pg_catalog.count(*) > 3 THEN ' and ' || pg_catalog.count(*) - 3 || ' more' ELSE '' END
    FROM (
        SELECT i.type || ' ' || i.identity AS named,
            pg_catalog.row_number() OVER (ORDER BY i.type || ' ' || i.identity) AS place
        FROM changed o, LATERAL pg_catalog.pg_identify_object(o.class, o.oid, 0) AS i) AS h
    HAVING pg_catalog.count(*) > 0)"""
"""In pg_catalog, where they are not those of a new database."""

_TRIGGERS: LiteralString = """
    SELECT 'whether ' || i.type || ' ' || i.identity || ' fires, which differs from its partitioned table'
    FROM pg_catalog.pg_trigger t
    JOIN pg_catalog.pg_trigger u ON u.oid = t.tgparentid AND u.tgenabled <> t.tgenabled,
    LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_trigger'::pg_catalog.regclass, t.oid, 0) AS i
    WHERE t.tgparentid <> 0"""
"""Clones of a trigger on partitions that were enabled or disabled by themselves."""

_DETACHING: LiteralString = """
    SELECT 'that ' || i.type || ' ' || i.identity
        || ' is half detached: ALTER TABLE ... DETACH PARTITION ... FINALIZE ends that'
    FROM pg_catalog.pg_inherits h,
    LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::pg_catalog.regclass, h.inhrelid, 0) AS i
    WHERE h.inhdetachpending"""

_LARGE_OBJECTS: LiteralString = """
    SELECT CASE WHEN pg_catalog.count(*) > 1000 THEN 'more than 1000' ELSE pg_catalog.count(*)::text END
        || ' large object' || CASE pg_catalog.count(*) WHEN 1 THEN '' ELSE 's' END || ', of which '
        || pg_catalog.count(o.lomacl) || ' with privileges; their owners, comments and contents'
    FROM (SELECT m.oid, m.lomacl FROM pg_catalog.pg_largeobject_metadata m LIMIT 1001) AS o
    HAVING pg_catalog.count(*) > 0"""
"""There can be millions, as rows of a table: they are counted as far as that says something."""

_SETTINGS: LiteralString = (
    """
    SELECT 'settings of '
        || CASE WHEN s.setrole = 0 THEN 'all roles' ELSE 'role ' || pg_catalog.quote_ident(r.rolname) END
        || CASE WHEN s.setdatabase = 0 THEN '' ELSE ' in this database' END || ': '
        || (SELECT pg_catalog.string_agg(pg_catalog.split_part(c, '=', 1), ', ' ORDER BY c)
            FROM pg_catalog.unnest(s.setconfig) AS c WHERE """
    + NOT_SECRET
    + """)
    FROM pg_catalog.pg_db_role_setting s
    JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
    LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
    WHERE s.setdatabase IN (0, d.oid)
        AND EXISTS (SELECT FROM pg_catalog.unnest(s.setconfig) AS c WHERE """
    + NOT_SECRET
    + """)
        AND (s.setrole = 0 AND s.setdatabase = 0 OR s.setrole = 10)"""
)
"""Settings of those that no entry is of: every role, and the superuser that initdb made."""

_SECRETS: LiteralString = (
    """
    SELECT 'setting ' || pg_catalog.split_part(c, '=', 1) || ' of '
        || CASE WHEN s.setrole = 0 THEN 'the database' ELSE 'role ' || s.setrole::pg_catalog.regrole END
        || ', whose value may be a secret'
    FROM pg_catalog.pg_db_role_setting s
    JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database(),
        pg_catalog.unnest(s.setconfig) AS c
    WHERE s.setdatabase IN (0, d.oid) AND NOT ("""
    + NOT_SECRET
    + ")"
)

_LABELS: LiteralString = """
    SELECT 'security label of ' || l.provider || ' on ' || i.type || ' ' || i.identity
    FROM pg_catalog.pg_seclabel l,
    LATERAL pg_catalog.pg_identify_object(l.classoid, l.objoid, l.objsubid) AS i
    WHERE l.classoid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass
        OR l.objsubid > 0 AND (SELECT c.relkind IN ('v', 'm', 'c') OR c.reloftype <> 0
            FROM pg_catalog.pg_class c WHERE c.oid = l.objoid)"""
"""On columns that are no entries, and on large objects."""

_DATABASE: LiteralString = """
    SELECT 'that this database is a template, which anyone who may create databases can copy'
    FROM pg_catalog.pg_database d
    WHERE d.datname = pg_catalog.current_database() AND d.datistemplate"""

_PARAMETERS: LiteralString = """
    SELECT 'privileges on ' || pg_catalog.count(*) || ' parameter'
        || CASE pg_catalog.count(*) WHEN 1 THEN '' ELSE 's' END || ' of the server: '
        || pg_catalog.string_agg(a.parname, ', ' ORDER BY a.parname)
    FROM pg_catalog.pg_parameter_acl a
    WHERE a.paracl IS NOT NULL
    HAVING pg_catalog.count(*) > 0"""
"""GRANT SET and ALTER SYSTEM ON PARAMETER: they belong to the server, not to one of its databases."""


_IDENTITY_SEQUENCES: LiteralString = """
    SELECT special.what || ' of identity sequence ' || pg_catalog.quote_ident(n.nspname) || '.'
        || pg_catalog.quote_ident(s.relname)
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace AND n.nspname <> '_reconcile'
    JOIN pg_catalog.pg_class t ON t.oid = d.refobjid AND t.relpersistence <> 't',
    LATERAL (
        SELECT coalesce((SELECT g.defaclacl FROM pg_catalog.pg_default_acl g
                    WHERE g.defaclrole = s.relowner AND g.defaclobjtype = 'S' AND g.defaclnamespace = 0),
                pg_catalog.acldefault('s', s.relowner)) AS everywhere,
            (SELECT g.defaclacl FROM pg_catalog.pg_default_acl g WHERE g.defaclrole = s.relowner
                AND g.defaclobjtype = 'S' AND g.defaclnamespace = s.relnamespace) AS here) AS given,
    LATERAL (VALUES
        ('comment', EXISTS (SELECT FROM pg_catalog.pg_description c
            WHERE c.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.objoid = s.oid)),
        ('persistence', s.relpersistence <> t.relpersistence),
        ('privileges', s.relacl IS NOT NULL AND ARRAY(
                SELECT (a.grantee, a.privilege_type, a.is_grantable)::text
                FROM pg_catalog.aclexplode(s.relacl) AS a ORDER BY 1)
            <> ARRAY(SELECT DISTINCT (a.grantee, a.privilege_type, a.is_grantable)::text
                FROM pg_catalog.aclexplode(given.everywhere || given.here) AS a ORDER BY 1)))
        AS special (what, is_so)
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'i' AND d.refobjsubid > 0
        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND special.is_so
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
            WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.objid = t.oid
                AND e.deptype = 'e')"""
"""What the sequence of an identity has of its own, beside what its table and default privileges give it."""


def beyond(major: int) -> LiteralString:
    """The query whose one column says them."""
    parts = [
        _OF_POSTGRESQL,
        _TRIGGERS,
        _DETACHING,
        _LARGE_OBJECTS,
        _SETTINGS,
        _SECRETS,
        _DATABASE,
        _LABELS,
        _IDENTITY_SEQUENCES,
    ]
    if major >= _MAJOR_OF_PARAMETERS:
        parts.append(_PARAMETERS)
    return " UNION ALL ".join(parts) + " ORDER BY 1"


_MAJOR_OF_PARAMETERS = 15
