"""How large the relations are that a plan locks: asked for when a report is made, and when a target's rules
say how large a table may be that is locked; never part of a plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, LiteralString

from reconciler.core.dataclass import dataclass
from reconciler.core.ident import qualified
from reconciler.core.size import Size
from reconciler.engine.plan.model import Action

if TYPE_CHECKING:
    from reconciler.engine.plan.model import Plan

__all__ = ["Measured", "measured", "sizes"]

_LOCK_SECONDS = 2
"""A table that somebody else holds an access exclusive lock on has no size for us."""
_SIZES: LiteralString = """
    WITH RECURSIVE part (relation, oid) AS (
        SELECT s.relation, pg_catalog.to_regclass(s.relation)::pg_catalog.oid
        FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS s (relation)
        UNION SELECT part.relation, i.inhrelid
        FROM part JOIN pg_catalog.pg_inherits AS i ON i.inhparent = part.oid)
    SELECT part.relation,
           pg_catalog.sum(pg_catalog.pg_total_relation_size(stored.oid))::pg_catalog.int8,
           CASE WHEN pg_catalog.bool_and(stored.reltuples >= 0)
                THEN pg_catalog.sum(stored.reltuples)::pg_catalog.int8 END
    FROM part LEFT JOIN pg_catalog.pg_class AS stored ON stored.oid = part.oid
        AND stored.relkind IN ('r', 'm', 't')
    WHERE part.oid IS NOT NULL
    GROUP BY part.relation"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What could be found out of some relations."""

    sizes: Mapping[str, Size]
    """By the name that was asked for: with indexes, TOAST, partitions and children, rows as
    pg_class.reltuples estimates them. Without what has nothing stored, such as a view."""
    unknown: Mapping[str, str]
    """Why the others have no size, in words."""


def sizes(plan: Plan, url: str) -> Mapping[str, Size]:
    """The sizes of what the plan locks, by the lock's name; without those that cannot be had."""
    from reconciler.core.errors import ReconcileError

    relations = {lock.relation for step in plan.steps for lock in step.locks}
    try:
        return measured(plan, relations, url, _LOCK_SECONDS).sizes
    except ReconcileError:
        return {}


def measured(plan: Plan, relations: Collection[str], url: str, patience_seconds: int = 30) -> Measured:
    """The sizes of relations that the plan locks; of what it renames, under both names.

    Raises ConnectionFailed. `patience_seconds` is for the whole query, of which a lock may take two.
    """
    import psycopg

    from reconciler.engine.connection.session import opened

    if not relations:
        return Measured({}, {})
    former = _former_names(plan)
    asked = sorted({*relations, *(former[name] for name in relations if name in former)})
    try:
        with opened(url, read_only=True) as connection, connection.transaction():
            connection.execute(
                "SELECT pg_catalog.set_config('lock_timeout', %s, true),"
                " pg_catalog.set_config('statement_timeout', %s, true)",
                (f"{_LOCK_SECONDS}s", f"{patience_seconds}s"),
            )
            rows = connection.execute(_SIZES, (asked,)).fetchall()
    except psycopg.Error as error:
        why = error.diag.message_primary or type(error).__name__
        return Measured({}, dict.fromkeys(relations, why))
    found = {relation: Size(size, rows) if size is not None else None for relation, size, rows in rows}
    names = {name: name if name in found else former.get(name, name) for name in relations}
    known = {name: size for name, there in names.items() if (size := found.get(there)) is not None}
    return Measured(
        known, {name: "there is no such relation" for name, there in names.items() if there not in found}
    )


def _former_names(plan: Plan) -> Mapping[str, str]:
    """What the relations that the plan renames are called before it, by the name that they get."""
    former: dict[str, str] = {}
    for step in plan.steps:
        # What is renamed is all that the step locks; a column or a constraint has a longer path.
        if step.action is Action.RENAME and len(step.object.path) == 2 and len(step.locks) == 1:
            old = step.locks[0].relation
            former[qualified(*step.object.path)] = former.get(old, old)
    return former
