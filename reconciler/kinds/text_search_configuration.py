"""Text search configurations (manual: CREATE TEXT SEARCH CONFIGURATION)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Names
from reconciler.core.ident import ObjectId, in_schema, qualified, quote, written_path
from reconciler.core.kind import Declared, InPlace, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Statement

_DEFAULT = '"default"'
"""PostgreSQL's own parser."""


@dataclass(frozen=True, slots=True)
class TextSearchConfigurationState:
    """A parser, and which dictionaries see each type of token."""

    parser: str = _DEFAULT
    """As SQL writes it."""
    mappings: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Token type and dictionaries in order, as SQL writes them; sorted by token type."""


class TextSearchConfigurationDocument(Document):
    """`text_search_configurations: {mine: {mappings: {asciiword: [app.synonyms, english_stem]}}}`"""

    parser: str = _DEFAULT
    mappings: dict[str, Names] = {}


def _alter(entry: Entry, action: str) -> Statement:
    return Statement(f"ALTER TEXT SEARCH CONFIGURATION {qualified(*entry.id.path)} {action}")


def _by_dictionaries(mappings: Mapping[str, tuple[str, ...]]) -> Mapping[tuple[str, ...], list[str]]:
    """Token types that the same dictionaries see, together."""
    found: dict[tuple[str, ...], list[str]] = {}
    for token, dictionaries in mappings.items():
        found.setdefault(dictionaries, []).append(quote(token))
    return found


def _mappings(old: Entry | None, new: Entry) -> Iterable[Statement]:
    before = dict(old.state.mappings) if old else {}
    after = dict(new.state.mappings)
    gone = [quote(token) for token in before if token not in after]
    if gone:
        yield _alter(new, f"DROP MAPPING FOR {', '.join(gone)}")
    for verb in ("ALTER", "ADD"):
        some = {
            token: said
            for token, said in after.items()
            if before.get(token) != said and (token in before) == (verb == "ALTER")
        }
        for dictionaries, tokens in _by_dictionaries(some).items():
            yield _alter(new, f"{verb} MAPPING FOR {', '.join(tokens)} WITH {', '.join(dictionaries)}")


class TextSearchConfiguration(Kind[TextSearchConfigurationState]):
    """A configuration."""

    name = "text_search_configuration"
    section = "text_search_configurations"
    state = TextSearchConfigurationState
    document = TextSearchConfigurationDocument
    rank = 23
    rules: ClassVar[Mapping[str, Rule]] = {
        "parser": Recreate("the parser of a text search configuration cannot be altered"),
        "mappings": InPlace(_mappings),
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_ts_config/' || c.oid || '/0' AS address, ARRAY[n.nspname, c.cfgname]::text[] AS path,
                CASE pn.nspname WHEN 'pg_catalog' THEN '' ELSE pg_catalog.quote_ident(pn.nspname) || '.' END
                    || pg_catalog.quote_ident(p.prsname) AS parser,
                coalesce((
                    SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(t.alias, m.dictionaries)
                        ORDER BY t.alias COLLATE "C")
                    FROM (
                        SELECT a.maptokentype AS token, pg_catalog.jsonb_agg(
                            a.mapdict::pg_catalog.regdictionary::text ORDER BY a.mapseqno) AS dictionaries
                        FROM pg_catalog.pg_ts_config_map a WHERE a.mapcfg = c.oid GROUP BY 1) AS m
                    JOIN pg_catalog.ts_token_type(c.cfgparser) AS t ON t.tokid = m.token), '[]') AS mappings
            FROM pg_catalog.pg_ts_config c
            JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace
            JOIN pg_catalog.pg_ts_parser p ON p.oid = c.cfgparser
            JOIN pg_catalog.pg_namespace pn ON pn.oid = p.prsnamespace
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY 2"""

    def declare(self, name: str, document: TextSearchConfigurationDocument, nest: Nest) -> Iterable[Declared]:
        id = ObjectId("text_search_configuration", in_schema(name, nest.schema))
        mappings = tuple(sorted(document.mappings.items()))
        yield Declared(id, TextSearchConfigurationState(document.parser, mappings))

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: TextSearchConfigurationState = entry.state
        data: dict[str, Any] = {} if state.parser == _DEFAULT else {"parser": state.parser}
        if state.mappings:
            data["mappings"] = {token: list(dictionaries) for token, dictionaries in state.mappings}
        return written_path(entry.id.path, home), data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        name = qualified(*entry.id.path)
        yield Statement(f"CREATE TEXT SEARCH CONFIGURATION {name} (PARSER = {entry.state.parser})")
        yield from _mappings(None, entry)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP TEXT SEARCH CONFIGURATION {qualified(*entry.id.path)}")

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("text_search_configuration", *entry.id.path)
