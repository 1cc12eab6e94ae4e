"""Row-level security policies (manual: CREATE POLICY, ALTER POLICY)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Fragment, Names, without_defaults
from reconciler.core.ident import ObjectId, qualified, quote
from reconciler.core.kind import Declared, Disturbance, InPlace, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Hazard, HazardCode, Statement, on


@dataclass(frozen=True, slots=True)
class PolicyState:
    """A policy; it counts only where the table has row security."""

    command: str = "all"
    roles: tuple[str, ...] = ()
    """By name; none is everybody (PUBLIC)."""
    permissive: bool = True
    using: str | None = None
    """Which rows are seen, as pg_get_expr writes it."""
    check: str | None = None
    """Which rows may be written."""


class PolicyDocument(Document):
    """`policies: {own_rows: {command: select, to: [app], using: owner_id = current_user_id()}}`"""

    command: Literal["all", "select", "insert", "update", "delete"] = "all"
    to: Names = ()
    permissive: bool = True
    using: Fragment | None = None
    check: Fragment | None = None


def _relation(entry: Entry) -> str:
    return qualified(*entry.id.path[:2])


def _hazard(entry: Entry, message: str) -> tuple[Hazard, ...]:
    return (Hazard(HazardCode.ACCESS_CHANGE, entry.id, message),)


def _alter(entry: Entry, action: str) -> Statement:
    relation = _relation(entry)
    hazards = _hazard(entry, "which rows can be read or written is different afterwards")
    return Statement(f"ALTER POLICY {quote(entry.id.path[2])} ON {relation} {action}", on(relation), hazards)


def _roles_sql(state: PolicyState) -> str:
    return ", ".join(quote(role) for role in state.roles) or "PUBLIC"


def _roles(old: Entry, new: Entry) -> Iterable[Statement]:
    yield _alter(new, f"TO {_roles_sql(new.state)}")


def _using(old: Entry, new: Entry) -> Iterable[Statement]:
    yield _alter(new, f"USING ({new.state.using})")


def _check(old: Entry, new: Entry) -> Iterable[Statement]:
    yield _alter(new, f"WITH CHECK ({new.state.check})")


def _taken_away(expression: str | None) -> str | None:
    return "ALTER POLICY cannot take an expression away" if expression is None else None


class Policy(Kind[PolicyState]):
    """A row-level security policy."""

    name = "policy"
    section = "policies"
    parents = ("table",)
    state = PolicyState
    document = PolicyDocument
    rank = 62
    reparsed = True
    opaque_fields = frozenset({"roles"})
    recreated_on = frozenset({Disturbance.RETYPED})
    rules: ClassVar[Mapping[str, Rule]] = {
        "command": Recreate("ALTER POLICY cannot change the command"),
        "permissive": Recreate("ALTER POLICY cannot make a policy permissive or restrictive"),
        "roles": InPlace(_roles),
        "using": InPlace(_using, unless=lambda old, new: _taken_away(new.using)),
        "check": InPlace(_check, unless=lambda old, new: _taken_away(new.check)),
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_policy/' || p.oid || '/0' AS address,
                ARRAY[n.nspname, c.relname, p.polname]::text[] AS path,
                'pg_class/' || c.oid || '/0' AS parent,
                ARRAY(SELECT 'pg_authid/' || r || '/0'
                    FROM pg_catalog.unnest(p.polroles) AS r WHERE r <> 0) AS needs,
                CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update'
                    WHEN 'd' THEN 'delete' ELSE 'all' END AS command,
                ARRAY(
                    SELECT a.rolname::text FROM pg_catalog.unnest(p.polroles) AS r
                    JOIN pg_catalog.pg_roles a ON a.oid = r ORDER BY a.rolname::text COLLATE "C") AS roles,
                p.polpermissive AS permissive,
                pg_catalog.pg_get_expr(p.polqual, p.polrelid) AS "using",
                pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) AS "check"
            FROM pg_catalog.pg_policy p
            JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relpersistence <> 't'
            ORDER BY n.nspname, c.relname, p.polname"""

    def declare(self, name: str, document: PolicyDocument, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        roles = () if "public" in document.to else tuple(sorted({*document.to}))
        state = PolicyState(document.command, roles, document.permissive, document.using, document.check)
        needs = {nest.parent, *(ObjectId("role", (role,)) for role in roles)}
        yield Declared(nest.parent.child("policy", name), state, nest.parent, frozenset(needs))

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: PolicyState = entry.state
        data = without_defaults(
            {
                "command": state.command if state.command != "all" else None,
                "to": list(state.roles),
                "using": state.using,
                "check": state.check,
            }
        )
        return entry.id.path[2], data if state.permissive else {"permissive": False, **data}

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: PolicyState = entry.state
        relation = _relation(entry)
        parts = [f"CREATE POLICY {quote(entry.id.path[2])} ON {relation}"]
        if not state.permissive:
            parts.append("AS RESTRICTIVE")
        if state.command != "all":
            parts.append(f"FOR {state.command.upper()}")
        if state.roles:
            parts.append(f"TO {_roles_sql(state)}")
        if state.using is not None:
            parts.append(f"USING ({state.using})")
        if state.check is not None:
            parts.append(f"WITH CHECK ({state.check})")
        yield Statement(
            " ".join(parts), on(relation), _hazard(entry, "rows are shown or kept back by a new policy")
        )

    def drop(self, entry: Entry) -> Iterable[Statement]:
        relation = _relation(entry)
        sql = f"DROP POLICY {quote(entry.id.path[2])} ON {relation}"
        yield Statement(
            sql, on(relation), _hazard(entry, "rows are no longer shown or kept back by this policy")
        )

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("policy", *entry.id.path)
