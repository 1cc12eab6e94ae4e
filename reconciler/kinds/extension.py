"""Extensions (manual: CREATE EXTENSION)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from pydantic import Field

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document
from reconciler.core.ident import ObjectId, quote, split_name
from reconciler.core.kind import Declared, Ignored, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Statement, application_break

_USUAL = {"plpgsql": "pg_catalog"}
"""Where an extension is when nobody says it; all others: public."""


@dataclass(frozen=True, slots=True)
class ExtensionState:
    """An extension; which version it is has an entry of its own (`extension_version`)."""

    schema: str = "public"
    """Where its objects live."""
    relocatable: bool = dataclasses.field(default=True, compare=False)
    scripted: bool = dataclasses.field(default=False, compare=False)
    """Whether it has functions whose body is text that finds what it names by the search_path."""


class ExtensionDocument(Document):
    """`extensions: {citext: {}, hstore: {schema: tools, version: "1.8"}}`; without a schema: public."""

    namespace: str | None = Field(default=None, alias="schema")


def _move(old: Entry, new: Entry) -> Iterable[Statement]:
    hazards = application_break(new.id, f"say {old.state.schema}. in front of its objects")
    sql = f"ALTER EXTENSION {quote(new.id.path[0])} SET SCHEMA {quote(new.state.schema)}"
    yield Statement(sql, hazards=hazards)


def _immovable(old: ExtensionState, new: ExtensionState) -> str | None:
    return None if old.relocatable else "the extension cannot be moved to another schema"


class Extension(Kind[ExtensionState]):
    """An extension. Its members belong to it and are no entries."""

    name = "extension"
    is_ambient = True
    is_local = True
    is_bound_to_database = True
    section = "extensions"
    state = ExtensionState
    document = ExtensionDocument
    rank = 5
    rules: ClassVar[Mapping[str, Rule]] = {
        "schema": InPlace(_move, unless=_immovable),
        "relocatable": Ignored("a fact about the extension"),
        "scripted": Ignored("a fact about the extension"),
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_extension/' || e.oid || '/0' AS address, ARRAY[e.extname]::text[] AS path,
                n.nspname::text AS schema, e.extrelocatable AS relocatable,
                EXISTS (
                    SELECT FROM pg_catalog.pg_depend d
                    JOIN pg_catalog.pg_proc p ON p.oid = d.objid
                    JOIN pg_catalog.pg_language l ON l.oid = p.prolang AND l.lanname NOT IN ('c', 'internal')
                    WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.deptype = 'e'
                        AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
                        AND d.refobjid = e.oid) AS scripted
            FROM pg_catalog.pg_extension e
            JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
            ORDER BY e.extname"""

    def declare(self, name: str, document: ExtensionDocument, nest: Nest) -> Iterable[Declared]:
        bare = _bare(name)
        schema = document.namespace or _USUAL.get(bare, "public")
        needs = frozenset({ObjectId("schema", (schema,))} if schema != "pg_catalog" else ())
        yield Declared(ObjectId("extension", (bare,)), ExtensionState(schema), needs=needs)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        name, schema = entry.id.path[0], entry.state.schema
        return name, {} if schema == _USUAL.get(name, "public") else {"schema": schema}

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        parts = [f"CREATE EXTENSION {quote(entry.id.path[0])} SCHEMA {quote(entry.state.schema)}", *clauses]
        yield Statement(" ".join(parts))

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP EXTENSION {quote(entry.id.path[0])}")

    def calls_by_name(self, entry: Entry) -> bool:
        return bool(entry.state.scripted)

    def application_use(self, entry: Entry) -> str | None:
        return f"use extension {entry.id.path[0]}"

    def built_in(self, entry: Entry) -> bool:
        return entry.id.path == ("plpgsql",) and bool(entry.state.schema == "pg_catalog")


def _bare(name: str) -> str:
    # Extensions are called uuid-ossp and the like; a dot would be part of the name.
    return split_name(name)[0] if name.startswith('"') else name
