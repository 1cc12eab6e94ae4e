"""Foreign servers (manual: CREATE SERVER)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from pydantic import Field

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Option, options_to
from reconciler.core.generic_options import (
    OPTION_FACTS,
    declared_options,
    declared_order,
    option_columns,
    options_change,
    options_clause,
)
from reconciler.core.ident import ObjectId, bare_name, literal, quote, written_bare
from reconciler.core.kind import Declared, InPlace, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Statement, data_loss


@dataclass(frozen=True, slots=True)
class ServerState:
    """A foreign server."""

    wrapper: str
    """The foreign-data wrapper, a bare name."""
    type: str | None = None
    version: str | None = None
    options: tuple[str, ...] = ()
    """`name=value`, without secrets."""
    order: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    """The same as they were set one by one."""
    secrets: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    """Names of the options that are not looked at."""


class ServerDocument(Document):
    """`servers: {reporting: {wrapper: postgres_fdw, options: {host: db1, dbname: reports}}}`"""

    wrapper: str
    type: str | None = None
    version: str | None = None
    options: dict[str, Option] = Field(default_factory=dict)


def _alter(entry: Entry, action: str) -> Iterable[Statement]:
    yield Statement(f"ALTER SERVER {quote(entry.id.path[0])} {action}")


def _version(old: Entry, new: Entry) -> Iterable[Statement]:
    version = new.state.version
    return _alter(new, f"VERSION {'NULL' if version is None else literal(version)}")


class Server(Kind[ServerState]):
    """Where the data of foreign tables is. Options with secrets are left alone."""

    name = "server"
    section = "servers"
    state = ServerState
    document = ServerDocument
    rank = 24
    rules: ClassVar[Mapping[str, Rule]] = {
        "wrapper": Recreate("the wrapper of a server cannot be altered"),
        "type": Recreate("the type of a server cannot be altered"),
        "version": InPlace(_version),
        "options": InPlace(
            lambda old, new: _alter(new, options_change(old.state.options, new.state.options))
        ),
        **OPTION_FACTS,
    }

    def query(self, major: int) -> LiteralString:
        return (
            """
            SELECT 'pg_foreign_server/' || s.oid || '/0' AS address, ARRAY[s.srvname::text] AS path,
                w.fdwname::text AS wrapper, s.srvtype AS type, s.srvversion AS version,
                """ + option_columns("s.srvoptions") + """
            FROM pg_catalog.pg_foreign_server s
            JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
            ORDER BY s.srvname"""
        )  # fmt: skip

    def declare(self, name: str, document: ServerDocument, nest: Nest) -> Iterable[Declared]:
        wrapper = bare_name(document.wrapper)
        state = ServerState(
            wrapper,
            document.type,
            document.version,
            declared_options(document.options),
            declared_order(document.options),
        )
        needs = frozenset({ObjectId("foreign_data_wrapper", (wrapper,))})
        yield Declared(ObjectId("server", (bare_name(name),)), state, needs=needs)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: ServerState = entry.state
        said = {
            "wrapper": written_bare(state.wrapper),
            "type": state.type,
            "version": state.version,
            "options": options_to(state.order or state.options) or None,
        }
        data = {key: value for key, value in said.items() if value is not None}
        return written_bare(entry.id.path[0]), data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: ServerState = entry.state
        said = f" TYPE {literal(state.type)}" if state.type is not None else ""
        said += f" VERSION {literal(state.version)}" if state.version is not None else ""
        said += f" FOREIGN DATA WRAPPER {quote(state.wrapper)}{options_clause(state.order or state.options)}"
        yield Statement(f"CREATE SERVER {quote(entry.id.path[0])}{said}")

    def drop(self, entry: Entry) -> Iterable[Statement]:
        secrets = ", ".join(entry.state.secrets)
        message = f"server {entry.id.path[0]} loses what only the database knows: {secrets}"
        hazards = data_loss(entry.id, message) if secrets else ()
        yield Statement(f"DROP SERVER {quote(entry.id.path[0])}", hazards=hazards)

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("server", *entry.id.path)
