"""Materialized views (manual: CREATE MATERIALIZED VIEW, ALTER MATERIALIZED VIEW)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, LiteralString

from pydantic import BeforeValidator, Field

from reconciler.core import viewtext
from reconciler.core.catalog import Entry
from reconciler.core.fragment import (
    Document,
    Names,
    Option,
    options_from,
    options_sql,
    options_to,
    without_defaults,
)
from reconciler.core.ident import ObjectId, in_schema, literal, qualified, quote, written_name
from reconciler.core.kind import Declared, Disturbance, InPlace, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Cost, LockMode, Statement, on


@dataclass(frozen=True, slots=True)
class MaterializedViewState:
    """A materialized view; its indexes are entries of their own."""

    query: str
    """As pg_get_viewdef writes it, without the final semicolon."""
    column_names: tuple[str, ...] = ()
    """Names written beside the query; PostgreSQL makes them part of it, so a catalog never has any here."""
    with_data: bool = True
    """Whether it has been populated, so that it can be read."""
    options: tuple[str, ...] = ()
    access_method: str | None = None
    """None is heap."""
    tablespace: str | None = None
    storage: tuple[tuple[str, str], ...] = ()
    """(column, storage) where it is not the type's own."""
    column_settings: tuple[tuple[str, str, str], ...] = ()
    """(column, setting, value): statistics, compression and the attribute options n_distinct."""


class ColumnSettingsDocument(Document):
    """`total: {statistics: 500, storage: external}`"""

    statistics: int | None = None
    storage: Literal["plain", "external", "extended", "main"] | None = None
    compression: Literal["pglz", "lz4"] | None = None
    options: dict[str, Option] = Field(default_factory=dict)


class MaterializedViewDocument(Document):
    """`materialized_views: {totals: {query: SELECT ...}}`; a bare string is the query."""

    query: str
    columns: Names = ()
    with_data: bool = True
    options: dict[str, Option] = Field(default_factory=dict)
    access_method: str | None = None
    tablespace: str | None = None
    column_settings: dict[str, ColumnSettingsDocument] = Field(default_factory=dict)


def _short(value: object) -> object:
    return {"query": value} if isinstance(value, str) else value


def _alter(entry: Entry, action: str, mode: LockMode = LockMode.ACCESS_EXCLUSIVE, **more: Any) -> Statement:
    relation = qualified(*entry.id.path)
    return Statement(f"ALTER MATERIALIZED VIEW {relation} {action}", on(relation, mode), **more)


def _with_data(old: Entry, new: Entry) -> Iterable[Statement]:
    relation = qualified(*new.id.path)
    populated = new.state.with_data
    suffix, cost = ("", Cost.BUILD) if populated else (" WITH NO DATA", Cost.INSTANT)
    yield Statement(f"REFRESH MATERIALIZED VIEW {relation}{suffix}", on(relation), cost=cost)


def _options(old: Entry, new: Entry) -> Iterable[Statement]:
    return viewtext.set_options("MATERIALIZED VIEW", old, new, LockMode.SHARE_UPDATE_EXCLUSIVE)


def _tablespace(old: Entry, new: Entry) -> Iterable[Statement]:
    yield _alter(new, f"SET TABLESPACE {quote(new.state.tablespace or 'pg_default')}", cost=Cost.REWRITE)


def _storage(old: Entry | None, new: Entry) -> Iterable[Statement]:
    before = old.state.storage if old else ()
    for column, storage in new.state.storage:
        if (column, storage) not in before:
            yield _alter(new, f"ALTER COLUMN {quote(column)} SET STORAGE {storage.upper()}")


def _storage_unless(old: MaterializedViewState, new: MaterializedViewState) -> str | None:
    gone = dict(old.storage).keys() - dict(new.storage).keys()
    return "storage goes back to the type's own only where the view is made anew" if gone else None


def _column_settings(old: Entry | None, new: Entry) -> Iterable[Statement]:
    before = {row[:2]: row[2] for row in old.state.column_settings} if old else {}
    after = {row[:2]: row[2] for row in new.state.column_settings}
    for column, setting in sorted({*before, *after}):
        value = after.get((column, setting))
        if before.get((column, setting)) == value:
            continue
        mode = LockMode.SHARE_UPDATE_EXCLUSIVE
        if setting == "statistics":
            action = f"SET STATISTICS {'-1' if value is None else value}"
        elif setting == "compression":
            action, mode = f"SET COMPRESSION {value or 'default'}", LockMode.ACCESS_EXCLUSIVE
        elif value is None:
            action = f"RESET ({quote(setting)})"
        else:
            action = f"SET ({quote(setting)}={literal(value)})"
        yield _alter(new, f"ALTER COLUMN {quote(column)} {action}", mode)


class MaterializedView(Kind[MaterializedViewState]):
    """A materialized view. Its rows come from its query, so that dropping it loses nothing."""

    name = "materialized_view"
    section = "materialized_views"
    state = MaterializedViewState
    document = Annotated[MaterializedViewDocument, BeforeValidator(_short)]
    rank = 65
    reparsed = True
    gives_way_to = frozenset({Disturbance.RETYPED, Disturbance.RESHAPED})
    rules: ClassVar[Mapping[str, Rule]] = {
        "query": Recreate("a materialized view's query cannot be altered"),
        "column_names": Recreate("a materialized view's query cannot be altered"),
        "with_data": InPlace(_with_data),
        "options": InPlace(_options),
        "access_method": Recreate("ALTER MATERIALIZED VIEW sets no access method before PostgreSQL 15"),
        "tablespace": InPlace(_tablespace),
        "storage": InPlace(_storage, unless=_storage_unless),
        "column_settings": InPlace(_column_settings),
    }

    def query(self, major: int) -> LiteralString:
        return (
            """
            SELECT 'pg_class/' || c.oid || '/0' AS address, ARRAY[n.nspname, c.relname]::text[] AS path,
                ARRAY['pg_type/' || c.reltype || '/0', 'pg_type/' || t.typarray || '/0']
                    || ARRAY(SELECT 'pg_rewrite/' || r.oid || '/0' FROM pg_catalog.pg_rewrite r
                        WHERE r.ev_class = c.oid AND r.rulename = '_RETURN') AS also,
                """
            + viewtext.QUERY
            + """ AS query,
                c.relispopulated AS with_data,
                ARRAY(
                    SELECT o FROM (
                        SELECT pg_catalog.unnest(c.reloptions) AS o
                        UNION ALL SELECT 'toast.' || pg_catalog.unnest(toast.reloptions)) AS u
                    ORDER BY o COLLATE "C") AS options,
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
                            FROM pg_catalog.unnest(a.attoptions) AS o) AS v
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
        columns = sorted(document.column_settings.items())
        state = MaterializedViewState(
            query=viewtext.trimmed(document.query),
            column_names=tuple(document.columns),
            with_data=document.with_data,
            options=options_from(document.options),
            access_method=document.access_method,
            tablespace=document.tablespace,
            storage=tuple((column, said.storage) for column, said in columns if said.storage),
            column_settings=tuple(row for column, said in columns for row in _rows(column, said)),
        )
        yield Declared(ObjectId("materialized_view", in_schema(name, nest.schema)), state)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: MaterializedViewState = entry.state
        schema, name = entry.id.path
        key, query = written_name(schema, name, home), viewtext.written(state.query)
        data = without_defaults(
            {
                "columns": list(state.column_names),
                "options": options_to(state.options),
                "access_method": state.access_method,
                "tablespace": state.tablespace,
                "column_settings": _written_settings(state),
            }
        )
        if not state.with_data:
            data["with_data"] = False
        return key, {**data, "query": query} if data else query

    def in_full(self, short: Any) -> Mapping[str, Any]:
        return short if isinstance(short, Mapping) else {"query": short}

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: MaterializedViewState = entry.state
        parts = [
            f"CREATE MATERIALIZED VIEW {qualified(*entry.id.path)}{viewtext.column_list(state.column_names)}",
            *([f"USING {quote(state.access_method)}"] if state.access_method else []),
            *([f"WITH ({options_sql(state.options)})"] if state.options else []),
            *([f"TABLESPACE {quote(state.tablespace)}"] if state.tablespace else []),
        ]
        suffix = "" if state.with_data else "\nWITH NO DATA"
        cost = Cost.BUILD if state.with_data else Cost.INSTANT
        yield Statement(f"{' '.join(parts)} AS\n{viewtext.closed(state.query)}{suffix}", cost=cost)
        yield from _storage(None, entry)
        yield from _column_settings(None, entry)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        relation = qualified(*entry.id.path)
        yield Statement(f"DROP MATERIALIZED VIEW {relation}", on(relation))

    def occupies(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("relation", *entry.id.path)
        yield ("type", *entry.id.path)


def _rows(column: str, said: ColumnSettingsDocument) -> Iterable[tuple[str, str, str]]:
    found = dict(said.options)
    if said.statistics is not None:
        found["statistics"] = str(said.statistics)
    if said.compression is not None:
        found["compression"] = said.compression
    return ((column, setting, value) for setting, value in sorted(found.items()))


def _written_settings(state: MaterializedViewState) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for column, storage in state.storage:
        found.setdefault(column, {})["storage"] = storage
    for column, setting, value in state.column_settings:
        of = found.setdefault(column, {})
        if setting == "statistics":
            of["statistics"] = int(value)
        elif setting == "compression":
            of["compression"] = value
        else:
            of.setdefault("options", {})[setting] = value
    return found
