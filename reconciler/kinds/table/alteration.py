"""The statements that alter a table (manual: ALTER TABLE)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.core.catalog import Entry
from reconciler.core.fragment import option_actions
from reconciler.core.ident import qualified, quote
from reconciler.core.inheritance import change_inheritance, leave, move_partition
from reconciler.core.statement import Cost, Hazard, HazardCode, LockMode, Statement, on
from reconciler.kinds.table.default_partition import beside_default, taken_out


def alter(entry: Entry, action: str, mode: LockMode = LockMode.ACCESS_EXCLUSIVE, **more: Any) -> Statement:
    """ALTER TABLE with an action."""
    relation = qualified(*entry.id.path)
    return Statement(f"ALTER TABLE {relation} {action}", on(relation, mode), **more)


def set_logged(old: Entry, new: Entry) -> Iterable[Statement]:
    """SET LOGGED or UNLOGGED."""
    hazards = (Hazard(HazardCode.TABLE_REWRITE, new.id, "the table is written anew"),)
    action = "SET UNLOGGED" if new.state.unlogged else "SET LOGGED"
    yield alter(new, action, cost=Cost.REWRITE, hazards=hazards)


def set_options(old: Entry, new: Entry) -> Iterable[Statement]:
    """RESET and SET of storage parameters."""
    for action, _ in option_actions(old.state.options, new.state.options):
        yield alter(new, action, LockMode.SHARE_UPDATE_EXCLUSIVE)


def repartition(old: Entry, new: Entry) -> Iterable[Statement]:
    """DETACH from one table, ATTACH to another or with other bounds."""
    hazards = (Hazard(HazardCode.MAY_FAIL, new.id, "rows outside the bound make it fail"),)
    for statement in move_partition(old, new, hazards):
        yield beside_default(new, statement) if statement.hazards else taken_out(old, statement)


def leave_ancestors(old: Entry, new: Entry) -> Iterable[Statement]:
    """DETACH and NO INHERIT of a table that joins others afterwards."""
    return (taken_out(old, statement) for statement in leave(old, new))


def detach_referenced(entry: Entry) -> Iterable[Statement]:
    """DETACH of a partition before it is dropped, which looks for rows that refer to it."""
    message = "rows elsewhere that refer to its rows make it fail"
    hazards = (Hazard(HazardCode.MAY_FAIL, entry.id, message),)
    relation, whole = qualified(*entry.id.path), entry.state.partition_of
    sql = f"ALTER TABLE {whole} DETACH PARTITION {relation}"
    yield taken_out(entry, Statement(sql, on(whole) + on(relation), hazards, cost=Cost.SCAN))


def inherit(old: Entry, new: Entry) -> Iterable[Statement]:
    """NO INHERIT and INHERIT."""
    return change_inheritance(old, new)


def set_type(old: Entry, new: Entry) -> Iterable[Statement]:
    """OF a composite type, or NOT OF any."""
    yield alter(new, f"OF {new.state.of_type}" if new.state.of_type else "NOT OF")


def set_row_security(old: Entry | None, new: Entry) -> Iterable[Statement]:
    """ENABLE or DISABLE ROW LEVEL SECURITY."""
    verb = "ENABLE" if new.state.row_security else "DISABLE"
    hazards = (Hazard(HazardCode.ACCESS_CHANGE, new.id, f"row-level security: {verb.lower()}d"),)
    yield alter(new, f"{verb} ROW LEVEL SECURITY", hazards=hazards)


def force_row_security(old: Entry | None, new: Entry) -> Iterable[Statement]:
    """FORCE: whether the policies hold for the owner as well."""
    yield alter(new, f"{'' if new.state.force_row_security else 'NO '}FORCE ROW LEVEL SECURITY")


def set_replica_identity(old: Entry | None, new: Entry) -> Iterable[Statement]:
    """REPLICA IDENTITY, except for an index."""
    # "index" is said by the index that serves: it must exist first.
    if new.state.replica_identity != "index":
        yield alter(new, f"REPLICA IDENTITY {new.state.replica_identity.upper()}")


def set_access_method(old: Entry, new: Entry) -> Iterable[Statement]:
    """SET ACCESS METHOD (15); of a partitioned table it is what new partitions get (17)."""
    named = quote(new.state.access_method) if new.state.access_method else None
    if new.state.partition_key:
        yield alter(new, f"SET ACCESS METHOD {named or 'DEFAULT'}")
    else:
        yield alter(new, f"SET ACCESS METHOD {named or 'heap'}", cost=Cost.REWRITE)


def set_tablespace(old: Entry, new: Entry) -> Iterable[Statement]:
    """SET TABLESPACE."""
    yield alter(new, f"SET TABLESPACE {quote(new.state.tablespace or 'pg_default')}", cost=Cost.REWRITE)
