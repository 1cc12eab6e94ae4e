"""The SQL that reads what functions, procedures and aggregates have in common."""

from __future__ import annotations

from typing import LiteralString

TYPE: LiteralString = """(
                SELECT CASE
                    WHEN tn.nspname = 'pg_catalog'
                        THEN pg_catalog.regexp_replace(f.type, '^pg_catalog\\.', '')
                    WHEN pg_catalog.starts_with(f.type, pg_catalog.quote_ident(tn.nspname) || '.') THEN f.type
                    ELSE pg_catalog.quote_ident(tn.nspname) || '.' || f.type END
                FROM pg_catalog.pg_type ty
                JOIN pg_catalog.pg_namespace tn ON tn.oid = ty.typnamespace
                CROSS JOIN LATERAL (SELECT pg_catalog.format_type(ty.oid, NULL) AS type) AS f
                WHERE ty.oid = a.type)"""
"""format_type of `a.type` as an empty search_path has it, whatever the search_path is."""

TYPES: LiteralString = (
    """(
                    SELECT coalesce(pg_catalog.string_agg("""
    + TYPE
    + """, ', ' ORDER BY a.number), '')
                    FROM pg_catalog.unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, number))"""
)
"""The types that tell a routine `p` from others of its name."""

PATH: LiteralString = (
    """ARRAY[n.nspname, pg_catalog.quote_ident(p.proname) || '(' || """ + TYPES + """ || ')']::text[]"""
)

COLUMNS: LiteralString = """
                pg_catalog.pg_get_function_arguments(p.oid) AS arguments,
                l.lanname AS language,
                CASE WHEN p.prosqlbody IS NULL AND p.probin IS NULL THEN p.prosrc END AS body,
                pg_catalog.btrim(pg_catalog.pg_get_function_sqlbody(p.oid), E' \\n\\t') AS sql_body,
                p.probin AS object_file,
                CASE WHEN p.probin IS NOT NULL THEN p.prosrc END AS link_symbol,
                p.prosecdef AS security_definer,
                coalesce(p.proconfig, '{}') AS settings,
                ARRAY(
                    SELECT pg_catalog.format_type(t.type, NULL)
                    FROM pg_catalog.unnest(p.protrftypes) WITH ORDINALITY AS t (type, number)
                    ORDER BY t.number
                ) AS transforms,
                ARRAY(
                    SELECT coalesce(p.proargmodes[a.number::integer]::text, 'i') || ' '
                        || coalesce(p.proargnames[a.number::integer], '')
                    FROM pg_catalog.unnest(coalesce(p.proallargtypes, p.proargtypes::oid[]))
                        WITH ORDINALITY AS a (type, number)
                    WHERE coalesce(p.proargmodes[a.number::integer]::text, 'i') IN ('i', 'b', 'v')
                    ORDER BY a.number
                ) AS inputs,
                ARRAY(
                    SELECT p.proargmodes[a.number::integer]::text || ' '
                        || coalesce(p.proargnames[a.number::integer], '') || ' '
                        || pg_catalog.format_type(a.type, NULL)
                    FROM pg_catalog.unnest(p.proallargtypes) WITH ORDINALITY AS a (type, number)
                    WHERE p.proargmodes[a.number::integer]::text IN ('o', 'b', 't')
                    ORDER BY a.number
                ) AS outputs,
                p.pronargdefaults::integer AS defaults"""
"""The columns of a query that fill RoutineState, over pg_proc p and pg_language l."""

SOURCE: LiteralString = """
            FROM pg_catalog.pg_proc p
            JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
            JOIN pg_catalog.pg_language l ON l.oid = p.prolang
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""


def resolution(types: LiteralString, source: LiteralString) -> LiteralString:
    """SQL for `Kind.resolve` over routines `p` and namespaces `n`: from %(schema)s and the written last part
    of the path %(name)s to the canonical last part, or null. It tries: the canonical text; the only routine
    of that name; the text with names and defaults as PostgreSQL writes them; types by to_regprocedure.

    Before PostgreSQL 16 the last raises a syntax error for an overloaded name whose parameters are written
    with their names and with aliases of types.
    """
    return (
        """
            WITH candidate AS (
                SELECT p.oid, pg_catalog.quote_ident(p.proname) || '(' || """
        + types
        + """ || ')' AS path,
                    pg_catalog.quote_ident(p.proname) || '(' || pg_catalog.pg_get_function_arguments(p.oid)
                        || ')' AS long
                """
        + source
        + """
                    AND n.nspname = %(schema)s::text
                    AND pg_catalog.starts_with(%(name)s::text, pg_catalog.quote_ident(p.proname) || '(')
                    AND NOT EXISTS (
                        SELECT FROM pg_catalog.pg_depend d
                        WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid
                            AND d.deptype = 'e'))
            SELECT coalesce(
                (SELECT path FROM candidate WHERE path = %(name)s::text),
                (SELECT pg_catalog.min(path) FROM candidate HAVING pg_catalog.count(*) = 1),
                (SELECT path FROM candidate
                    WHERE pg_catalog.lower(long) = pg_catalog.lower(%(name)s::text) LIMIT 1),
                -- OFFSET 0: the planner must not ask to_regprocedure, which raises for what is not a type.
                (SELECT c.path FROM candidate c JOIN (
                    SELECT pg_catalog.to_regprocedure(
                        pg_catalog.quote_ident(%(schema)s::text) || '.' || %(name)s::text) AS oid OFFSET 0
                ) AS f ON f.oid = c.oid))"""
    )


RESOLVE: LiteralString = resolution(TYPES, SOURCE + " AND p.prokind <> 'a'")
"""`Kind.resolve` of functions and procedures."""
