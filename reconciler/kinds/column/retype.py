"""Another data type: what it costs, what it may lose, and how old values become new ones."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.conversion import depends_on_settings, keeps_bytes, may_lose, widens
from reconciler.core.errors import Blocked
from reconciler.core.statement import Cost, Hazard, HazardCode, Statement
from reconciler.kinds.column.alteration import (
    alter,
    is_foreign,
    name_of,
    relation_of,
    set_compression,
    set_storage,
)
from reconciler.kinds.column.identity import without_identity


def retype(old: Entry, new: Entry) -> Iterable[Statement]:
    """ALTER COLUMN ... TYPE, with its collation. Raises Blocked for a partition key's column."""
    _refuse_keyed(old)
    before, after = old.state, new.state
    yield from without_identity(old, new)
    collation = f" COLLATE {after.collation}" if after.collation else ""
    using = f" USING {after.using}" if after.using else ""
    if is_foreign(new):
        yield alter(new, f"TYPE {after.type}{collation}")
    elif not after.using and keeps_bytes(before.type, after.type):
        yield _reread(old, new, f"TYPE {after.type}{collation}")
    else:
        yield _conversion(old, new, f"TYPE {after.type}{collation}{using}")
    # The column takes the new type's storage and default_toast_compression.
    if after.storage:
        yield from set_storage(None, new)
    if after.compression:
        yield from set_compression(None, new)


def _refuse_keyed(old: Entry) -> None:
    """PostgreSQL alters no column that rows are placed by (SQLSTATE 42P16), whatever the rows hold."""
    if old.state.keyed_in is None:
        return
    raise Blocked(
        f"column {'.'.join(old.id.path)}: it is part of the partition key of {old.state.keyed_in}: "
        "PostgreSQL gives it no other type or collation",
        hint="keep the type as it is, or declare a new partitioned table with the other type, move the rows "
        "there, and drop this one afterwards",
    )


def _reread(old: Entry, new: Entry, action: str) -> Statement:
    """Stored values stay; in another collation they have another order, so that indexes are built again."""
    if old.state.collation == new.state.collation:
        return alter(new, action)
    message = "its indexes are built again in the other order while nobody gets at the table"
    return alter(new, action, cost=Cost.BUILD, hazards=(Hazard(HazardCode.TABLE_SCAN, new.id, message),))


def _conversion(old: Entry, new: Entry, action: str) -> Statement:
    before, after = old.state, new.state
    message = f"values are converted from {before.type} to {after.type}"
    if after.is_guess:
        message += (
            "; PostgreSQL knows no cast between them, so each value is read from its text, which may mean "
            f"something else: say how, in transition: {{using: ...}} (now {after.using})"
        )
    loses = after.is_guess or any(may_lose(*pair) for pair in pairwise(_types_between(old, new)))
    code = HazardCode.DATA_LOSS if loses else HazardCode.TABLE_REWRITE
    hazards = [Hazard(code, new.id, message)]
    if not widens(before.type, after.type):
        hazards.append(Hazard(HazardCode.MAY_FAIL, new.id, "a value that does not convert makes it fail"))
    is_cast = not after.using or after.using.split("::")[0] == name_of(new)
    if is_cast and any(depends_on_settings(*pair) for pair in pairwise(_types_between(old, new))):
        hazards.append(Hazard(HazardCode.SETTINGS_DEPENDENT, new.id, _in_whose_zone(new)))
    head = f"ALTER TABLE {relation_of(new)}"
    return alter(new, action, hazards=tuple(hazards), cost=Cost.REWRITE, head=head)


def _in_whose_zone(new: Entry) -> str:
    message = "values are read and written by the TimeZone and DateStyle that the database and the role have"
    if new.state.type.endswith(("with time zone", "without time zone")):
        return f"{message}; to name the zone: using: {name_of(new)} AT TIME ZONE 'UTC'"
    return message


def _types_between(old: Entry, new: Entry) -> tuple[str, ...]:
    """The types that values go through: `price::numeric(12,2)::integer` says one in between."""
    value, *casts = (new.state.using or "").split("::")
    between = casts if value == name_of(new) else []
    return (old.state.type, *between, new.state.type)


def recollate(old: Entry, new: Entry) -> Iterable[Statement]:
    """Another collation of the same type is said in the same way."""
    return retype(old, new) if old.state.type == new.state.type else ()


GUESS: LiteralString = "guess "
"""What the answer to CAST_PATH begins with where text is the only way between the types."""

CAST_PATH: LiteralString = """
    WITH RECURSIVE given AS (
        SELECT pg_catalog.to_regtype(%(old)s)::oid AS old, pg_catalog.to_regtype(%(new)s)::oid AS new),
    below AS (
        SELECT old AS top, old AS oid, -1 AS typmod FROM given UNION SELECT new, new, -1 FROM given
        UNION ALL
        SELECT b.top, t.typbasetype, t.typtypmod FROM below b
        JOIN pg_catalog.pg_type t ON t.oid = b.oid AND t.typtype = 'd'),
    base AS (
        SELECT b.top, b.oid, b.typmod, t.typcategory AS category, t.typelem AS element FROM below b
        JOIN pg_catalog.pg_type t ON t.oid = b.oid AND t.typtype <> 'd'),
    pair AS (
        SELECT o.oid AS old, n.oid AS new, o.category AS old_category, n.category AS new_category,
            o.category = 'A' AND n.category = 'A' AS arrays,
            o.element AS old_element, n.element AS new_element,
            CASE WHEN o.oid <> g.old AND n.category IS DISTINCT FROM 'S'
                THEN '::' || pg_catalog.format_type(o.oid, o.typmod) ELSE '' END AS first
        FROM given g LEFT JOIN base o ON o.top = g.old LEFT JOIN base n ON n.top = g.new),
    ways AS (
        SELECT first || CASE WHEN c.castcontext IN ('i', 'a') THEN '' ELSE '::' || %(new)s END AS path,
            1 AS rank
        FROM pair p JOIN pg_catalog.pg_cast c
            ON c.castsource = CASE WHEN arrays THEN old_element ELSE p.old END
            AND c.casttarget = CASE WHEN arrays THEN new_element ELSE p.new END
        UNION ALL SELECT first, 0 FROM pair p WHERE p.old = p.new OR p.new_category = 'S'
        UNION ALL SELECT '::' || %(new)s, 2 FROM pair p WHERE p.old_category = 'S' AND p.new IS NOT NULL
        UNION ALL SELECT '::' || %(new)s, 2 FROM pair p
        JOIN pg_catalog.pg_type e ON e.oid IN (p.old_element, p.new_element) AND e.typcategory = 'S'
        WHERE p.arrays
        UNION ALL SELECT first || '::' || pg_catalog.format_type(a.casttarget, NULL) || '::' || %(new)s, 3
        FROM pair p
        JOIN pg_catalog.pg_cast a ON a.castsource = p.old
        JOIN pg_catalog.pg_type t ON t.oid = a.casttarget AND t.typcategory = p.old_category
        JOIN pg_catalog.pg_cast b ON b.castsource = a.casttarget AND b.casttarget = p.new
        WHERE a.casttarget NOT IN (p.old, p.new))
    SELECT coalesce(
        (SELECT path FROM ways ORDER BY rank, path LIMIT 1),
        CASE WHEN (SELECT old_category = 'E' OR new_category = 'E' FROM pair) THEN '' ELSE 'guess ' END
            || '::text::' || %(new)s)"""
"""An assignment needs nothing; then an explicit cast, then one over a type of the same category (smallint to
integer to boolean), at last text, which every type reads and writes (manual: CREATE CAST). Arrays are
converted by element. A domain's values are said to be of its base type first: that tells what is lost.
An enum's labels are its text; between other types, text as the way is a guess."""
