"""Foreign-data wrappers (manual: CREATE FOREIGN DATA WRAPPER); those of extensions are the extensions'."""

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
from reconciler.core.ident import ObjectId, bare_name, in_schema, qualified, quote, split_name, written_bare
from reconciler.core.kind import Declared, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class ForeignDataWrapperState:
    """A foreign-data wrapper."""

    handler: str | None = None
    """As SQL writes it: `app.handler`."""
    validator: str | None = None
    options: tuple[str, ...] = ()
    """`name=value`, without secrets."""
    order: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    """The same as they were set one by one."""
    secrets: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    """Names of the options that are not looked at."""


class ForeignDataWrapperDocument(Document):
    """`foreign_data_wrappers: {files: {handler: app.file_handler, options: {debug: true}}}`"""

    handler: str | None = None
    validator: str | None = None
    options: dict[str, Option] = Field(default_factory=dict)


def _function(said: str | None) -> str | None:
    # A name without a schema is looked up by the server: pg_catalog's validator may be meant.
    return None if said is None else qualified(*split_name(said))


def _functions(state: ForeignDataWrapperState) -> str:
    handler = f" HANDLER {state.handler}" if state.handler else ""
    return handler + (f" VALIDATOR {state.validator}" if state.validator else "")


def _alter(entry: Entry, action: str) -> Iterable[Statement]:
    yield Statement(f"ALTER FOREIGN DATA WRAPPER {quote(entry.id.path[0])} {action}")


def _handler(old: Entry, new: Entry) -> Iterable[Statement]:
    return _alter(new, f"HANDLER {new.state.handler}" if new.state.handler else "NO HANDLER")


def _validator(old: Entry, new: Entry) -> Iterable[Statement]:
    return _alter(new, f"VALIDATOR {new.state.validator}" if new.state.validator else "NO VALIDATOR")


class ForeignDataWrapper(Kind[ForeignDataWrapperState]):
    """What knows how to reach servers of one sort."""

    name = "foreign_data_wrapper"
    section = "foreign_data_wrappers"
    state = ForeignDataWrapperState
    document = ForeignDataWrapperDocument
    rank = 22
    rules: ClassVar[Mapping[str, Rule]] = {
        "handler": InPlace(_handler),
        "validator": InPlace(_validator),
        "options": InPlace(
            lambda old, new: _alter(new, options_change(old.state.options, new.state.options))
        ),
        **OPTION_FACTS,
    }

    def query(self, major: int) -> LiteralString:
        return (
            """
            SELECT 'pg_foreign_data_wrapper/' || w.oid || '/0' AS address, ARRAY[w.fdwname::text] AS path,
                (SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname)
                    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
                    WHERE p.oid = w.fdwhandler) AS handler,
                (SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(p.proname)
                    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
                    WHERE p.oid = w.fdwvalidator) AS validator,
                """ + option_columns("w.fdwoptions") + """
            FROM pg_catalog.pg_foreign_data_wrapper w
            ORDER BY w.fdwname"""
        )  # fmt: skip

    def declare(self, name: str, document: ForeignDataWrapperDocument, nest: Nest) -> Iterable[Declared]:
        state = ForeignDataWrapperState(
            _function(document.handler),
            _function(document.validator),
            declared_options(document.options),
            declared_order(document.options),
        )
        signatures = ((document.handler, "()"), (document.validator, "(text[], oid)"))
        needs = set()
        for function, arguments in signatures:
            if function:
                schema, bare = in_schema(function, nest.schema)
                needs.add(ObjectId("function", (schema, quote(bare) + arguments)))
        yield Declared(ObjectId(self.name, (bare_name(name),)), state, needs=frozenset(needs))

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: ForeignDataWrapperState = entry.state
        data = without_defaults(
            {
                "handler": state.handler,
                "validator": state.validator,
                "options": options_to(state.order or state.options),
            }
        )
        return written_bare(entry.id.path[0]), data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: ForeignDataWrapperState = entry.state
        said = _functions(state) + options_clause(state.order or state.options)
        yield Statement(f"CREATE FOREIGN DATA WRAPPER {quote(entry.id.path[0])}{said}")

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP FOREIGN DATA WRAPPER {quote(entry.id.path[0])}")

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield (self.name, *entry.id.path)
