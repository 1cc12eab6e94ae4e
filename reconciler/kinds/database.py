"""The database itself (manual: ALTER DATABASE): what can be said of it hangs on it, and is managed only where
it is declared.

Its name is nowhere: the same schema can be that of many databases.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.current_database import ID, KIND
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document
from reconciler.core.kind import Declared, Kind, Nest, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """It has no attributes of its own; each has an entry."""


class DatabaseDocument(Document):
    """`database: {connection_limit: 50, settings: {timezone: UTC}, comment: Orders.}`"""


class Database(Kind[DatabaseState]):
    """The database. What is not said of it is left as it is."""

    name = KIND
    section = "database"
    singleton = True
    state = DatabaseState
    document = DatabaseDocument
    rank = 3
    elaborated = False
    is_shared = True
    is_opt_in = True
    rules: ClassVar[Mapping[str, Rule]] = {}

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_database/' || d.oid || '/0' AS address, ARRAY['current'] AS path
            FROM pg_catalog.pg_database d
            WHERE d.datname = pg_catalog.current_database()
            ORDER BY 1"""

    def declare(self, name: str, document: Any, nest: Nest) -> Iterable[Declared]:
        yield Declared(ID, DatabaseState())

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return "database", {}

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        return ()  # a plan is carried out in it

    def drop(self, entry: Entry) -> Iterable[Statement]:
        return ()

    def label(self, entry: Entry) -> str:
        return "the database"

    def built_in(self, entry: Entry) -> bool:
        return True
