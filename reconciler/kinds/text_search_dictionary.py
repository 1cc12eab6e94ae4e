"""Text search dictionaries (manual: CREATE TEXT SEARCH DICTIONARY)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document
from reconciler.core.ident import ObjectId, in_schema, literal, qualified, quote, written_path
from reconciler.core.kind import Declared, InPlace, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Statement

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?\Z")


@dataclass(frozen=True, slots=True)
class TextSearchDictionaryState:
    """A template with its options."""

    template: str
    """As SQL writes it: `snowball`, `app.mine`."""
    options: tuple[str, ...] = ()
    """`name=value` in order, the value as SQL has it (`stopwords='english'`, `maxlen=5`)."""


class TextSearchDictionaryDocument(Document):
    """`text_search_dictionaries: {german: {template: snowball, options: {language: german}}}`"""

    template: str
    options: dict[str, str | int | float | bool] = {}


def _options_sql(options: Iterable[str]) -> list[str]:
    split = (option.partition("=") for option in options)
    return [f"{quote(name)} = {value}" for name, _, value in split]


def _options(old: Entry, new: Entry) -> Iterable[Statement]:
    before, after = (
        {option.partition("=")[0]: option for option in entry.state.options} for entry in (old, new)
    )
    said = _options_sql(option for name, option in after.items() if before.get(name) != option)
    said += [quote(name) for name in before if name not in after]
    if said:
        yield Statement(f"ALTER TEXT SEARCH DICTIONARY {qualified(*new.id.path)} ({', '.join(said)})")


def _sql_value(value: str | int | float | bool) -> str:
    if isinstance(value, bool):
        return literal("true" if value else "false")
    return literal(value) if isinstance(value, str) else repr(value)


def _plain_value(value: str) -> str | int | float:
    if _NUMBER.match(value):
        return float(value) if "." in value else int(value)
    escaped = value.startswith("E'")
    text = value[2 if escaped else 1 : -1].replace("''", "'")
    return text.replace("\\\\", "\\") if escaped else text


class TextSearchDictionary(Kind[TextSearchDictionaryState]):
    """A dictionary."""

    name = "text_search_dictionary"
    section = "text_search_dictionaries"
    state = TextSearchDictionaryState
    document = TextSearchDictionaryDocument
    rank = 22
    rules: ClassVar[Mapping[str, Rule]] = {
        "template": Recreate("the template of a dictionary cannot be altered"),
        "options": InPlace(_options),
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_ts_dict/' || d.oid || '/0' AS address, ARRAY[n.nspname, d.dictname]::text[] AS path,
                CASE tn.nspname WHEN 'pg_catalog' THEN '' ELSE pg_catalog.quote_ident(tn.nspname) || '.' END
                    || pg_catalog.quote_ident(t.tmplname) AS template,
                ARRAY(
                    SELECT CASE WHEN pg_catalog.starts_with(m[1], '"') THEN pg_catalog.replace(
                            pg_catalog.substr(m[1], 2, pg_catalog.length(m[1]) - 2), '""', '"')
                        ELSE m[1] END || '=' || m[2]
                    FROM pg_catalog.regexp_matches(d.dictinitoption,
                        '("(?:[^"]|"")*"|[^" =,]+) = (E?''(?:[^'']|'''')*''|[^,]+)', 'g') AS m) AS options
            FROM pg_catalog.pg_ts_dict d
            JOIN pg_catalog.pg_namespace n ON n.oid = d.dictnamespace
            JOIN pg_catalog.pg_ts_template t ON t.oid = d.dicttemplate
            JOIN pg_catalog.pg_namespace tn ON tn.oid = t.tmplnamespace
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY 2"""

    def declare(self, name: str, document: TextSearchDictionaryDocument, nest: Nest) -> Iterable[Declared]:
        options = tuple(f"{option}={_sql_value(value)}" for option, value in document.options.items())
        id = ObjectId("text_search_dictionary", in_schema(name, nest.schema))
        yield Declared(id, TextSearchDictionaryState(document.template, options))

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: TextSearchDictionaryState = entry.state
        data: dict[str, Any] = {"template": state.template}
        if state.options:
            split = (option.partition("=") for option in state.options)
            data["options"] = {name: _plain_value(value) for name, _, value in split}
        return written_path(entry.id.path, home), data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: TextSearchDictionaryState = entry.state
        inside = ", ".join([f"TEMPLATE = {state.template}", *_options_sql(state.options)])
        yield Statement(f"CREATE TEXT SEARCH DICTIONARY {qualified(*entry.id.path)} ({inside})")

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP TEXT SEARCH DICTIONARY {qualified(*entry.id.path)}")

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("text_search_dictionary", *entry.id.path)
