"""Conversions between encodings (manual: CREATE CONVERSION)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, ClassVar, LiteralString

from pydantic import Field

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document
from reconciler.core.ident import ObjectId, in_schema, literal, qualified, written_path
from reconciler.core.kind import Declared, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class ConversionState:
    """How text in one encoding becomes text in another; encodings are as pg_encoding_to_char writes them."""

    source: str
    target: str
    function: str
    default: bool = False


class ConversionDocument(Document):
    """`conversions: {latin: {for: LATIN1, to: UTF8, function: iso8859_1_to_utf8}}`"""

    source: str = Field(alias="for")
    target: str = Field(alias="to")
    function: str
    default: bool = False


class Conversion(Kind[ConversionState]):
    """A conversion."""

    name = "conversion"
    section = "conversions"
    state = ConversionState
    document = ConversionDocument
    rank = 25
    rules: ClassVar[Mapping[str, Rule]] = {
        field.name: Recreate("a conversion cannot be altered") for field in fields(ConversionState)
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_conversion/' || c.oid || '/0' AS address, ARRAY[n.nspname, c.conname]::text[] AS path,
                pg_catalog.pg_encoding_to_char(c.conforencoding)::text AS source,
                pg_catalog.pg_encoding_to_char(c.contoencoding)::text AS target,
                c.conproc::pg_catalog.regproc::text AS function, c.condefault AS "default"
            FROM pg_catalog.pg_conversion c
            JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY 2"""

    def declare(self, name: str, document: ConversionDocument, nest: Nest) -> Iterable[Declared]:
        state = ConversionState(document.source, document.target, document.function, document.default)
        yield Declared(ObjectId("conversion", in_schema(name, nest.schema)), state)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: ConversionState = entry.state
        data: dict[str, Any] = {"for": state.source, "to": state.target, "function": state.function}
        if state.default:
            data["default"] = True
        return written_path(entry.id.path, home), data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: ConversionState = entry.state
        yield Statement(
            f"CREATE {'DEFAULT ' if state.default else ''}CONVERSION {qualified(*entry.id.path)}"
            f" FOR {literal(state.source)} TO {literal(state.target)} FROM {state.function}"
        )

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP CONVERSION {qualified(*entry.id.path)}")

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("conversion", *entry.id.path)
