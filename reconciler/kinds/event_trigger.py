"""Event triggers (manual: CREATE EVENT TRIGGER)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Names, without_defaults
from reconciler.core.ident import (
    ObjectId,
    bare_name,
    in_schema,
    literal,
    qualified,
    quote,
    split_name,
    written_bare,
    written_path,
)
from reconciler.core.kind import Declared, Ignored, InPlace, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class EventTriggerState:
    """An event trigger."""

    event: str
    """`ddl_command_start`, `ddl_command_end`, `sql_drop`, `table_rewrite` or `login` (17)."""
    function: str
    """As SQL writes it, without parentheses: `app.audit`."""
    tags: tuple[str, ...] = ()
    """Command tags in upper case, sorted; none: every command."""
    enabled: str = "origin"
    """When it fires: `origin`, `disabled`, `replica` or `always` (session_replication_role)."""
    order: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    """The tags as they were said."""


class EventTriggerDocument(Document):
    """`event_triggers: {audit: {event: ddl_command_end, tags: [CREATE TABLE], function: app.audit()}}`"""

    event: str
    function: str
    tags: Names = ()
    enabled: Literal["origin", "disabled", "replica", "always"] = "origin"


_FIRES = {"origin": "ENABLE", "disabled": "DISABLE", "replica": "ENABLE REPLICA", "always": "ENABLE ALWAYS"}


def _fires(entry: Entry) -> Iterable[Statement]:
    yield Statement(f"ALTER EVENT TRIGGER {quote(entry.id.path[0])} {_FIRES[entry.state.enabled]}")


class EventTrigger(Kind[EventTriggerState]):
    """A function that is called when anybody changes the schema.

    It comes last and goes first, so that it does not meddle with the plan that makes it.
    """

    name = "event_trigger"
    section = "event_triggers"
    state = EventTriggerState
    document = EventTriggerDocument
    rank = 98
    rules: ClassVar[Mapping[str, Rule]] = {
        "event": Recreate("the event cannot be altered"),
        "function": Recreate("the function of an event trigger cannot be altered"),
        "tags": Recreate("the tags cannot be altered"),
        "enabled": InPlace(lambda old, new: _fires(new)),
        "order": Ignored("the order of tags says nothing"),
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_event_trigger/' || e.oid || '/0' AS address, ARRAY[e.evtname::text] AS path,
                e.evtevent::text AS event,
                pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname) AS function,
                ARRAY(SELECT t FROM pg_catalog.unnest(e.evttags) AS t ORDER BY t COLLATE "C") AS tags,
                coalesce(e.evttags, '{}') AS "order",
                CASE e.evtenabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica'
                    ELSE 'always' END AS enabled
            FROM pg_catalog.pg_event_trigger e
            JOIN pg_catalog.pg_proc p ON p.oid = e.evtfoid
            JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
            ORDER BY e.evtname"""

    def declare(self, name: str, document: EventTriggerDocument, nest: Nest) -> Iterable[Declared]:
        schema, function = in_schema(document.function.strip().removesuffix("()"), nest.schema)
        tags = dict.fromkeys(" ".join(tag.upper().split()) for tag in document.tags)
        state = EventTriggerState(
            event=document.event,
            function=qualified(schema, function),
            tags=tuple(sorted(tags)),
            enabled=document.enabled,
            order=tuple(tags),
        )
        needs = frozenset({ObjectId("function", (schema, f"{quote(function)}()"))})
        yield Declared(ObjectId("event_trigger", (bare_name(name),)), state, needs=needs)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: EventTriggerState = entry.state
        data = without_defaults(
            {
                "event": state.event,
                "tags": list(state.order or state.tags),
                "function": f"{written_path(split_name(state.function), home)}()",
                "enabled": state.enabled if state.enabled != "origin" else None,
            }
        )
        return written_bare(entry.id.path[0]), data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: EventTriggerState = entry.state
        tags = ", ".join(literal(tag) for tag in state.order or state.tags)
        when = f"\nWHEN TAG IN ({tags})" if tags else ""
        yield Statement(
            f"CREATE EVENT TRIGGER {quote(entry.id.path[0])} ON {quote(state.event)}{when}\n"
            f"EXECUTE FUNCTION {state.function}()"
        )
        if state.enabled != "origin":
            yield from _fires(entry)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP EVENT TRIGGER {quote(entry.id.path[0])}")

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("event_trigger", *entry.id.path)
