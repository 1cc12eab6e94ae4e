"""Materialized views (manual: CREATE MATERIALIZED VIEW, ALTER MATERIALIZED VIEW)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, LiteralString

from pydantic import BeforeValidator, Field

from reconciler.core import viewtext
from reconciler.core.attribute_options import SAID_OPTION
from reconciler.core.catalog import Entry
from reconciler.core.fragment import (
    Document,
    Names,
    Option,
    as_given,
    options_from,
    options_in_order,
    options_sql,
    options_to,
    without_defaults,
)
from reconciler.core.ident import ObjectId, in_schema, qualified, quote, written_path
from reconciler.core.kind import Declared, Ignored, InPlace, Nest, Recreate, Rule
from reconciler.core.statement import Cost, LockMode, Statement, on
from reconciler.kinds.materialized_view.column_settings import (
    ColumnSettingsDocument,
    alter,
    set_column_settings,
    set_storage,
    settings_from,
    storage_from,
    why_storage_stays,
    written_settings,
)
from reconciler.kinds.materialized_view.state import MaterializedViewState


class MaterializedViewDocument(Document):
    """`materialized_views: {totals: {query: SELECT ...}}`; a bare string is the query."""

    query: str
    columns: Names = ()
    with_data: bool = True
    options: dict[str, Option] = Field(default_factory=dict)
    access_method: str | None = None
    tablespace: str | None = None
    column_settings: dict[str, ColumnSettingsDocument] = Field(default_factory=dict)


def _with_data(old: Entry, new: Entry) -> Iterable[Statement]:
    relation = qualified(*new.id.path)
    populated = new.state.with_data
    suffix, cost = ("", Cost.BUILD) if populated else (" WITH NO DATA", Cost.INSTANT)
    yield Statement(f"REFRESH MATERIALIZED VIEW {relation}{suffix}", on(relation), cost=cost)


def _options(old: Entry, new: Entry) -> Iterable[Statement]:
    return viewtext.set_options("MATERIALIZED VIEW", old, new, LockMode.SHARE_UPDATE_EXCLUSIVE)


def _tablespace(old: Entry, new: Entry) -> Iterable[Statement]:
    yield alter(new, f"SET TABLESPACE {quote(new.state.tablespace or 'pg_default')}", cost=Cost.REWRITE)


class MaterializedView(viewtext.QueriedRelation[MaterializedViewState]):
    """A materialized view. Its rows come from its query, so that dropping it loses nothing."""

    name = "materialized_view"
    text_name_parts = 1
    section = "materialized_views"
    state = MaterializedViewState
    document = Annotated[MaterializedViewDocument, BeforeValidator(viewtext.in_short)]
    rank = 65
    word = "MATERIALIZED VIEW"
    rules: ClassVar[Mapping[str, Rule]] = {
        "query": Recreate("a materialized view's query cannot be altered"),
        "column_names": Recreate("a materialized view's query cannot be altered"),
        "with_data": InPlace(_with_data),
        "options": InPlace(_options),
        "options_order": Ignored("the order of storage parameters says nothing"),
        "access_method": Recreate("ALTER MATERIALIZED VIEW sets no access method before PostgreSQL 15"),
        "tablespace": InPlace(_tablespace),
        "storage": InPlace(set_storage, unless=why_storage_stays),
        "column_settings": InPlace(set_column_settings),
    }

    def query(self, major: int) -> LiteralString:
        return (
            viewtext.HEAD
            + """ AS also,
                """
            + viewtext.QUERY
            + """ AS query,
                c.relispopulated AS with_data,
                ARRAY(
                    SELECT o FROM (
                        SELECT pg_catalog.unnest(c.reloptions) AS o
                        UNION ALL SELECT 'toast.' || pg_catalog.unnest(toast.reloptions)) AS u
                    ORDER BY o COLLATE "C") AS options,
                coalesce(c.reloptions, '{}') || ARRAY(
                    SELECT 'toast.' || o FROM pg_catalog.unnest(toast.reloptions) WITH ORDINALITY AS u (o, n)
                    ORDER BY n) AS options_order,
                nullif(am.amname, 'heap') AS access_method,
                s.spcname AS tablespace,
                ARRAY(
                    SELECT ARRAY[a.attname::text, CASE a.attstorage WHEN 'p' THEN 'plain'
                        WHEN 'e' THEN 'external' WHEN 'x' THEN 'extended' ELSE 'main' END]
                    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type at ON at.oid = a.atttypid
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attstorage <> at.typstorage
                    ORDER BY a.attname::text COLLATE "C") AS storage,
                ARRAY(
                    SELECT ARRAY[a.attname::text, v.setting, v.value]
                    FROM pg_catalog.pg_attribute a, LATERAL (
                        SELECT 'statistics' AS setting, a.attstattarget::text AS value
                            WHERE a.attstattarget >= 0
                        UNION ALL
                        SELECT 'compression', CASE a.attcompression WHEN 'l' THEN 'lz4' ELSE 'pglz' END
                            WHERE a.attcompression <> ''
                        UNION ALL
                        SELECT pg_catalog.split_part(o, '=', 1), pg_catalog.split_part(o, '=', 2)
                            FROM pg_catalog.unnest(a.attoptions) AS o WHERE """
            + SAID_OPTION
            + """) AS v
                    WHERE a.attrelid = c.oid AND a.attnum > 0
                    ORDER BY a.attname::text COLLATE "C", v.setting COLLATE "C") AS column_settings
            FROM pg_catalog.pg_class c
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_catalog.pg_type t ON t.oid = c.reltype
            LEFT JOIN pg_catalog.pg_class toast ON toast.oid = c.reltoastrelid
            LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam
            LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace
            WHERE c.relkind = 'm' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY n.nspname, c.relname"""
        )

    def declare(self, name: str, document: MaterializedViewDocument, nest: Nest) -> Iterable[Declared]:
        state = MaterializedViewState(
            query=viewtext.trimmed(document.query),
            column_names=tuple(document.columns),
            with_data=document.with_data,
            options=options_from(document.options),
            options_order=options_in_order(document.options),
            access_method=document.access_method,
            tablespace=document.tablespace,
            storage=storage_from(document.column_settings),
            column_settings=settings_from(document.column_settings),
        )
        yield Declared(ObjectId("materialized_view", in_schema(name, nest.schema)), state)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: MaterializedViewState = entry.state
        key, query = written_path(entry.id.path, home), viewtext.written(state.query)
        data = without_defaults(
            {
                "columns": list(state.column_names),
                "options": options_to(as_given(state)),
                "access_method": state.access_method,
                "tablespace": state.tablespace,
                "column_settings": written_settings(state),
            }
        )
        if not state.with_data:
            data["with_data"] = False
        return key, {**data, "query": query} if data else query

    def evaluates(self, old: Entry | None, new: Entry) -> bool:
        return bool(new.state.with_data)

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: MaterializedViewState = entry.state
        parts = [
            f"CREATE MATERIALIZED VIEW {qualified(*entry.id.path)}{viewtext.column_list(state.column_names)}",
            *([f"USING {quote(state.access_method)}"] if state.access_method else []),
            *([f"WITH ({options_sql(as_given(state))})"] if state.options else []),
            *([f"TABLESPACE {quote(state.tablespace)}"] if state.tablespace else []),
        ]
        suffix = "" if state.with_data else "\nWITH NO DATA"
        cost = Cost.BUILD if state.with_data else Cost.INSTANT
        yield Statement(f"{' '.join(parts)} AS\n{viewtext.closed(state.query)}{suffix}", cost=cost)
        yield from set_storage(None, entry)
        yield from set_column_settings(None, entry)
