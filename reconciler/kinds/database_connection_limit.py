"""How many connections the database allows at once (manual: ALTER DATABASE ... CONNECTION LIMIT)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, LiteralString

from pydantic import Field

from reconciler.core.catalog import Entry
from reconciler.core.current_database import with_name
from reconciler.core.dataclass import dataclass
from reconciler.core.kind import Declared, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Hazard, HazardCode, Statement


@dataclass(frozen=True, slots=True)
class ConnectionLimitState:
    """The limit."""

    limit: int = -1
    """-1: as many as the server allows."""


def _set(entry: Entry, limit: int, before: int) -> Iterable[Statement]:
    is_less = limit != -1 and (before == -1 or limit < before)
    message = f"the database refuses connections beyond {limit}"
    hazards = (Hazard(HazardCode.APPLICATION_BREAK, entry.id, message),) if is_less else ()
    yield Statement(with_name("ALTER DATABASE", f"CONNECTION LIMIT {limit}"), hazards=hazards)


class DatabaseConnectionLimit(Kind[ConnectionLimitState]):
    """The most connections at once: `connection_limit: 50`; -1 for as many as the server allows.

    Superusers are not counted.
    """

    name = "database_connection_limit"
    section = "connection_limit"
    parents = ("database",)
    singleton = True
    state = ConnectionLimitState
    document = Annotated[int, Field(ge=-1)]
    rank = 83
    elaborated = False
    is_shared = True
    is_opt_in = True
    rules: ClassVar[Mapping[str, Rule]] = {
        "limit": InPlace(lambda old, new: _set(new, new.state.limit, old.state.limit))
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'database_connection_limit.pg_database/' || d.oid || '/0' AS address,
                'pg_database/' || d.oid || '/0' AS parent, ARRAY['current'] AS path,
                d.datconnlimit AS "limit"
            FROM pg_catalog.pg_database d
            WHERE d.datname = pg_catalog.current_database()
            ORDER BY 1"""

    def declare(self, name: str, document: int, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        id = nest.parent.child("database_connection_limit")
        yield Declared(id, ConnectionLimitState(document), nest.parent)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return "connection_limit", entry.state.limit

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        return _set(entry, entry.state.limit, -1)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        return _set(entry, -1, entry.state.limit)

    def label(self, entry: Entry) -> str:
        return "connection limit of the database"

    def built_in(self, entry: Entry) -> bool:
        return bool(entry.state.limit == -1)
