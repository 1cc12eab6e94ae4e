"""Transforms between a type and a procedural language (manual: CREATE TRANSFORM)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core import routine_sql
from reconciler.core.address import address
from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, without_defaults
from reconciler.core.ident import ObjectId, quote, split_name
from reconciler.core.kind import Declared, Disturbance, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class TransformState:
    """Functions with their argument types; None: the language's own way."""

    from_sql: str | None = None
    to_sql: str | None = None


class TransformDocument(Document):
    """`transforms: {app.point for plpython3u: {from_sql: app.out(internal), to_sql: app.in(internal)}}`"""

    from_sql: str | None = None
    to_sql: str | None = None


def _create(entry: Entry, verb: str) -> Iterable[Statement]:
    state: TransformState = entry.state
    said = (("FROM SQL", state.from_sql), ("TO SQL", state.to_sql))
    inside = ", ".join(f"{word} WITH FUNCTION {function}" for word, function in said if function)
    yield Statement(f"{verb} {address(entry.id)} ({inside})")


class Transform(Kind[TransformState]):
    """A transform. Its path is `app.point LANGUAGE plpython3u`."""

    name = "transform"
    section = "transforms"
    state = TransformState
    document = TransformDocument
    rank = 19
    recreated_on = frozenset({Disturbance.RETYPED})
    resolve = (
        """
        SELECT """
        + routine_sql.TYPE
        + """ || ' LANGUAGE ' || m[2]
        FROM pg_catalog.regexp_match(%(name)s::text, '^(.*) LANGUAGE (.*?)$') AS m,
            LATERAL (SELECT pg_catalog.to_regtype(m[1])::oid) AS a (type)
        WHERE %(schema)s::text IS NOT NULL"""
    )
    rules: ClassVar[Mapping[str, Rule]] = {
        "from_sql": InPlace(lambda old, new: _create(new, "CREATE OR REPLACE")),
        "to_sql": InPlace(lambda old, new: _create(new, "CREATE OR REPLACE")),
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_transform/' || t.oid || '/0' AS address,
                ARRAY[pg_catalog.format_type(t.trftype, NULL) || ' LANGUAGE '
                    || pg_catalog.quote_ident(l.lanname)] AS path,
                CASE WHEN t.trffromsql <> 0 THEN t.trffromsql::pg_catalog.regprocedure::text END AS from_sql,
                CASE WHEN t.trftosql <> 0 THEN t.trftosql::pg_catalog.regprocedure::text END AS to_sql
            FROM pg_catalog.pg_transform t
            JOIN pg_catalog.pg_language l ON l.oid = t.trflang
            WHERE t.oid >= 16384
            ORDER BY 2"""

    def declare(self, name: str, document: TransformDocument, nest: Nest) -> Iterable[Declared]:
        place = name.lower().rfind(" for ")
        if place < 0:
            raise ValueError("a transform is called `type for language`")
        if document.from_sql is None and document.to_sql is None:
            raise ValueError("say from_sql, to_sql or both")
        path = f"{name[:place].strip()} LANGUAGE {quote(name[place + 5 :].strip())}"
        yield Declared(ObjectId("transform", (path,)), TransformState(document.from_sql, document.to_sql))

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        type, _, language = entry.id.path[0].rpartition(" LANGUAGE ")
        data = without_defaults({"from_sql": entry.state.from_sql, "to_sql": entry.state.to_sql})
        return f"{type} for {split_name(language)[0]}", data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        return _create(entry, "CREATE")

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP {address(entry.id)}")

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("transform", *entry.id.path)
