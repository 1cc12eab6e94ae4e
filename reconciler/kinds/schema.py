"""Schemas (manual: CREATE SCHEMA)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document
from reconciler.core.ident import ObjectId, bare_name, quote, written_bare
from reconciler.core.kind import Declared, Kind, Nest, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class SchemaState:
    """A schema has no attributes of its own; comment, owner and grants are facets."""


class SchemaDocument(Document):
    """`schemas: {app: {}}`"""


class Schema(Kind[SchemaState]):
    """A namespace. `public` exists in every database, so it may stay undeclared."""

    name = "schema"
    is_namespace = True
    is_ambient = True
    is_local = True
    section = "schemas"
    state = SchemaState
    document = SchemaDocument
    rank = 0
    rules: ClassVar[Mapping[str, Rule]] = {}

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_namespace/' || n.oid || '/0' AS address, ARRAY[n.nspname::text] AS path
            FROM pg_catalog.pg_namespace n
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY n.nspname"""

    def declare(self, name: str, document: Any, nest: Nest) -> Iterable[Declared]:
        yield Declared(ObjectId("schema", (bare_name(name),)), SchemaState())

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return written_bare(entry.id.path[0]), {}

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        yield Statement(f"CREATE SCHEMA {quote(entry.id.path[0])}")

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP SCHEMA {quote(entry.id.path[0])}")

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("schema", *entry.id.path)

    def built_in(self, entry: Entry) -> bool:
        return entry.id.path == ("public",)
