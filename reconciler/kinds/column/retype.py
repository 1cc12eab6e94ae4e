"""Another data type: what it costs, what it may lose, and how old values become new ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.statement import Cost, Hazard, HazardCode, Statement
from reconciler.kinds.column.alteration import alter, is_foreign, set_compression, set_storage
from reconciler.kinds.column.identity import without_identity


def retype(old: Entry, new: Entry) -> Iterable[Statement]:
    """ALTER COLUMN ... TYPE, with the collation that goes with it."""
    before, after = old.state, new.state
    yield from without_identity(old, new)
    collation = f" COLLATE {after.collation}" if after.collation else ""
    using = f" USING {after.using}" if after.using else ""
    if is_foreign(new):
        yield alter(new, f"TYPE {after.type}{collation}")
    elif not after.using and _keeps_bytes(before.type, after.type):
        yield _reread(old, new, f"TYPE {after.type}{collation}")
    else:
        yield _conversion(old, new, f"TYPE {after.type}{collation}{using}")
    # The column takes the new type's storage and default_toast_compression.
    if after.storage:
        yield from set_storage(None, new)
    if after.compression:
        yield from set_compression(None, new)


def _reread(old: Entry, new: Entry, action: str) -> Statement:
    """Stored values stay; in another collation they have another order, so that indexes are built again."""
    if old.state.collation == new.state.collation:
        return alter(new, action)
    message = "its indexes are built again in the other order while nobody gets at the table"
    return alter(new, action, cost=Cost.BUILD, hazards=(Hazard(HazardCode.TABLE_SCAN, new.id, message),))


def _conversion(old: Entry, new: Entry, action: str) -> Statement:
    before, after = old.state, new.state
    message = f"values are converted from {before.type} to {after.type}"
    code = HazardCode.DATA_LOSS if _may_lose(before.type, after.type) else HazardCode.TABLE_REWRITE
    hazards = [Hazard(code, new.id, message)]
    if not _widens(before.type, after.type):
        hazards.append(Hazard(HazardCode.MAY_FAIL, new.id, "a value that does not convert makes it fail"))
    return alter(new, action, hazards=tuple(hazards), cost=Cost.REWRITE)


def recollate(old: Entry, new: Entry) -> Iterable[Statement]:
    """Another collation of the same type is said in the same way."""
    return retype(old, new) if old.state.type == new.state.type else ()


_WIDENING = (
    ("smallint", "integer", "bigint", "numeric"),
    ("real", "double precision"),
    ("date", "timestamp without time zone"),
)
_TEXTUAL = ("text", "character varying", "citext", "public.citext")
_FRACTIONAL = ("numeric", "real", "double precision", "money")


def _widens(old: str, new: str) -> bool:
    """Whether every value of the old type is a value of the new one."""
    base_old, base_new = old.partition("(")[0], new.partition("(")[0]
    for ladder in _WIDENING:
        if base_old in ladder and new in ladder:
            return ladder.index(base_old) <= ladder.index(new)
    if new in _TEXTUAL:
        return True
    if base_old == base_new and "(" in old:
        return "(" not in new or _modifier(new) >= _modifier(old)
    return False


def _modifier(type_name: str) -> tuple[int, int]:
    """(digits before the point or length, scale), so that a larger pair holds every value of a smaller."""
    inside = type_name.partition("(")[2].partition(")")[0].split(",")
    numbers = [int(part) for part in inside if part.strip().lstrip("-").isdecimal()]
    scale = numbers[1] if len(numbers) > 1 else 0
    return (numbers[0] - scale, scale) if numbers else (0, 0)


def _keeps_bytes(old: str, new: str) -> bool:
    """Whether stored values serve as they are, so that nothing is written anew (manual: ALTER TABLE, notes:
    binary coercible types; the length of varchar and the precision of numeric may grow)."""
    base_old, base_new = old.partition("(")[0], new.partition("(")[0]
    if base_old not in _BINARY or base_new not in _BINARY[base_old]:
        return False
    if "(" not in new:
        return True
    return "(" in old and _modifier(new)[0] >= _modifier(old)[0] and _modifier(new)[1] == _modifier(old)[1]


_BINARY = {
    "text": ("text", "character varying"),
    "character varying": ("text", "character varying"),
    "numeric": ("numeric",),
}


def _may_lose(old: str, new: str) -> bool:
    """Whether the cast can drop part of a value without an error."""
    if _widens(old, new):
        return False
    base_old, base_new = old.partition("(")[0], new.partition("(")[0]
    if base_old == base_new == "numeric" and "(" in old and "(" in new:
        return _modifier(new)[1] < _modifier(old)[1]  # too many digits before the point make it fail
    if base_old in _FRACTIONAL:
        return base_new not in (*_TEXTUAL, base_old) or "(" in new
    if base_old.startswith("timestamp"):
        return (not base_new.startswith("timestamp") and new not in _TEXTUAL) or "(" in new
    return (base_old in ("jsonb", "json") and base_new not in ("json", "jsonb")) or "[]" in old


CAST_PATH: LiteralString = """
    WITH pair AS (
        SELECT o.oid AS old, n.oid AS new, o.typcategory AS old_category, n.typcategory AS new_category
        FROM (SELECT 1) AS one
        LEFT JOIN pg_catalog.pg_type o ON o.oid = pg_catalog.to_regtype(%(old)s)
        LEFT JOIN pg_catalog.pg_type n ON n.oid = pg_catalog.to_regtype(%(new)s)),
    ways AS (
        SELECT CASE WHEN c.castcontext IN ('i', 'a') THEN '' ELSE '::' || %(new)s END AS path, 1 AS rank
        FROM pair p JOIN pg_catalog.pg_cast c ON c.castsource = p.old AND c.casttarget = p.new
        UNION ALL SELECT '', 0 FROM pair p WHERE p.old = p.new OR p.new_category = 'S'
        UNION ALL SELECT '::' || %(new)s, 2 FROM pair p WHERE p.old_category = 'S' AND p.new IS NOT NULL
        UNION ALL SELECT '::' || pg_catalog.format_type(a.casttarget, NULL) || '::' || %(new)s, 3
        FROM pair p
        JOIN pg_catalog.pg_cast a ON a.castsource = p.old
        JOIN pg_catalog.pg_type t ON t.oid = a.casttarget AND t.typcategory = p.old_category
        JOIN pg_catalog.pg_cast b ON b.castsource = a.casttarget AND b.casttarget = p.new
        WHERE a.casttarget NOT IN (p.old, p.new))
    SELECT coalesce((SELECT path FROM ways ORDER BY rank, path LIMIT 1), '::text::' || %(new)s)"""
"""An assignment needs nothing; then an explicit cast, then one over a type of the same category (smallint to
integer to boolean), at last text, which every type reads and writes (manual: CREATE CAST)."""
