"""Text search parsers (manual: CREATE TEXT SEARCH PARSER)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, without_defaults
from reconciler.core.ident import ObjectId, in_schema, qualified, written_path
from reconciler.core.kind import Declared, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class TextSearchParserState:
    """Names of functions as SQL writes them."""

    start: str
    gettoken: str
    end: str
    lextypes: str
    headline: str | None = None


class TextSearchParserDocument(Document):
    """`text_search_parsers: {mine: {start: prsd_start, gettoken: prsd_nexttoken, end: prsd_end,
    lextypes: prsd_lextype}}`"""

    start: str
    gettoken: str
    end: str
    lextypes: str
    headline: str | None = None


_PARAMETERS = tuple(field.name for field in fields(TextSearchParserState))


class TextSearchParser(Kind[TextSearchParserState]):
    """A parser."""

    name = "text_search_parser"
    section = "text_search_parsers"
    state = TextSearchParserState
    document = TextSearchParserDocument
    rank = 21
    rules: ClassVar[Mapping[str, Rule]] = {
        name: Recreate("a text search parser cannot be altered") for name in _PARAMETERS
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_ts_parser/' || p.oid || '/0' AS address, ARRAY[n.nspname, p.prsname]::text[] AS path,
                p.prsstart::pg_catalog.regproc::text AS start,
                p.prstoken::pg_catalog.regproc::text AS gettoken,
                p.prsend::pg_catalog.regproc::text AS "end",
                p.prslextype::pg_catalog.regproc::text AS lextypes,
                nullif(p.prsheadline::pg_catalog.regproc::text, '-') AS headline
            FROM pg_catalog.pg_ts_parser p
            JOIN pg_catalog.pg_namespace n ON n.oid = p.prsnamespace
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY 2"""

    def declare(self, name: str, document: TextSearchParserDocument, nest: Nest) -> Iterable[Declared]:
        said = {parameter: getattr(document, parameter) for parameter in _PARAMETERS}
        id = ObjectId("text_search_parser", in_schema(name, nest.schema))
        yield Declared(id, TextSearchParserState(**said))

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        data = without_defaults({name: getattr(entry.state, name) for name in _PARAMETERS})
        return written_path(entry.id.path, home), data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        said = ((name.upper(), getattr(entry.state, name)) for name in _PARAMETERS)
        inside = ", ".join(f"{name} = {function}" for name, function in said if function)
        yield Statement(f"CREATE TEXT SEARCH PARSER {qualified(*entry.id.path)} ({inside})")

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP TEXT SEARCH PARSER {qualified(*entry.id.path)}")

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("text_search_parser", *entry.id.path)
