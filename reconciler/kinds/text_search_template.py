"""Text search templates (manual: CREATE TEXT SEARCH TEMPLATE)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, without_defaults
from reconciler.core.ident import ObjectId, in_schema, qualified, written_path
from reconciler.core.kind import Declared, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class TextSearchTemplateState:
    """Names of functions as SQL writes them."""

    lexize: str
    init: str | None = None


class TextSearchTemplateDocument(Document):
    """`text_search_templates: {mine: {lexize: dsimple_lexize, init: dsimple_init}}`"""

    lexize: str
    init: str | None = None


class TextSearchTemplate(Kind[TextSearchTemplateState]):
    """A template."""

    name = "text_search_template"
    section = "text_search_templates"
    state = TextSearchTemplateState
    document = TextSearchTemplateDocument
    rank = 21
    rules: ClassVar[Mapping[str, Rule]] = {
        "lexize": Recreate("a text search template cannot be altered"),
        "init": Recreate("a text search template cannot be altered"),
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_ts_template/' || t.oid || '/0' AS address,
                ARRAY[n.nspname, t.tmplname]::text[] AS path,
                t.tmpllexize::pg_catalog.regproc::text AS lexize,
                nullif(t.tmplinit::pg_catalog.regproc::text, '-') AS init
            FROM pg_catalog.pg_ts_template t
            JOIN pg_catalog.pg_namespace n ON n.oid = t.tmplnamespace
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY 2"""

    def declare(self, name: str, document: TextSearchTemplateDocument, nest: Nest) -> Iterable[Declared]:
        id = ObjectId("text_search_template", in_schema(name, nest.schema))
        yield Declared(id, TextSearchTemplateState(document.lexize, document.init))

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        data = without_defaults({"lexize": entry.state.lexize, "init": entry.state.init})
        return written_path(entry.id.path, home), data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: TextSearchTemplateState = entry.state
        init = f"INIT = {state.init}, " if state.init else ""
        name = qualified(*entry.id.path)
        yield Statement(f"CREATE TEXT SEARCH TEMPLATE {name} ({init}LEXIZE = {state.lexize})")

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP TEXT SEARCH TEMPLATE {qualified(*entry.id.path)}")

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("text_search_template", *entry.id.path)
