"""NOT NULL, which PostgreSQL 18 keeps as a constraint with a name."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core.catalog import Entry
from reconciler.core.constraint import chosen_name
from reconciler.core.ident import quote
from reconciler.core.statement import Cost, Hazard, HazardCode, Statement
from reconciler.kinds.column.alteration import alter, alter_table, is_foreign, name_of
from reconciler.kinds.column.identity import without_identity


def change_not_null(old: Entry, new: Entry) -> Iterable[Statement]:
    """SET or DROP NOT NULL, or the constraint under another name."""
    before, after = old.state, new.state
    yield from without_identity(old, new)
    if not after.not_null:
        yield alter(new, "DROP NOT NULL")
    elif before.not_null and before.not_null_flags == after.not_null_flags:
        there = _usual(old) if before.not_null_kept else _constraint(old)
        if there != _constraint(new):
            yield alter_table(new, f"RENAME CONSTRAINT {there} TO {_constraint(new)}")
    elif after.not_null_name or after.not_null_flags or before.not_null:
        if before.not_null:
            yield alter(new, "DROP NOT NULL")
        yield add_not_null(new)
    elif is_foreign(new):
        yield alter(new, "SET NOT NULL")
    else:
        hazards = (Hazard(HazardCode.MAY_FAIL, new.id, "a null in the column makes it fail"),)
        yield alter(new, "SET NOT NULL", hazards=hazards, cost=Cost.SCAN)


def change_not_null_itself(old: Entry, new: Entry) -> Iterable[Statement]:
    """The name or flags of a NOT NULL that was there before and stays."""
    return change_not_null(old, new) if old.state.not_null and new.state.not_null else ()


def add_not_null(entry: Entry) -> Statement:
    """ADD CONSTRAINT ... NOT NULL (18)."""
    flags = "".join(f" {flag.upper()}" for flag in entry.state.not_null_flags)
    return alter_table(entry, f"ADD CONSTRAINT {_constraint(entry)} NOT NULL {name_of(entry)}{flags}")


def not_null_clause(entry: Entry) -> str:
    """NOT NULL inside a column's definition, where NOT VALID cannot stand."""
    named = f"CONSTRAINT {_constraint(entry)} " if entry.state.not_null_name else ""
    return named + "NOT NULL" + (" NO INHERIT" if "no inherit" in entry.state.not_null_flags else "")


def rename_not_null(old: Entry, table: str, column: str) -> Iterable[Statement]:
    """The constraint after its table and column, which take no name along."""
    after = quote(chosen_name(table, (column,), "not_null"))
    if after != _constraint(old):  # long names can be cut to the same
        yield alter_table(old, f"RENAME CONSTRAINT {_constraint(old)} TO {after}")


def _constraint(entry: Entry) -> str:
    return quote(entry.state.not_null_name) if entry.state.not_null_name else _usual(entry)


def _usual(entry: Entry) -> str:
    return quote(chosen_name(entry.id.path[1], entry.id.path[2:], "not_null"))
