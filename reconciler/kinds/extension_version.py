"""Which version of an extension is wanted (manual: ALTER EXTENSION ... UPDATE).

An entry of its own, so that an extension without `version:` is right in whichever version it is, while a
version that somebody names is held: it enters CREATE EXTENSION, and leads to an update where it differs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.address import facet_of
from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Blocked
from reconciler.core.ident import literal, quote
from reconciler.core.kind import Declared, Ignored, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Hazard, HazardCode, Statement


@dataclass(frozen=True, slots=True)
class ExtensionVersionState:
    """A version's name, which need not be a number."""

    version: str
    usual: bool = dataclasses.field(default=True, compare=False)
    """False where CREATE EXTENSION alone would make another one, so that a pull says it."""


_HAD: LiteralString = """
    SELECT CASE WHEN NOT v.is_had THEN coalesce(v.all, 'no version of it') END
    FROM (
        SELECT pg_catalog.bool_or(a.version = %(version)s) IS TRUE AS is_had,
            pg_catalog.string_agg(a.version, ', ' ORDER BY a.version) AS all
        FROM pg_catalog.pg_available_extension_versions() a WHERE a.name = %(name)s) AS v"""

_REACHED: LiteralString = """
    SELECT CASE WHEN NOT v.is_had THEN coalesce(v.all, 'no other version') END
    FROM (
        SELECT pg_catalog.bool_or(u.target = %(version)s) IS TRUE AS is_had,
            pg_catalog.string_agg(u.target, ', ' ORDER BY u.target) AS all
        FROM pg_catalog.pg_extension_update_paths(%(name)s) u
        WHERE u.source = %(from)s AND u.path IS NOT NULL) AS v"""


def _update(entry: Entry) -> Iterable[Statement]:
    name = facet_of(entry.id).path[0]
    message = "PostgreSQL refuses it where the extension has no update script from the present version"
    hazards = (Hazard(HazardCode.MAY_FAIL, entry.id, message),)
    sql = f"ALTER EXTENSION {quote(name)} UPDATE TO {literal(entry.state.version)}"
    yield Statement(sql, hazards=hazards)


class ExtensionVersion(Kind[ExtensionVersionState]):
    """The version of an extension. Undeclared it says nothing: no statement ever follows from it."""

    name = "extension_version"
    is_ambient = True
    section = "version"
    parents = ("extension",)
    singleton = True
    state = ExtensionVersionState
    document = str
    rank = 6
    folds_into = ("extension",)
    is_facet = True
    elaborated = False
    enquires_when_new = True
    rules: ClassVar[Mapping[str, Rule]] = {
        "version": InPlace(lambda old, new: _update(new)),
        "usual": Ignored("a fact about the server"),
    }
    unusual = """
        SELECT ARRAY['extension', e.extname]::text[]
        FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_available_extensions() a ON a.name = e.extname
        WHERE e.extversion <> a.default_version AND EXISTS (
            SELECT FROM pg_catalog.pg_available_extension_versions() v
            WHERE v.name = e.extname AND v.version = e.extversion)"""

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'extension_version/' || e.oid || '/0' AS address,
                'pg_extension/' || e.oid || '/0' AS parent,
                e.extversion AS version
            FROM pg_catalog.pg_extension e
            ORDER BY e.extname"""

    def declare(self, name: str, document: str, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        yield Declared(nest.parent.facet("extension_version"), ExtensionVersionState(document), nest.parent)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        return "version", entry.state.version

    def clause(self, entry: Entry, clauses: Sequence[str] = ()) -> str:
        return f"VERSION {literal(entry.state.version)}"

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        return _update(entry)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        return ()

    def label(self, entry: Entry) -> str:
        return f"version of extension {facet_of(entry.id).path[0]}"

    def built_in(self, entry: Entry) -> bool:
        return bool(entry.state.usual)

    def server_query(self, old: Entry | None, new: Entry) -> tuple[LiteralString, Mapping[str, str]] | None:
        names = {"name": facet_of(new.id).path[0], "version": new.state.version}
        return (_REACHED, {**names, "from": old.state.version}) if old else (_HAD, names)

    def with_server_answer(self, new: Entry, answer: str | None) -> Entry:
        if answer is None:
            return new
        name, version = facet_of(new.id).path[0], new.state.version
        raise Blocked(
            f"version {version} of extension {name} cannot be had: the server has no script that leads there",
            hint=f"it has scripts for {answer}: declare one of these, or install the other on the server",
        )
