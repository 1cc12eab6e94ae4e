"""Domains (manual: CREATE DOMAIN). Their checks are entries of their own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Annotated, Any, ClassVar, LiteralString

from pydantic import BeforeValidator

from reconciler.core.aside import DataType
from reconciler.core.catalog import ADDED, Entry
from reconciler.core.constraint import chosen_name
from reconciler.core.conversion import may_lose
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Fragment, without_defaults
from reconciler.core.held_inside import asked_for, refused
from reconciler.core.ident import (
    ObjectId,
    bare_name,
    in_schema,
    qualified,
    quote,
    written_bare,
    written_name,
)
from reconciler.core.kind import Declared, InPlace, Nest, Recreate, Rule
from reconciler.core.statement import Cost, Hazard, HazardCode, Statement
from reconciler.core.transition import RenameTransition


@dataclass(frozen=True, slots=True)
class DomainState:
    """A domain."""

    type: str
    """As format_type writes it, with its modifier."""
    not_null: bool = False
    not_null_name: str | None = field(default=None, metadata=ADDED)
    """PostgreSQL 17 names the constraint; None is the name that it chooses by itself."""
    default: str | None = None
    collation: str | None = None
    """None is the type's own."""


class DomainNotNullDocument(Document):
    """`not_null: {name: amount_is_known}` (PostgreSQL 17)."""

    name: str


class DomainDocument(Document):
    """`amount: {type: numeric(12, 2), not_null: true}`; a bare string is the type."""

    type: Fragment
    not_null: bool | DomainNotNullDocument = False
    default: Fragment | None = None
    collation: str | None = None
    transition: RenameTransition | None = None


def _short(value: object) -> object:
    return {"type": value} if isinstance(value, str) else value


def _name_of(not_null: bool | DomainNotNullDocument) -> str | None:
    return bare_name(not_null.name) if isinstance(not_null, DomainNotNullDocument) else None


def _alter(entry: Entry, action: str, **more: Any) -> Statement:
    return Statement(f"ALTER DOMAIN {qualified(*entry.id.path)} {action}", **more)


def _not_null(old: Entry, new: Entry) -> Iterable[Statement]:
    if new.state.not_null:
        hazards = (Hazard(HazardCode.MAY_FAIL, new.id, "a null in a column of the domain makes it fail"),)
        name = new.state.not_null_name
        action = f"ADD CONSTRAINT {quote(name)} NOT NULL" if name else "SET NOT NULL"
        yield _alter(new, action, hazards=hazards, cost=Cost.SCAN)
    else:
        yield _alter(new, "DROP NOT NULL")


def _not_null_name(old: Entry, new: Entry) -> Iterable[Statement]:
    if old.state.not_null and new.state.not_null:
        before, after = (quote(_called(entry)) for entry in (old, new))
        yield _alter(new, f"RENAME CONSTRAINT {before} TO {after}")


def _called(entry: Entry) -> str:
    """The name of its NOT NULL constraint."""
    return entry.state.not_null_name or chosen_name(entry.id.path[1], (), "not_null")


def _default(old: Entry, new: Entry) -> Iterable[Statement]:
    expression = new.state.default
    yield _alter(new, "DROP DEFAULT" if expression is None else f"SET DEFAULT {expression}")


class Domain(DataType[DomainState]):
    """A data type with constraints."""

    name = "domain"
    text_name_parts = 1
    is_ambient = True
    word = "DOMAIN"
    section = "domains"
    state = DomainState
    document = Annotated[DomainDocument, BeforeValidator(_short)]
    rank = 12
    reparsed = True
    rules: ClassVar[Mapping[str, Rule]] = {
        "type": Recreate("the type under a domain cannot be altered"),
        "collation": Recreate("the collation of a domain cannot be altered"),
        "default": InPlace(_default),
        "not_null": InPlace(_not_null),
        "not_null_name": InPlace(_not_null_name),
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_type/' || t.oid || '/0' AS address, ARRAY[n.nspname, t.typname]::text[] AS path,
                ARRAY['pg_type/' || t.typarray || '/0'] || ARRAY(
                    SELECT 'pg_constraint/' || c.oid || '/0' FROM pg_catalog.pg_constraint c
                    WHERE c.contypid = t.oid AND c.contype = 'n') AS also,
                pg_catalog.format_type(t.typbasetype, t.typtypmod) AS type,
                t.typnotnull AS not_null,
                (SELECT c.conname::text FROM pg_catalog.pg_constraint c
                    WHERE c.contypid = t.oid AND c.contype = 'n'
                        AND c.conname <> (pg_catalog.left(t.typname, 54) || '_not_null')) AS not_null_name,
                pg_catalog.pg_get_expr(t.typdefaultbin, 0) AS "default",
                CASE WHEN t.typcollation <> b.typcollation THEN
                    pg_catalog.quote_ident(cn.nspname) || '.' || pg_catalog.quote_ident(co.collname)
                END AS collation
            FROM pg_catalog.pg_type t
            JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
            JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
            LEFT JOIN pg_catalog.pg_collation co ON co.oid = t.typcollation
            LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
            WHERE t.typtype = 'd' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY n.nspname, t.typname"""

    def declare(self, name: str, document: DomainDocument, nest: Nest) -> Iterable[Declared]:
        transition = document.transition or RenameTransition()
        yield Declared(
            ObjectId("domain", in_schema(name, nest.schema)),
            DomainState(
                type=document.type,
                not_null=bool(document.not_null),
                not_null_name=_name_of(document.not_null),
                default=document.default,
                collation=document.collation,
            ),
            former_names=transition.former_names,
            not_renamed=transition.not_renamed,
        )

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: DomainState = entry.state
        data = without_defaults(
            {
                "type": state.type,
                "not_null": {"name": written_bare(name)} if (name := state.not_null_name) else state.not_null,
                "default": state.default,
                "collation": state.collation,
            }
        )
        schema, name = entry.id.path
        return written_name(schema, name, home), state.type if list(data) == ["type"] else data

    def expand_short_form(self, short: Any) -> Mapping[str, Any]:
        return short if isinstance(short, Mapping) else {"type": short}

    def narrowing(self, old: Entry, new: Entry) -> str | None:
        before, after = old.state.type, new.state.type
        return f"values are converted from {before} to {after}" if may_lose(before, after) else None

    def server_query(self, old: Entry | None, new: Entry) -> tuple[LiteralString, Mapping[str, str]] | None:
        is_new = old is not None and new.state.not_null and not old.state.not_null
        return asked_for(new.id) if is_new else None

    def with_server_answer(self, new: Entry, answer: str | None) -> Entry:
        if answer is not None:
            way_on = "declare a check `VALUE IS NOT NULL` with `not_valid: true` in place of `not_null`"
            raise refused(f"not null of {self.label(new)}", new.id, answer, way_on)
        return new

    def is_compound(self, entry: Entry) -> bool:
        return bool(entry.state.type.endswith("[]"))

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: DomainState = entry.state
        parts = [f"CREATE DOMAIN {qualified(*entry.id.path)} AS {state.type}"]
        if state.collation:
            parts.append(f"COLLATE {state.collation}")
        if state.default is not None:
            parts.append(f"DEFAULT {state.default}")
        if state.not_null:
            name = state.not_null_name
            parts.append(f"CONSTRAINT {quote(name)} NOT NULL" if name else "NOT NULL")
        yield Statement(" ".join([*parts, *clauses]))
