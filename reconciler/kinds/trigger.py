"""Triggers and constraint triggers on tables, foreign tables and views (manual: CREATE TRIGGER)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, LiteralString

from reconciler.core import routine
from reconciler.core.catalog import Entry
from reconciler.core.fragment import Document, Fragment, Names, without_defaults
from reconciler.core.ident import ObjectId, in_schema, qualified, quote, split_name, written_path
from reconciler.core.kind import Declared, Disturbance, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Lock, LockMode, Statement, on


@dataclass(frozen=True, slots=True)
class TriggerState:
    """A trigger."""

    timing: str
    """`before`, `after` or `instead of`."""
    events: tuple[str, ...]
    """`insert`, `delete`, `update`, `update of a, b`, `truncate`, in this order."""
    function: str
    """The call as SQL writes it: `app.touch('x')`."""
    for_each: str = "statement"
    when: str | None = None
    constraint: bool = False
    deferrable: bool = False
    initially_deferred: bool = False
    referenced: str | None = None
    """The other table of a constraint trigger, as SQL writes it."""
    old_table: str | None = None
    """The name of the transition table of old rows."""
    new_table: str | None = None
    enabled: str = "origin"
    """When it fires: `origin`, `disabled`, `replica` or `always` (session_replication_role)."""


class ReferencingDocument(Document):
    """`referencing: {old_table: before, new_table: after}`"""

    old_table: str | None = None
    new_table: str | None = None


class TriggerDocument(Document):
    """`triggers: {users_touch: {timing: before, events: [update], for_each: row, function: touch()}}`"""

    timing: Literal["before", "after", "instead of"]
    events: Names
    function: str
    for_each: Literal["row", "statement"] = "statement"
    when: Fragment | None = None
    constraint: bool = False
    deferrable: bool = False
    initially_deferred: bool = False
    from_table: str | None = None
    referencing: ReferencingDocument = ReferencingDocument()
    enabled: Literal["origin", "disabled", "replica", "always"] = "origin"


_EVENTS = ("insert", "delete", "update", "truncate")
_CALL = re.compile(r'\s*((?:"(?:[^"]|"")*"|[^"(])+)(\(.*\))\s*\Z', re.DOTALL)
_COLUMN = re.compile(r'\s*("(?:[^"]|"")+"|[^,"]+?)\s*(?:,|\Z)')
_FIRES = {
    "origin": "ENABLE TRIGGER",
    "disabled": "DISABLE TRIGGER",
    "replica": "ENABLE REPLICA TRIGGER",
    "always": "ENABLE ALWAYS TRIGGER",
}


def _event(text: str) -> str:
    """One event in its canonical spelling. Raises ValueError for an unknown one."""
    words = text.split(None, 2)
    head = [word.lower() for word in words[:2]]
    if head == ["update", "of"] and len(words) == 3:
        columns = (split_name(column)[0] for column in _COLUMN.findall(words[2]))
        return f"update of {', '.join(quote(column) for column in columns)}"
    if len(words) == 1 and head[0] in _EVENTS:
        return head[0]
    expected = "insert, delete, update, update of a, b or truncate"
    raise ValueError(f"{text!r} is no event of a trigger; expected {expected}")


def _call(text: str, schema: str) -> tuple[ObjectId, str]:
    """(the function's id, the call with its schema). Raises ValueError for what is no call."""
    match = _CALL.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no call of a trigger function, such as touch() or app.log('users')")
    path = in_schema(match.group(1).strip(), schema)
    return ObjectId("function", (path[0], f"{quote(path[1])}()")), qualified(*path) + match.group(2)


def _written_call(text: str, home: str) -> str:
    match = _CALL.match(text)
    if match is None:
        return text
    schema, name = split_name(match.group(1))
    return routine.written_name(schema, name, home) + match.group(2)


def _relation(entry: Entry) -> str:
    return qualified(*entry.id.path[:2])


def _definition(entry: Entry, verb: str) -> str:
    state: TriggerState = entry.state
    events = " OR ".join(_event_sql(event) for event in state.events)
    lines = [
        f"{verb} {'CONSTRAINT ' if state.constraint else ''}TRIGGER {quote(entry.id.path[2])}",
        f"{state.timing.upper()} {events} ON {_relation(entry)}",
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


def _locks(state: TriggerState, relation: str) -> tuple[Lock, ...]:
    locks = on(relation, LockMode.SHARE_ROW_EXCLUSIVE)
    return locks + on(state.referenced, LockMode.ACCESS_SHARE) if state.referenced else locks


def _replace(old: Entry, new: Entry) -> Iterable[Statement]:
    yield Statement(_definition(new, "CREATE OR REPLACE"), _locks(new.state, _relation(new)))
    # A trigger that is replaced fires as if it had just been created.
    yield from _fires(new)


def _constraint(old: TriggerState, new: TriggerState) -> str | None:
    return "CREATE OR REPLACE does not know constraint triggers" if old.constraint or new.constraint else None


def _fires(entry: Entry, always_said: bool = False) -> Iterable[Statement]:
    if always_said or entry.state.enabled != "origin":
        relation = _relation(entry)
        action = f"{_FIRES[entry.state.enabled]} {quote(entry.id.path[2])}"
        yield Statement(f"ALTER TABLE {relation} {action}", on(relation, LockMode.SHARE_ROW_EXCLUSIVE))


_REPLACE = InPlace(_replace, unless=_constraint)


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
    gives_way_to = frozenset({Disturbance.RETYPED})
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
        "enabled": InPlace(lambda old, new: _fires(new, always_said=True)),
    }

    def query(self, major: int) -> LiteralString:
        # No catalog has the condition and the arguments as text. pg_get_triggerdef has: the condition from
        # the first ' WHEN (' to the last ') EXECUTE FUNCTION ', the arguments after the function's name.
        return """
            SELECT 'pg_trigger/' || t.oid || '/0' AS address,
                ARRAY[n.nspname, c.relname, t.tgname]::text[] AS path,
                CASE WHEN t.tgconstraint <> 0
                    THEN ARRAY['pg_constraint/' || t.tgconstraint || '/0'] ELSE '{}' END AS also,
                'pg_class/' || c.oid || '/0' AS parent,
                CASE WHEN t.tgtype & 64 <> 0 THEN 'instead of' WHEN t.tgtype & 2 <> 0 THEN 'before'
                    ELSE 'after' END AS timing,
                array_remove(ARRAY[
                    CASE WHEN t.tgtype & 4 <> 0 THEN 'insert' END,
                    CASE WHEN t.tgtype & 8 <> 0 THEN 'delete' END,
                    CASE WHEN t.tgtype & 16 <> 0 THEN 'update' || coalesce((
                        SELECT ' of ' || pg_catalog.string_agg(
                            pg_catalog.quote_ident(a.attname), ', ' ORDER BY u.number)
                        FROM pg_catalog.unnest(t.tgattr::int2[]) WITH ORDINALITY AS u (attnum, number)
                        JOIN pg_catalog.pg_attribute a
                            ON a.attrelid = t.tgrelid AND a.attnum = u.attnum), '') END,
                    CASE WHEN t.tgtype & 32 <> 0 THEN 'truncate' END], NULL) AS events,
                pg_catalog.quote_ident(pn.nspname) || '.' || pg_catalog.quote_ident(p.proname)
                    || pg_catalog.regexp_replace(
                        pg_catalog.substring(d.definition, '.* EXECUTE FUNCTION (.*)$'),
                        '^("([^"]|"")*"|[^"(])*', '') AS function,
                CASE WHEN t.tgtype & 1 <> 0 THEN 'row' ELSE 'statement' END AS for_each,
                CASE WHEN t.tgqual IS NOT NULL THEN pg_catalog.substring(
                    pg_catalog.substr(d.definition, pg_catalog.strpos(d.definition, ' WHEN (') + 7),
                    '(.*)\\) EXECUTE FUNCTION ') END AS "when",
                t.tgconstraint <> 0 AS "constraint",
                t.tgdeferrable AS "deferrable",
                t.tginitdeferred AS initially_deferred,
                CASE WHEN t.tgconstrrelid <> 0
                    THEN t.tgconstrrelid::pg_catalog.regclass::text END AS referenced,
                t.tgoldtable AS old_table,
                t.tgnewtable AS new_table,
                CASE t.tgenabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica'
                    ELSE 'always' END AS enabled
            FROM pg_catalog.pg_trigger t
            JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
            JOIN pg_catalog.pg_namespace pn ON pn.oid = p.pronamespace
            CROSS JOIN LATERAL (SELECT pg_catalog.pg_get_triggerdef(t.oid, false) AS definition) AS d
            WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND c.relpersistence <> 't'
                AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY n.nspname, c.relname, t.tgname"""

    def declare(self, name: str, document: TriggerDocument, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        called, call = _call(document.function, nest.schema)
        needs = {nest.parent} if called.path[0] == "pg_catalog" else {nest.parent, called}
        other = in_schema(document.from_table, nest.schema) if document.from_table else None
        if other:
            needs.add(ObjectId("table", other))
        if document.enabled != "origin" and nest.parent.kind == "view":
            raise ValueError("a view's triggers can be neither disabled nor tied to a replication role")
        events = [_event(event) for event in document.events]
        if not events:
            raise ValueError("a trigger has at least one event, such as `events: [insert]`")
        state = TriggerState(
            timing=document.timing,
            events=tuple(sorted(events, key=lambda event: _EVENTS.index(event.split()[0]))),
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
                "function": _written_call(state.function, home),
                "enabled": state.enabled if state.enabled != "origin" else None,
            }
        )
        return entry.id.path[2], data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        yield Statement(_definition(entry, "CREATE"), _locks(entry.state, _relation(entry)))
        yield from _fires(entry)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        relation = _relation(entry)
        yield Statement(f"DROP TRIGGER {quote(entry.id.path[2])} ON {relation}", on(relation))

    def yields(self, entry: Entry, disturbance: Disturbance) -> bool:
        # Only a condition and the columns of UPDATE OF bind a trigger to columns.
        state: TriggerState = entry.state
        bound = state.when is not None or any(event.startswith("update of ") for event in state.events)
        return bound and super().yields(entry, disturbance)

    def occupies(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("trigger", *entry.id.path)
