"""What tables and foreign tables have in common: partitions and inheritance (manual: ALTER TABLE)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.ident import qualified
from reconciler.core.statement import Cost, Hazard, Lock, LockMode, Statement, on

KIN: Final = frozenset({"table", "foreign_table"})
"""The kinds that inherit from one another."""

INHERITANCE: LiteralString = """
                CASE WHEN c.relispartition THEN (
                    SELECT i.inhparent::pg_catalog.regclass::text FROM pg_catalog.pg_inherits i
                    WHERE i.inhrelid = c.oid)
                END AS partition_of,
                pg_catalog.pg_get_expr(c.relpartbound, c.oid) AS bound,
                CASE WHEN c.relispartition THEN '{}' ELSE ARRAY(
                    SELECT i.inhparent::pg_catalog.regclass::text FROM pg_catalog.pg_inherits i
                    WHERE i.inhrelid = c.oid ORDER BY i.inhseqno)
                END AS inherits"""
"""The columns partition_of, bound and inherits of the relation `c`."""


def read_bound(text: str | None) -> str | None:
    """`FOR VALUES ...` or `DEFAULT` of `for_values` in the YAML, where FOR VALUES may be left out."""
    if text is None:
        return None
    stripped = text.strip()
    if stripped.upper() == "DEFAULT":
        return "DEFAULT"
    return stripped if stripped.upper().startswith("FOR VALUES") else f"FOR VALUES {stripped}"


def written_bound(bound: str | None) -> str | None:
    """The inverse of `read_bound`."""
    return bound.removeprefix("FOR VALUES ") if bound else None


def in_parentheses(clauses: Sequence[str]) -> str:
    """The columns and constraints of a CREATE, one a line; nothing where there are none."""
    inside = ",\n".join(f"    {clause}" for clause in clauses)
    return f" (\n{inside}\n)" if clauses else ""


def leave(old: Entry, new: Entry, word: str = "TABLE") -> Iterable[Statement]:
    """DETACH and NO INHERIT of a table that joins others afterwards: what it has is altered in between, when
    it is nobody's heir."""
    if _moves(old, new):
        yield from _detach(old)
        yield from _disinherit(old, new, word)


def move_partition(old: Entry, new: Entry, hazards: tuple[Hazard, ...] = ()) -> Iterable[Statement]:
    """DETACH, unless that is done already, and ATTACH; `hazards` are those of rows that are looked at when it
    is attached."""
    relation = qualified(*new.id.path)
    if not _moves(old, new):
        yield from _detach(old)
    if new.state.partition_of:
        sql = f"ALTER TABLE {new.state.partition_of} ATTACH PARTITION {relation} {new.state.bound}"
        locks = on(new.state.partition_of, LockMode.SHARE_UPDATE_EXCLUSIVE) + on(relation)
        yield Statement(sql, locks, hazards, cost=Cost.SCAN if hazards else Cost.INSTANT)


def change_inheritance(old: Entry, new: Entry, word: str = "TABLE") -> Iterable[Statement]:
    """ALTER `word` ... NO INHERIT, unless that is done already, and INHERIT, in the order of the parents."""
    relation = qualified(*new.id.path)
    if not _moves(old, new):
        yield from _disinherit(old, new, word)
    for parent in new.state.inherits:
        if parent not in old.state.inherits:
            locks = on(relation) + on(parent, LockMode.SHARE_UPDATE_EXCLUSIVE)
            yield Statement(f"ALTER {word} {relation} INHERIT {parent}", locks)


def _moves(old: Entry, new: Entry) -> bool:
    """Whether the table leaves what it inherits from, or is a partition of, for another."""
    before, after = _parents(old), _parents(new)
    return bool(before - after and after - before)


def _parents(entry: Entry) -> set[str]:
    return {*entry.state.inherits, *((entry.state.partition_of,) if entry.state.partition_of else ())}


def _detach(old: Entry) -> Iterable[Statement]:
    relation, whole = qualified(*old.id.path), old.state.partition_of
    if whole:
        yield Statement(f"ALTER TABLE {whole} DETACH PARTITION {relation}", on(whole) + on(relation))


def _disinherit(old: Entry, new: Entry, word: str) -> Iterable[Statement]:
    relation = qualified(*new.id.path)
    for parent in old.state.inherits:
        if parent not in new.state.inherits:
            yield Statement(f"ALTER {word} {relation} NO INHERIT {parent}", on(relation))


def locks_of_parents(entry: Entry) -> tuple[Lock, ...]:
    """What CREATE of a partition or heir locks (measured): its place among the heirs must stay what it is."""
    state = entry.state
    own = on(state.partition_of) if state.partition_of else ()
    return sum((on(parent, LockMode.SHARE_UPDATE_EXCLUSIVE) for parent in state.inherits), own)
