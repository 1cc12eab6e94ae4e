"""How large the relations are that a plan locks: asked for when a report is made, never part of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, LiteralString

from reconciler.core.size import Size

if TYPE_CHECKING:
    from reconciler.engine.plan import Plan

_PATIENCE = "2s"
"""A table that somebody else holds an access exclusive lock on has no size for us."""
_SIZES: LiteralString = """
    SELECT s.relation, pg_catalog.sum(pg_catalog.pg_total_relation_size(c.oid))::pg_catalog.int8,
           CASE WHEN pg_catalog.bool_and(c.reltuples >= 0)
                THEN pg_catalog.sum(c.reltuples)::pg_catalog.int8 END
    FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS s (relation)
    CROSS JOIN LATERAL (
        SELECT t.relid FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass(s.relation)) AS t
        UNION SELECT pg_catalog.to_regclass(s.relation)) AS part
    JOIN pg_catalog.pg_class AS c ON c.oid = part.relid
    WHERE c.relkind IN ('r', 'm', 't')
    GROUP BY s.relation"""


def sizes(plan: Plan, url: str) -> Mapping[str, Size]:
    """The sizes of what the plan locks, by the lock's name: with indexes, TOAST and partitions, rows as
    pg_class.reltuples estimates them. Without those that cannot be had."""
    import psycopg

    from reconciler.core.errors import ReconcileError
    from reconciler.engine.session import opened

    relations = sorted({lock.relation for step in plan.steps for lock in step.locks})
    if not relations:
        return {}
    try:
        with opened(url, read_only=True) as connection, connection.transaction():
            connection.execute(
                "SELECT pg_catalog.set_config('lock_timeout', %s, true),"
                " pg_catalog.set_config('statement_timeout', %s, true)",
                (_PATIENCE, _PATIENCE),
            )
            rows = connection.execute(_SIZES, (relations,)).fetchall()
    except (psycopg.Error, ReconcileError):
        return {}
    return {relation: Size(size, estimate) for relation, size, estimate in rows}
