"""CREATE TRIGGER and ALTER TABLE ... ENABLE TRIGGER."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.core.catalog import Entry
from reconciler.core.ident import qualified, quote
from reconciler.core.statement import Lock, LockMode, Statement, on
from reconciler.kinds.trigger.state import TriggerState

_FIRES = {
    "origin": "ENABLE TRIGGER",
    "disabled": "DISABLE TRIGGER",
    "replica": "ENABLE REPLICA TRIGGER",
    "always": "ENABLE ALWAYS TRIGGER",
}


def relation_of(entry: Entry) -> str:
    """The trigger's table or view, as SQL writes it."""
    return qualified(*entry.id.path[:2])


def definition(entry: Entry, verb: str) -> str:
    """The whole statement; the verb is CREATE or CREATE OR REPLACE."""
    state: TriggerState = entry.state
    events = " OR ".join(_event_sql(event) for event in state.events)
    lines = [
        f"{verb} {'CONSTRAINT ' if state.constraint else ''}TRIGGER {quote(entry.id.path[2])}",
        f"{state.timing.upper()} {events} ON {relation_of(entry)}",
    ]
    if state.referenced:
        lines.append(f"FROM {state.referenced}")
    if state.deferrable:
        lines.append("DEFERRABLE INITIALLY DEFERRED" if state.initially_deferred else "DEFERRABLE")
    named = (("OLD", state.old_table), ("NEW", state.new_table))
    tables = [f"{word} TABLE AS {quote(name)}" for word, name in named if name]
    if tables:
        lines.append(f"REFERENCING {' '.join(tables)}")
    lines.append(f"FOR EACH {state.for_each.upper()}")
    if state.when is not None:
        lines.append(f"WHEN ({state.when})")
    return "\n".join([*lines, f"EXECUTE FUNCTION {state.function}"])


def _event_sql(event: str) -> str:
    columns = event.removeprefix("update of ")
    return f"UPDATE OF {columns}" if columns != event else event.upper()


def locks_of(state: TriggerState, relation: str) -> tuple[Lock, ...]:
    """What CREATE TRIGGER locks: with the other table of a constraint trigger."""
    locks = on(relation, LockMode.SHARE_ROW_EXCLUSIVE)
    return locks + on(state.referenced, LockMode.ACCESS_SHARE) if state.referenced else locks


def replace(old: Entry, new: Entry) -> Iterable[Statement]:
    """CREATE OR REPLACE TRIGGER."""
    yield Statement(definition(new, "CREATE OR REPLACE"), locks_of(new.state, relation_of(new)))
    # A trigger that is replaced fires as if it had just been created.
    yield from fires(new)


def why_not_replaced(old: TriggerState, new: TriggerState) -> str | None:
    """None where CREATE OR REPLACE knows both."""
    return "CREATE OR REPLACE does not know constraint triggers" if old.constraint or new.constraint else None


def fires(entry: Entry, always_said: bool = False) -> Iterable[Statement]:
    """When it fires, where that is not what a new trigger does."""
    if always_said or entry.state.enabled != "origin":
        relation = relation_of(entry)
        action = f"{_FIRES[entry.state.enabled]} {quote(entry.id.path[2])}"
        yield Statement(f"ALTER TABLE {relation} {action}", on(relation, LockMode.SHARE_ROW_EXCLUSIVE))
