"""Procedural languages that no extension brings (manual: CREATE LANGUAGE)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, without_defaults
from reconciler.core.ident import ObjectId, bare_name, quote, written_bare
from reconciler.core.kind import Declared, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class LanguageState:
    """Names of functions as SQL writes them."""

    handler: str
    inline: str | None = None
    validator: str | None = None
    trusted: bool = False


class LanguageDocument(Document):
    """`languages: {plsample: {handler: app.plsample_call_handler, trusted: true}}`"""

    handler: str
    inline: str | None = None
    validator: str | None = None
    trusted: bool = False


def _create(entry: Entry, verb: str = "CREATE") -> Iterable[Statement]:
    state: LanguageState = entry.state
    trusted = " TRUSTED" if state.trusted else ""
    parts = [f"{verb}{trusted} LANGUAGE {quote(entry.id.path[0])} HANDLER {state.handler}"]
    if state.inline:
        parts.append(f"INLINE {state.inline}")
    if state.validator:
        parts.append(f"VALIDATOR {state.validator}")
    yield Statement(" ".join(parts))


def _replace(old: Entry, new: Entry) -> Iterable[Statement]:
    return _create(new, "CREATE OR REPLACE")


class Language(Kind[LanguageState]):
    """A language."""

    name = "language"
    section = "languages"
    state = LanguageState
    document = LanguageDocument
    rank = 18
    rules: ClassVar[Mapping[str, Rule]] = {
        "handler": InPlace(_replace),
        "inline": InPlace(_replace),
        "validator": InPlace(_replace),
        "trusted": InPlace(_replace),
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_language/' || l.oid || '/0' AS address, ARRAY[l.lanname::text] AS path,
                l.lanplcallfoid::pg_catalog.regproc::text AS handler,
                nullif(l.laninline::pg_catalog.regproc::text, '-') AS inline,
                nullif(l.lanvalidator::pg_catalog.regproc::text, '-') AS validator,
                l.lanpltrusted AS trusted
            FROM pg_catalog.pg_language l
            WHERE l.oid >= 16384
            ORDER BY l.lanname"""

    def declare(self, name: str, document: LanguageDocument, nest: Nest) -> Iterable[Declared]:
        state = LanguageState(document.handler, document.inline, document.validator, document.trusted)
        yield Declared(ObjectId("language", (bare_name(name),)), state)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: LanguageState = entry.state
        data = without_defaults(
            {
                "handler": state.handler,
                "inline": state.inline,
                "validator": state.validator,
                "trusted": state.trusted,
            }
        )
        return written_bare(entry.id.path[0]), data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        return _create(entry)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP LANGUAGE {quote(entry.id.path[0])}")

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("language", *entry.id.path)
