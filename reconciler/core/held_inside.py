"""Where values of a domain are parts of other values: of arrays, rows or ranges.

A new constraint of the domain would have to look at them there, and PostgreSQL refuses that whatever the rows
hold (manual: ALTER DOMAIN, notes; get_rels_with_domain() in the server's source).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import LiteralString

from reconciler.core.errors import Blocked
from reconciler.core.ident import ObjectId, qualified

__all__ = ["HELD_INSIDE", "asked_for", "refused"]

HELD_INSIDE: LiteralString = """
    WITH RECURSIVE found (type, is_inside) AS (
        SELECT pg_catalog.to_regtype(%(domain)s)::pg_catalog.oid, false
        UNION
        SELECT coalesce(t.oid, c.reltype), f.is_inside OR t.typtype IS DISTINCT FROM 'd'
        FROM found f
        JOIN pg_catalog.pg_depend d
            ON d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refobjid = f.type
        LEFT JOIN pg_catalog.pg_type t
            ON d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND t.oid = d.objid
        LEFT JOIN pg_catalog.pg_class c
            ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid
            AND d.objsubid > 0 AND (c.relkind = 'c' OR f.is_inside)
        WHERE coalesce(t.oid, c.reltype) <> 0)
    SELECT n.nspname || '.' || c.relname || '.' || a.attname
    FROM found f
    JOIN pg_catalog.pg_depend d
        ON d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refobjid = f.type
        AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind IN ('r', 'p', 'm')
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid
    WHERE f.is_inside
    ORDER BY 1 LIMIT 1"""
"""A stored column that holds the domain `%(domain)s` as a part, or no row."""


def asked_for(domain: ObjectId) -> tuple[LiteralString, Mapping[str, str]]:
    """The question to the server about one domain."""
    return HELD_INSIDE, {"domain": qualified(*domain.path)}


def refused(constraint: str, domain: ObjectId, column: str, way_on: str) -> Blocked:
    """Why the plan cannot be made, with the way on."""
    return Blocked(
        f"{constraint}: column {column} holds values of domain {'.'.join(domain.path)} inside arrays or "
        "rows, where PostgreSQL cannot check them: it refuses a new constraint of the domain",
        hint=way_on,
    )
