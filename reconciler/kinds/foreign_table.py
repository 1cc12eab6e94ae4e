"""Foreign tables (manual: CREATE FOREIGN TABLE); columns, defaults and checks are entries of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from pydantic import Field

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Names, Option, options_to, without_defaults
from reconciler.core.generic_options import (
    OPTION_FACTS,
    declared_options,
    declared_order,
    option_columns,
    options_change,
    options_clause,
)
from reconciler.core.ident import (
    ObjectId,
    bare_name,
    in_schema,
    qualified,
    quote,
    split_name,
    written_bare,
    written_path,
)
from reconciler.core.inheritance import (
    INHERITANCE,
    KIN,
    change_inheritance,
    in_parentheses,
    leave,
    move_partition,
    read_bound,
    written_bound,
)
from reconciler.core.kind import Declared, InPlace, Kind, Nest, Recreate, Rule
from reconciler.core.statement import (
    LockMode,
    Statement,
    data_loss,
    on,
)


@dataclass(frozen=True, slots=True)
class ForeignTableState:
    """A foreign table."""

    kin: ClassVar[frozenset[str]] = KIN

    server: str
    """A bare name."""
    options: tuple[str, ...] = ()
    """`name=value`, without secrets."""
    partition_of: str | None = None
    """The partitioned table as SQL writes it."""
    bound: str | None = None
    """`FOR VALUES ...` or `DEFAULT`."""
    inherits: tuple[str, ...] = ()
    order: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    """The options as they were set one by one."""
    secrets: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    """Names of the options that are not looked at."""


class ForeignTableDocument(Document):
    """`foreign_tables: {sales: {server: reporting, options: {table_name: sales}, columns: {...}}}`"""

    server: str
    options: dict[str, Option] = Field(default_factory=dict)
    partition_of: str | None = None
    for_values: str | None = None
    inherits: Names = ()


def _relation(entry: Entry) -> str:
    return qualified(*entry.id.path)


def _alter(entry: Entry, action: str) -> Iterable[Statement]:
    relation = _relation(entry)
    yield Statement(f"ALTER FOREIGN TABLE {relation} {action}", on(relation))


def _inherits(old: Entry, new: Entry) -> Iterable[Statement]:
    return change_inheritance(old, new, "FOREIGN TABLE")


class ForeignTable(Kind[ForeignTableState]):
    """A table whose rows are elsewhere: to drop it loses none."""

    name = "foreign_table"
    text_name_parts = 1
    section = "foreign_tables"
    state = ForeignTableState
    document = ForeignTableDocument
    rank = 30
    rules: ClassVar[Mapping[str, Rule]] = {
        "server": Recreate("the server of a foreign table cannot be altered"),
        "options": InPlace(
            lambda old, new: _alter(new, options_change(old.state.options, new.state.options))
        ),
        "partition_of": InPlace(move_partition),
        "bound": InPlace(move_partition),
        "inherits": InPlace(_inherits),
        **OPTION_FACTS,
    }

    def query(self, major: int) -> LiteralString:
        return (
            """
            SELECT 'pg_class/' || c.oid || '/0' AS address, ARRAY[n.nspname, c.relname]::text[] AS path,
                ARRAY['pg_type/' || c.reltype || '/0', 'pg_type/' || t.typarray || '/0'] AS also,
                s.srvname::text AS server,
                """ + option_columns("f.ftoptions") + ""","""
            + INHERITANCE + """
            FROM pg_catalog.pg_foreign_table f
            JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver
            JOIN pg_catalog.pg_class c ON c.oid = f.ftrelid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_catalog.pg_type t ON t.oid = c.reltype
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY n.nspname, c.relname"""
        )  # fmt: skip

    def declare(self, name: str, document: ForeignTableDocument, nest: Nest) -> Iterable[Declared]:
        if (document.partition_of is None) != (document.for_values is None):
            raise ValueError("a partition has both `partition_of` and `for_values`")
        server = bare_name(document.server)
        above = [in_schema(other, nest.schema) for other in document.inherits]
        partitioned = in_schema(document.partition_of, nest.schema) if document.partition_of else None
        state = ForeignTableState(
            server=server,
            options=declared_options(document.options),
            partition_of=qualified(*partitioned) if partitioned else None,
            bound=read_bound(document.for_values),
            inherits=tuple(qualified(*other) for other in above),
            order=declared_order(document.options),
        )
        # A partition that is foreign does not hang on its table: it has a section of its own.
        tables = [*above, *([partitioned] if partitioned else [])]
        needs = {ObjectId("server", (server,)), *(ObjectId("table", other) for other in tables)}
        yield Declared(ObjectId(self.name, in_schema(name, nest.schema)), state, needs=frozenset(needs))

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: ForeignTableState = entry.state
        above = state.partition_of
        data = without_defaults(
            {
                "server": written_bare(state.server),
                "options": options_to(state.order or state.options),
                "partition_of": written_path(split_name(above), home) if above else None,
                "for_values": written_bound(state.bound),
                "inherits": [written_path(split_name(parent), home) for parent in state.inherits],
            }
        )
        return written_path(entry.id.path, home), data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: ForeignTableState = entry.state
        body = in_parentheses(clauses)
        parts = [f"CREATE FOREIGN TABLE {_relation(entry)}"]
        if state.partition_of:
            parts.append(f"PARTITION OF {state.partition_of}{body} {state.bound}")
        else:
            parts[0] += body or " ()"
        if state.inherits:
            parts.append(f"INHERITS ({', '.join(state.inherits)})")
        parts.append(f"SERVER {quote(state.server)}{options_clause(state.order or state.options)}")
        locks = on(state.partition_of) if state.partition_of else ()
        for parent in state.inherits:
            locks += on(parent, LockMode.SHARE_UPDATE_EXCLUSIVE)
        yield Statement(" ".join(parts), locks)

    def detach(self, old: Entry, new: Entry) -> Iterable[Statement]:
        return leave(old, new, "FOREIGN TABLE")

    def drop(self, entry: Entry) -> Iterable[Statement]:
        relation = _relation(entry)
        secrets = ", ".join(entry.state.secrets)
        lost = f"what only the database knows of it goes too: {secrets}"
        hazards = data_loss(entry.id, lost) if secrets else ()
        yield Statement(f"DROP FOREIGN TABLE {relation}", on(relation), hazards)

    def application_use(self, entry: Entry) -> str | None:
        return f"read foreign table {'.'.join(entry.id.path)}"

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("relation", *entry.id.path)
        yield ("type", *entry.id.path)
