"""Identity columns (manual: CREATE TABLE, GENERATED AS IDENTITY)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.constraint import chosen_name
from reconciler.core.ident import literal, qualified, quote, split_name
from reconciler.core.sequence_counting import Recount, before_reading, position_kept, position_taken
from reconciler.core.statement import Cost, Hazard, HazardCode, Statement
from reconciler.kinds.column.alteration import alter, name_of, relation_of
from reconciler.kinds.column.identity_options import counting_of, named_sequence
from reconciler.kinds.column.state import ColumnState


def without_identity(old: Entry, new: Entry) -> Iterable[Statement]:
    """An identity that goes must be gone before the type or NOT NULL that it insists on."""
    if not old.state.identity or new.state.identity:
        return
    hazards: tuple[Hazard, ...] = ()
    if (store := old.state.position_in) is not None:
        yield before_reading(relation_of(old))
        yield from position_kept(qualified(*counter_of(old)), store)
    else:
        message = "where its sequence stands is lost: no other sequence takes its place"
        hazards = (Hazard(HazardCode.APPLICATION_BREAK, new.id, message),)
    yield alter(new, "DROP IDENTITY", hazards=hazards)


def change_identity(old: Entry, new: Entry) -> Iterable[Statement]:
    """DROP IDENTITY, ADD GENERATED or SET GENERATED."""
    before, after = old.state, new.state
    yield from without_identity(old, new)
    if after.identity and not before.identity:
        yield alter(new, f"ADD {identity_clause(after)}")
        if after.position_in is not None:
            yield from _goes_on(new, after.position_in)
        else:
            yield _start_after_what_is_there(new)
    elif after.identity and before.identity != after.identity:
        yield alter(new, f"SET GENERATED {after.identity.upper()}")


def _goes_on(entry: Entry, store: str) -> Iterable[Statement]:
    counting = counting_of(entry.state)
    hazards: tuple[Hazard, ...] = ()
    if counting.min is not None or counting.max is not None or counting.increment < 0:
        message = "it fails where the former sequence stands outside the new bounds"
        hazards = (Hazard(HazardCode.MAY_FAIL, entry.id, message),)
    return position_taken(qualified(*counter_of(entry)), store, hazards)


def _start_after_what_is_there(entry: Entry) -> Statement:
    # An identity sequence starts at 1 whatever the rows hold; setval() of no rows (NULL) does nothing.
    relation = relation_of(entry)
    sequence = f"pg_catalog.pg_get_serial_sequence({literal(relation)}, {literal(entry.id.path[2])})"
    highest = f"pg_catalog.max({name_of(entry)})"
    return Statement(f"SELECT pg_catalog.setval({sequence}, {highest}) FROM {relation}", cost=Cost.SCAN)


def change_identity_options(old: Entry, new: Entry) -> Iterable[Statement]:
    """The name and the options of the sequence behind an identity that stays one."""
    if not (old.state.identity and new.state.identity):
        return
    source, target = counter_of(old), counter_of(new)
    if source != target:
        yield Statement(f"ALTER SEQUENCE {qualified(*source)} RENAME TO {quote(target[-1])}")
    yield from recount(old, new).statements()


def recount(old: Entry, new: Entry) -> Recount:
    """How the sequence behind an identity changes, under the name that it has then."""
    # With the column's type PostgreSQL gives the sequence another one, and the usual bounds of that.
    before = dataclasses.replace(counting_of(old.state), type=new.state.type)
    return Recount(counter_of(new), new.id, before, counting_of(new.state), new.state.stands_past)


def position_asked(old: Entry, new: Entry) -> tuple[LiteralString, dict[str, str]] | None:
    """The question whether the sequence stands past its new last number; it still has its old name."""
    if not (old.state.identity and new.state.identity):
        return None
    return dataclasses.replace(recount(old, new), path=counter_of(old)).question()


def counter_of(entry: Entry) -> tuple[str, ...]:
    """Schema and name of the sequence behind the column's identity."""
    named = named_sequence(entry.state.identity_options)
    return _chosen(entry) if named is None else split_name(named)


def _chosen(entry: Entry) -> tuple[str, ...]:
    schema, table, column = entry.id.path
    return schema, chosen_name(table, (column,), "seq")


def rename_sequence(old: Entry, table: str, column: str) -> Iterable[Statement]:
    """The sequence after its table and column, where it has the name that PostgreSQL chose."""
    if old.state.identity and named_sequence(old.state.identity_options) is None:
        before, after = _chosen(old), chosen_name(table, (column,), "seq")
        if after != before[-1]:  # long names can be cut to the same
            yield Statement(f"ALTER SEQUENCE {qualified(*before)} RENAME TO {quote(after)}")


def sequence_names(entry: Entry) -> Iterable[tuple[str, ...]]:
    """The name that the sequence behind an identity takes."""
    if entry.state.identity:
        yield ("relation", *counter_of(entry))


def identity_clause(state: ColumnState) -> str:
    """GENERATED ... AS IDENTITY with its options."""
    options = f" ({' '.join(state.identity_options)})" if state.identity_options else ""
    return f"GENERATED {(state.identity or '').upper()} AS IDENTITY{options}"
