"""NOT NULL, which PostgreSQL 18 keeps as a constraint with a name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from reconciler.core.catalog import Entry
from reconciler.core.constraint import chosen_name
from reconciler.core.errors import Blocked
from reconciler.core.ident import quote
from reconciler.core.statement import Cost, Hazard, HazardCode, Statement
from reconciler.kinds.column.alteration import alter, alter_table, is_foreign, name_of
from reconciler.kinds.column.identity import without_identity
from reconciler.kinds.column.state import ColumnState


def change_not_null(old: Entry, new: Entry) -> Iterable[Statement]:
    """SET or DROP NOT NULL, or the constraint under another name. Raises Blocked where that cannot be."""
    before, after = old.state, new.state
    yield from without_identity(old, new)
    if not after.not_null:
        yield alter(new, "DROP NOT NULL")
    elif before.not_null and before.not_null_flags == after.not_null_flags:
        yield from _renamed(old, new)
    elif after.not_null_name or after.not_null_flags or before.not_null:
        if before.not_null:
            yield alter(new, "DROP NOT NULL")
        yield add_not_null(new)
    elif is_foreign(new):
        yield alter(new, "SET NOT NULL")
    else:
        hazards = (Hazard(HazardCode.MAY_FAIL, new.id, "a null in the column makes it fail"),)
        yield alter(new, "SET NOT NULL", hazards=hazards, cost=Cost.SCAN)


def _renamed(old: Entry, new: Entry) -> Iterable[Statement]:
    there = _constraint(old)
    if there == _constraint(new):
        return
    if old.state.not_null_fixed:
        called = quote(old.state.not_null_called or "")
        raise Blocked(
            f"column {'.'.join(new.id.path)}: its NOT NULL is called {called}, and PostgreSQL gives it no "
            "other name: tables that inherit from this one, or are its partitions, have it under another",
            hint=f"keep the name: not_null: {{name: {called}}}",
        )
    yield alter_table(new, f"RENAME CONSTRAINT {there} TO {_constraint(new)}")


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


def with_own_name(entry: Entry) -> Entry:
    """The column with the name that its NOT NULL has once it is not inherited."""
    state: ColumnState = entry.state
    called = state.not_null_called
    if called is None or called == _usual_name(entry):
        return entry
    if state.not_null_fixed and called.endswith("_not_null"):
        return entry  # as the query reads it: PostgreSQL chose it, and does not let go of it
    return dataclasses.replace(entry, state=dataclasses.replace(state, not_null_name=called))


def with_name_of_ancestor(old: Entry, new: Entry, ancestor: Entry) -> Entry:
    """The column with the name of the ancestor's NOT NULL: while they differ, PostgreSQL renames neither."""
    is_both = old.state.not_null and new.state.not_null and ancestor.state.not_null
    if not is_both or old.state.not_null_fixed or old.state.not_null_called is None:
        return new  # below 18 it has no name
    inherited = ancestor.state.not_null_called if ancestor.carrier is not None else None
    name = ancestor.state.not_null_name or inherited or _usual_name(ancestor)
    own = None if name == _usual_name(new) else name
    return dataclasses.replace(new, state=dataclasses.replace(new.state, not_null_name=own))


def with_fixed_name(cloned: Entry, live: Entry) -> Entry:
    """The column of a clone with the name that its NOT NULL cannot change."""
    there: ColumnState = live.state
    if not there.not_null_fixed:
        return cloned
    named = {"not_null_name": there.not_null_name, "not_null_called": there.not_null_called}
    state = dataclasses.replace(cloned.state, **named, not_null_fixed=True, not_null_as_usual=False)
    return dataclasses.replace(cloned, state=state)


def _constraint(entry: Entry) -> str:
    return quote(entry.state.not_null_name) if entry.state.not_null_name else _usual(entry)


def _usual(entry: Entry) -> str:
    return quote(_usual_name(entry))


def _usual_name(entry: Entry) -> str:
    return chosen_name(entry.id.path[1], entry.id.path[2:], "not_null")
