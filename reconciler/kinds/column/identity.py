"""Identity columns (manual: CREATE TABLE, GENERATED AS IDENTITY)."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core.catalog import Entry
from reconciler.core.constraint import chosen_name
from reconciler.core.ident import literal, qualified, quote, split_name
from reconciler.core.statement import Cost, Hazard, HazardCode, Statement
from reconciler.kinds.column.alteration import alter, name_of, relation_of
from reconciler.kinds.column.state import ColumnState

_SEQUENCE_NAME = "SEQUENCE NAME "

_SEQUENCE_DEFAULTS = {
    "INCREMENT": "INCREMENT BY 1",
    "MINVALUE": "NO MINVALUE",
    "MAXVALUE": "NO MAXVALUE",
    "START": "START WITH 1",
    "CACHE": "CACHE 1",
    "CYCLE": "NO CYCLE",
}


def without_identity(old: Entry, new: Entry) -> Iterable[Statement]:
    """An identity that goes must be gone before the type or NOT NULL that it insists on."""
    if old.state.identity and not new.state.identity:
        message = "where its sequence stands is lost: a sequence that takes its place starts anew"
        hazards = (Hazard(HazardCode.APPLICATION_BREAK, new.id, message),)
        yield alter(new, "DROP IDENTITY", hazards=hazards)


def change_identity(old: Entry, new: Entry) -> Iterable[Statement]:
    """DROP IDENTITY, ADD GENERATED or SET GENERATED."""
    before, after = old.state, new.state
    yield from without_identity(old, new)
    if after.identity and not before.identity:
        yield alter(new, f"ADD {identity_clause(after)}")
        yield _start_after_what_is_there(new)
    elif after.identity and before.identity != after.identity:
        yield alter(new, f"SET GENERATED {after.identity.upper()}")


def _start_after_what_is_there(entry: Entry) -> Statement:
    # An identity sequence starts at 1 whatever the rows hold; setval() of no rows (NULL) does nothing.
    relation = relation_of(entry)
    sequence = f"pg_catalog.pg_get_serial_sequence({literal(relation)}, {literal(entry.id.path[2])})"
    highest = f"pg_catalog.max({name_of(entry)})"
    return Statement(f"SELECT pg_catalog.setval({sequence}, {highest}) FROM {relation}", cost=Cost.SCAN)


def change_identity_options(old: Entry, new: Entry) -> Iterable[Statement]:
    """The options of the sequence behind an identity that stays one."""
    before, after = old.state, new.state
    if not (before.identity and after.identity):
        return
    had = {option.split()[0]: option for option in before.identity_options}
    has = {option.split()[0]: option for option in after.identity_options}
    for word in sorted({*had, *has}):
        if had.get(word) == has.get(word):
            continue
        if word == "SEQUENCE":
            source, target = _sequence(new, had.get(word)), _sequence(new, has.get(word))
            yield Statement(f"ALTER SEQUENCE {source} RENAME TO {quote(split_name(target)[-1])}")
        else:
            yield alter(new, f"SET {has.get(word) or _SEQUENCE_DEFAULTS[word]}")


def _sequence(entry: Entry, option: str | None) -> str:
    """The sequence that the option names; None is the name that PostgreSQL chooses."""
    if option is not None:
        return option.removeprefix(_SEQUENCE_NAME)
    schema, table, column = entry.id.path
    return qualified(schema, chosen_name(table, (column,), "seq"))


def rename_sequence(old: Entry, table: str, column: str) -> Iterable[Statement]:
    """The sequence after its table and column, where it has the name that PostgreSQL chose."""
    options = old.state.identity_options
    if old.state.identity and not any(option.startswith(_SEQUENCE_NAME) for option in options):
        after = chosen_name(table, (column,), "seq")
        if after != split_name(_sequence(old, None))[-1]:  # long names can be cut to the same
            yield Statement(f"ALTER SEQUENCE {_sequence(old, None)} RENAME TO {quote(after)}")


def sequence_names(entry: Entry) -> Iterable[tuple[str, ...]]:
    """The name that the sequence behind an identity takes."""
    if entry.state.identity:
        options = entry.state.identity_options
        named = next((option for option in options if option.startswith(_SEQUENCE_NAME)), None)
        yield ("relation", *split_name(_sequence(entry, named)))


def identity_clause(state: ColumnState) -> str:
    """GENERATED ... AS IDENTITY with its options."""
    options = f" ({' '.join(state.identity_options)})" if state.identity_options else ""
    return f"GENERATED {(state.identity or '').upper()} AS IDENTITY{options}"
