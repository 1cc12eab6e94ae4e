"""Collations (manual: CREATE COLLATION)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal, LiteralString

from reconciler.core.aside import Superseded
from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document
from reconciler.core.ident import ObjectId, in_schema, literal, qualified, written_path
from reconciler.core.kind import Declared, Nest, Recreate, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class CollationState:
    """A collation. Its version is a fact about the library of the server, not about the schema."""

    provider: str = "libc"
    """`libc`, `icu` or `builtin` (17)."""
    locale: str | None = None
    lc_collate: str | None = None
    """Of libc, where it is not the same as lc_ctype; else `locale` says both."""
    lc_ctype: str | None = None
    deterministic: bool = True
    rules: str | None = None
    """Of ICU (16)."""


class CollationDocument(Document):
    """`collations: {german: {provider: icu, locale: de-u-co-phonebk}}`"""

    provider: Literal["libc", "icu", "builtin"] = "libc"
    locale: str | None = None
    lc_collate: str | None = None
    lc_ctype: str | None = None
    deterministic: bool = True
    rules: str | None = None


_WHY = "a collation cannot be altered"


class Collation(Superseded[CollationState]):
    """A collation; one of the same name for another encoding than the database's does not count.

    Columns move over to a new one: dropping them for its sake would lose their values.
    """

    name = "collation"
    is_ambient = True
    word = "COLLATION"
    section = "collations"
    state = CollationState
    document = CollationDocument
    rank = 8
    rules: ClassVar[Mapping[str, Rule]] = {
        "provider": Recreate(_WHY),
        "locale": Recreate(_WHY),
        "lc_collate": Recreate(_WHY),
        "lc_ctype": Recreate(_WHY),
        "deterministic": Recreate(_WHY),
        "rules": Recreate(_WHY),
    }

    def query(self, major: int) -> LiteralString:
        locale: LiteralString = (
            "o.colllocale" if major >= 17 else "o.colliculocale" if major >= 15
            else "CASE WHEN o.collprovider = 'i' THEN o.collcollate::text END"
        )  # fmt: skip
        rules: LiteralString = "o.collicurules" if major >= 16 else "NULL::text"
        return (
            """
            SELECT 'pg_collation/' || o.oid || '/0' AS address, ARRAY[n.nspname, o.collname]::text[] AS path,
                CASE o.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END AS provider,
                CASE WHEN o.collprovider <> 'c' THEN """ + locale + """
                    WHEN o.collcollate = o.collctype THEN o.collcollate::text END AS locale,
                CASE WHEN o.collprovider = 'c' AND o.collcollate <> o.collctype
                    THEN o.collcollate::text END AS lc_collate,
                CASE WHEN o.collprovider = 'c' AND o.collcollate <> o.collctype
                    THEN o.collctype::text END AS lc_ctype,
                o.collisdeterministic AS deterministic,
                """ + rules + """ AS rules
            FROM pg_catalog.pg_collation o
            JOIN pg_catalog.pg_namespace n ON n.oid = o.collnamespace
            JOIN pg_catalog.pg_database b ON b.datname = pg_catalog.current_database()
            WHERE o.collprovider IN ('c', 'i', 'b') AND o.collencoding IN (-1, b.encoding)
                AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY n.nspname, o.collname"""
        )  # fmt: skip

    def declare(self, name: str, document: CollationDocument, nest: Nest) -> Iterable[Declared]:
        halves = (document.lc_collate, document.lc_ctype)
        if document.locale is None and None in halves:
            raise ValueError("a collation needs `locale`, or both `lc_collate` and `lc_ctype`")
        if document.locale is not None and halves != (None, None):
            raise ValueError("`locale` says both `lc_collate` and `lc_ctype`: leave them out")
        if document.provider != "libc" and document.locale is None:
            raise ValueError(f"a collation of {document.provider} has one `locale`")
        one = halves[0] == halves[1]
        state = CollationState(
            provider=document.provider,
            locale=halves[0] if document.locale is None and one else document.locale,
            lc_collate=None if one else halves[0],
            lc_ctype=None if one else halves[1],
            deterministic=document.deterministic,
            rules=document.rules,
        )
        yield Declared(ObjectId("collation", in_schema(name, nest.schema)), state)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: CollationState = entry.state
        said = {
            "provider": state.provider if state.provider != "libc" else None,
            "locale": state.locale,
            "lc_collate": state.lc_collate,
            "lc_ctype": state.lc_ctype,
            "deterministic": None if state.deterministic else False,
            "rules": state.rules,
        }
        data = {key: value for key, value in said.items() if value is not None}
        return written_path(entry.id.path, home), data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: CollationState = entry.state
        parts = [f"provider = {state.provider}"]
        for name in ("locale", "lc_collate", "lc_ctype", "rules"):
            value = getattr(state, name)
            if value is not None:
                parts.append(f"{name} = {literal(value)}")
        if not state.deterministic:
            parts.append("deterministic = false")
        yield Statement(f"CREATE COLLATION {qualified(*entry.id.path)} ({', '.join(parts)})")

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("collation", *entry.id.path)
