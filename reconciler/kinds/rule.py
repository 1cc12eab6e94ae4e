"""Rewrite rules on tables and views (manual: CREATE RULE)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, LiteralString

from pydantic import BeforeValidator

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Fragment, Names
from reconciler.core.ident import qualified, quote
from reconciler.core.kind import Declared, Disturbance, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Statement, on
from reconciler.core.viewtext import closed, trimmed, written


@dataclass(frozen=True, slots=True)
class RuleState:
    """A rule other than the one that makes a view a view."""

    definition: str
    """What follows `CREATE RULE name AS`, as pg_get_ruledef writes it, without the final semicolon."""
    enabled: str = "origin"
    """When it fires: `origin`, `disabled`, `replica` or `always` (session_replication_role)."""


class RuleDocument(Document):
    """`rules: {keep: ON DELETE TO app.users DO INSTEAD NOTHING}`; or in parts, with event and commands."""

    definition: str | None = None
    event: Literal["select", "insert", "update", "delete"] | None = None
    where: Fragment | None = None
    instead: bool = False
    commands: Names = ()
    enabled: Literal["origin", "disabled", "replica", "always"] = "origin"


def _short(value: object) -> object:
    return {"definition": value} if isinstance(value, str) else value


_FIRES = {
    "origin": "ENABLE RULE",
    "disabled": "DISABLE RULE",
    "replica": "ENABLE REPLICA RULE",
    "always": "ENABLE ALWAYS RULE",
}


def _relation(entry: Entry) -> str:
    return qualified(*entry.id.path[:2])


def _definition(document: RuleDocument, relation: str) -> str:
    in_parts = document.event is not None
    if (document.definition is not None) == in_parts:
        raise ValueError("a rule has either a definition or an event")
    if document.definition is not None:
        if document.where is not None or document.instead or document.commands:
            raise ValueError("where, instead and commands belong to a rule that is given by its event")
        return trimmed(document.definition)
    condition = f" WHERE {document.where}" if document.where is not None else ""
    commands = [trimmed(command) for command in document.commands]
    action = "NOTHING" if not commands else commands[0] if len(commands) == 1 else f"({'; '.join(commands)})"
    do = "DO INSTEAD" if document.instead else "DO ALSO"
    return f"ON {(document.event or '').upper()} TO {relation}{condition} {do} {action}"


def _create(entry: Entry, verb: str) -> Statement:
    relation = _relation(entry)
    sql = f"{verb} RULE {quote(entry.id.path[2])} AS\n{closed(entry.state.definition)}"
    return Statement(sql, on(relation))


def _fires(entry: Entry) -> Iterable[Statement]:
    relation = _relation(entry)
    action = f"{_FIRES[entry.state.enabled]} {quote(entry.id.path[2])}"
    yield Statement(f"ALTER TABLE {relation} {action}", on(relation))


class RewriteRule(Kind[RuleState]):
    """A rewrite rule."""

    name = "rule"
    section = "rules"
    parents = ("table", "view")
    state = RuleState
    document = Annotated[RuleDocument, BeforeValidator(_short)]
    rank = 60
    reparsed = True
    recreated_on = frozenset({Disturbance.RETYPED, Disturbance.RESHAPED})
    rules: ClassVar[Mapping[str, Rule]] = {
        "definition": InPlace(lambda old, new: (_create(new, "CREATE OR REPLACE"),)),
        "enabled": InPlace(lambda old, new: _fires(new)),
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_rewrite/' || r.oid || '/0' AS address,
                ARRAY[n.nspname, c.relname, r.rulename]::text[] AS path,
                'pg_class/' || c.oid || '/0' AS parent,
                pg_catalog.btrim(pg_catalog.rtrim(pg_catalog.substr(pg_catalog.pg_get_ruledef(r.oid),
                    pg_catalog.length('CREATE RULE  AS' || pg_catalog.quote_ident(r.rulename)) + 1), ';'),
                    E' \\n') AS definition,
                CASE r.ev_enabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica'
                    ELSE 'always' END AS enabled
            FROM pg_catalog.pg_rewrite r
            JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE r.rulename <> '_RETURN' AND c.relpersistence <> 't'
                AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY n.nspname, c.relname, r.rulename"""

    def declare(self, name: str, document: RuleDocument, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        if document.enabled != "origin" and nest.parent.kind == "view":
            raise ValueError(
                "only a table's rules can be disabled or tied to a replication role, not a view's"
            )
        state = RuleState(_definition(document, qualified(*nest.parent.path)), document.enabled)
        yield Declared(nest.parent.child("rule", name), state, nest.parent)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: RuleState = entry.state
        definition = written(state.definition)
        if state.enabled == "origin":
            return entry.id.path[2], definition
        return entry.id.path[2], {"enabled": state.enabled, "definition": definition}

    def expand_short_form(self, short: Any) -> Mapping[str, Any]:
        return short if isinstance(short, Mapping) else {"definition": short}

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        yield _create(entry, "CREATE")
        if entry.state.enabled != "origin":
            yield from _fires(entry)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        relation = _relation(entry)
        yield Statement(f"DROP RULE {quote(entry.id.path[2])} ON {relation}", on(relation))

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("rule", *entry.id.path)
