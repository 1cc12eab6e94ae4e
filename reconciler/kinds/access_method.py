"""Access methods (manual: CREATE ACCESS METHOD)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document
from reconciler.core.ident import ObjectId, bare_name, quote, written_bare
from reconciler.core.kind import Declared, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class AccessMethodState:
    """How tables or indexes are stored."""

    type: str
    """table or index."""
    handler: str


class AccessMethodDocument(Document):
    """`access_methods: {heap2: {type: table, handler: heap_tableam_handler}}`"""

    type: Literal["table", "index"]
    handler: str


class AccessMethod(Kind[AccessMethodState]):
    """An access method."""

    name = "access_method"
    section = "access_methods"
    state = AccessMethodState
    document = AccessMethodDocument
    rank = 21
    rules: ClassVar[Mapping[str, Rule]] = {
        "type": Recreate("an access method cannot be altered"),
        "handler": Recreate("an access method cannot be altered"),
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_am/' || a.oid || '/0' AS address, ARRAY[a.amname::text] AS path,
                CASE a.amtype WHEN 't' THEN 'table' ELSE 'index' END AS type,
                a.amhandler::pg_catalog.regproc::text AS handler
            FROM pg_catalog.pg_am a
            WHERE a.oid >= 16384
            ORDER BY a.amname"""

    def declare(self, name: str, document: AccessMethodDocument, nest: Nest) -> Iterable[Declared]:
        state = AccessMethodState(document.type, document.handler)
        yield Declared(ObjectId("access_method", (bare_name(name),)), state)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: AccessMethodState = entry.state
        return written_bare(entry.id.path[0]), {"type": state.type, "handler": state.handler}

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: AccessMethodState = entry.state
        name = quote(entry.id.path[0])
        yield Statement(f"CREATE ACCESS METHOD {name} TYPE {state.type.upper()} HANDLER {state.handler}")

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP ACCESS METHOD {quote(entry.id.path[0])}")

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("access_method", *entry.id.path)
