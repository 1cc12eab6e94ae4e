"""The statements that alter one column, and the settings that a clause cannot say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.core.catalog import Entry
from reconciler.core.fragment import option_actions
from reconciler.core.ident import qualified, quote
from reconciler.core.statement import LockMode, Statement, on


def relation_of(entry: Entry) -> str:
    """The column's table, as SQL writes it."""
    return qualified(*entry.id.path[:2])


def name_of(entry: Entry) -> str:
    """The column's own name, as SQL writes it."""
    return quote(entry.id.path[2])


def is_foreign(entry: Entry) -> bool:
    """Whether the values are elsewhere: nothing is converted, checked or lost here."""
    return entry.parent is not None and entry.parent.kind == "foreign_table"


def alter_table(entry: Entry, action: str, only: str = "", **more: Any) -> Statement:
    """ALTER TABLE with an action that needs the table for itself; `only` is `ONLY ` to spare its heirs."""
    relation = relation_of(entry)
    return Statement(f"ALTER TABLE {only}{relation} {action}", on(relation), **more)


def alter(entry: Entry, action: str, mode: LockMode = LockMode.ACCESS_EXCLUSIVE, **more: Any) -> Statement:
    """ALTER TABLE ... ALTER COLUMN with an action."""
    relation = relation_of(entry)
    sql = f"ALTER TABLE {relation} ALTER COLUMN {name_of(entry)} {action}"
    return Statement(sql, on(relation, mode), **more)


def set_storage(old: Entry | None, new: Entry) -> Iterable[Statement]:
    """SET STORAGE; the type's own by its word, since DEFAULT came only with 16."""
    yield alter(new, f"SET STORAGE {(new.state.storage or new.state.type_storage).upper()}")


def set_compression(old: Entry | None, new: Entry) -> Iterable[Statement]:
    """SET COMPRESSION: for values written from now on."""
    yield alter(new, f"SET COMPRESSION {new.state.compression or 'default'}")


def set_statistics(old: Entry | None, new: Entry) -> Iterable[Statement]:
    """SET STATISTICS; -1 is default_statistics_target."""
    target = -1 if new.state.statistics is None else new.state.statistics
    yield alter(new, f"SET STATISTICS {target}", LockMode.SHARE_UPDATE_EXCLUSIVE)


def set_options(old: Entry | None, new: Entry) -> Iterable[Statement]:
    """RESET and SET of n_distinct and its like."""
    for action, _ in option_actions(old.state.options if old else (), new.state.options):
        yield alter(new, action, LockMode.SHARE_UPDATE_EXCLUSIVE)


def settings(entry: Entry) -> Iterable[Statement]:
    """Everything that a new column's clause cannot say."""
    if entry.state.storage:
        yield from set_storage(None, entry)
    if entry.state.compression:
        yield from set_compression(None, entry)
    if entry.state.statistics is not None:
        yield from set_statistics(None, entry)
    yield from set_options(None, entry)
