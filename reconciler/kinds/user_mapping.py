"""User mappings (manual: CREATE USER MAPPING)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from pydantic import Field

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Option, options_to, without_defaults
from reconciler.core.generic_options import (
    OPTION_FACTS,
    declared_options,
    declared_order,
    option_columns,
    options_change,
    options_clause,
)
from reconciler.core.ident import ObjectId, bare_name, quote, written_bare
from reconciler.core.kind import Declared, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Hazard, HazardCode, Statement, data_loss


@dataclass(frozen=True, slots=True)
class UserMappingState:
    """As whom a role is known on a server."""

    options: tuple[str, ...] = ()
    """`name=value`, without secrets."""
    order: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    """The same as they were set one by one."""
    secrets: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    """Names of the options that are not looked at: `password`."""


class UserMappingDocument(Document):
    """`user_mappings: {app_rw: {options: {user: reader}}}` under a server; `public` stands for all roles.

    A password is not said here: it is set by hand, with ALTER USER MAPPING, and left alone.
    """

    options: dict[str, Option] = Field(default_factory=dict)


def _mapping(entry: Entry) -> str:
    server, role = entry.id.path
    return f"USER MAPPING FOR {'PUBLIC' if role == 'public' else quote(role)} SERVER {quote(server)}"


def _hazard(entry: Entry) -> tuple[Hazard, ...]:
    server, role = entry.id.path
    message = f"as whom {role} is known on server {server} changes"
    return (Hazard(HazardCode.ACCESS_CHANGE, entry.id, message),)


def _options(old: Entry, new: Entry) -> Iterable[Statement]:
    change = options_change(old.state.options, new.state.options)
    yield Statement(f"ALTER {_mapping(new)} {change}", hazards=_hazard(new))


class UserMapping(Kind[UserMappingState]):
    """A role on a foreign server.

    PostgreSQL shows the options only to who may use them: to superusers all, to the server's owner
    those for PUBLIC, to a role its own.
    """

    name = "user_mapping"
    section = "user_mappings"
    parents = ("server",)
    state = UserMappingState
    document = UserMappingDocument
    rank = 26
    drops_with_parent = False
    rules: ClassVar[Mapping[str, Rule]] = {
        "options": InPlace(_options),
        **OPTION_FACTS,
    }

    def query(self, major: int) -> LiteralString:
        return (
            """
            SELECT 'pg_user_mapping/' || m.umid || '/0' AS address,
                ARRAY[m.srvname, CASE m.umuser WHEN 0 THEN 'public' ELSE m.usename END]::text[] AS path,
                'pg_foreign_server/' || m.srvid || '/0' AS parent,
                """ + option_columns("m.umoptions") + """
            FROM pg_catalog.pg_user_mappings m
            ORDER BY m.srvname, m.usename"""
        )  # fmt: skip

    def declare(self, name: str, document: UserMappingDocument, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        role = bare_name(name)
        needs = frozenset({ObjectId("role", (role,))} if role != "public" else ())
        state = UserMappingState(declared_options(document.options), declared_order(document.options))
        yield Declared(nest.parent.child(self.name, role), state, nest.parent, needs)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return written_bare(entry.id.path[1]), without_defaults(
            {"options": options_to(entry.state.order or entry.state.options)}
        )

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        yield Statement(
            f"CREATE {_mapping(entry)}{options_clause(entry.state.order or entry.state.options)}",
            hazards=_hazard(entry),
        )

    def drop(self, entry: Entry) -> Iterable[Statement]:
        server, role = entry.id.path
        secrets = ", ".join(entry.state.secrets)
        message = f"the mapping of {role} on server {server} loses what only the database knows: {secrets}"
        lost = data_loss(entry.id, message) if secrets else ()
        yield Statement(f"DROP {_mapping(entry)}", hazards=(*_hazard(entry), *lost))

    def label(self, entry: Entry) -> str:
        server, role = entry.id.path
        return f"user mapping of {role} on server {server}"
