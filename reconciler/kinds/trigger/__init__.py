"""Triggers and constraint triggers on tables, foreign tables and views (manual: CREATE TRIGGER)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.fragment import without_defaults
from reconciler.core.ident import ObjectId, in_schema, qualified, quote, split_name, written_path
from reconciler.core.kind import Declared, Disturbance, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Statement, on
from reconciler.kinds.trigger.call import in_order, read_call, read_event, written_call
from reconciler.kinds.trigger.definition import (
    definition,
    fires,
    locks_of,
    relation_of,
    replace,
    why_not_replaced,
)
from reconciler.kinds.trigger.documents import TriggerDocument
from reconciler.kinds.trigger.query import TRIGGERS
from reconciler.kinds.trigger.state import TriggerState

_REPLACE = InPlace(replace, unless=why_not_replaced)


class Trigger(Kind[TriggerState]):
    """A trigger that a person made; those of foreign keys and of partitions belong to others."""

    name = "trigger"
    is_local = True
    section = "triggers"
    parents = ("table", "view", "foreign_table")
    state = TriggerState
    document = TriggerDocument
    rank = 60
    reparsed = True
    recreated_on = frozenset({Disturbance.RETYPED})
    rules: ClassVar[Mapping[str, Rule]] = {
        "timing": _REPLACE,
        "events": _REPLACE,
        "function": _REPLACE,
        "for_each": _REPLACE,
        "when": _REPLACE,
        "constraint": _REPLACE,
        "deferrable": _REPLACE,
        "initially_deferred": _REPLACE,
        "referenced": _REPLACE,
        "old_table": _REPLACE,
        "new_table": _REPLACE,
        "enabled": InPlace(lambda old, new: fires(new, always_said=True)),
    }

    def query(self, major: int) -> LiteralString:
        return TRIGGERS

    def declare(self, name: str, document: TriggerDocument, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        called, call = read_call(document.function, nest.schema)
        needs = {nest.parent} if called.path[0] == "pg_catalog" else {nest.parent, called}
        other = in_schema(document.from_table, nest.schema) if document.from_table else None
        if other:
            needs.add(ObjectId("table", other))
        if document.enabled != "origin" and nest.parent.kind == "view":
            raise ValueError("a view's triggers can be neither disabled nor tied to a replication role")
        events = [read_event(event) for event in document.events]
        if not events:
            raise ValueError("a trigger has at least one event, such as `events: [insert]`")
        state = TriggerState(
            timing=document.timing,
            events=in_order(events),
            function=call,
            for_each=document.for_each,
            when=document.when,
            constraint=document.constraint,
            deferrable=document.deferrable or document.initially_deferred,
            initially_deferred=document.initially_deferred,
            referenced=qualified(*other) if other else None,
            old_table=document.referencing.old_table,
            new_table=document.referencing.new_table,
            enabled=document.enabled,
        )
        yield Declared(nest.parent.child("trigger", name), state, nest.parent, frozenset(needs))

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: TriggerState = entry.state
        data = without_defaults(
            {
                "constraint": state.constraint,
                "timing": state.timing,
                "events": list(state.events),
                "from_table": written_path(split_name(state.referenced), home) if state.referenced else None,
                "deferrable": state.deferrable and not state.initially_deferred,
                "initially_deferred": state.initially_deferred,
                "referencing": without_defaults({"old_table": state.old_table, "new_table": state.new_table}),
                "for_each": state.for_each if state.for_each != "statement" else None,
                "when": state.when,
                "function": written_call(state.function, home),
                "enabled": state.enabled if state.enabled != "origin" else None,
            }
        )
        return entry.id.path[2], data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        yield Statement(definition(entry, "CREATE"), locks_of(entry.state, relation_of(entry)))
        yield from fires(entry)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        relation = relation_of(entry)
        yield Statement(f"DROP TRIGGER {quote(entry.id.path[2])} ON {relation}", on(relation))

    def is_recreated_on(self, entry: Entry, disturbance: Disturbance) -> bool:
        # Only a condition and the columns of UPDATE OF bind a trigger to columns.
        state: TriggerState = entry.state
        bound = state.when is not None or any(event.startswith("update of ") for event in state.events)
        return bound and super().is_recreated_on(entry, disturbance)

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("trigger", *entry.id.path)
