"""Views (manual: CREATE VIEW, ALTER VIEW)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, LiteralString

from pydantic import BeforeValidator, Field

from reconciler.core import viewtext
from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import (
    Document,
    Fragment,
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
from reconciler.core.kind import Declared, Ignored, InPlace, Nest, Rule
from reconciler.core.statement import Hazard, HazardCode, LockMode, Statement, on


@dataclass(frozen=True, slots=True)
class ViewState:
    """A view."""

    query: str
    """As pg_get_viewdef writes it, without the final semicolon."""
    column_names: tuple[str, ...] = ()
    """Names written beside the query; PostgreSQL makes them part of it, so a catalog never has any here."""
    options: tuple[str, ...] = ()
    """`security_barrier=true`, `security_invoker=true`."""
    options_order: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    """The options as they were given."""
    check_option: str | None = None
    """`local` or `cascaded`."""
    column_defaults: tuple[tuple[str, str], ...] = ()
    """(column, expression), by column: what INSERT on the view uses."""
    columns: tuple[tuple[str, str], ...] = dataclasses.field(default=(), compare=False)
    """(name, type with collation) in order; empty where the catalogs were not asked."""


class ViewDocument(Document):
    """`views: {active_users: {query: SELECT ...}}`; a bare string is the query."""

    query: str
    columns: Names = ()
    options: dict[str, Option] = Field(default_factory=dict)
    check_option: Literal["local", "cascaded"] | None = None
    column_defaults: dict[str, Fragment] = Field(default_factory=dict)


_ACCESS = frozenset({"security_barrier", "security_invoker"})


def _hazards(old: Entry, new: Entry) -> tuple[Hazard, ...]:
    changed = {option.partition("=")[0] for option in {*old.state.options} ^ {*new.state.options}} & _ACCESS
    message = f"{' and '.join(sorted(changed))} of the view differ: whose privileges and policies count"
    return (Hazard(HazardCode.ACCESS_CHANGE, new.id, message),) if changed else ()


def _definition(entry: Entry, verb: str) -> str:
    state: ViewState = entry.state
    # CREATE OR REPLACE VIEW forgets every option that it does not say, security_invoker among them.
    options = f" WITH ({options_sql(as_given(state))})" if state.options else ""
    check = f"\nWITH {state.check_option.upper()} CHECK OPTION" if state.check_option else ""
    names = viewtext.column_list(state.column_names)
    return (
        f"{verb} VIEW {qualified(*entry.id.path)}{names}{options} AS\n{viewtext.closed(state.query)}{check}"
    )


def _replace(old: Entry, new: Entry) -> Iterable[Statement]:
    relation = qualified(*new.id.path)
    yield Statement(_definition(new, "CREATE OR REPLACE"), on(relation), _hazards(old, new))


def _only_appends(old: ViewState, new: ViewState) -> str | None:
    if not old.columns or not new.columns:
        return "the view's columns are not known"
    if new.columns[: len(old.columns)] != old.columns:
        return "CREATE OR REPLACE VIEW can only append columns"
    return None


def _options(old: Entry, new: Entry) -> Iterable[Statement]:
    if old.state.query == new.state.query:
        yield from viewtext.set_options("VIEW", old, new, LockMode.ACCESS_EXCLUSIVE, _hazards(old, new))


def _check_option(old: Entry, new: Entry) -> Iterable[Statement]:
    if old.state.query == new.state.query:
        relation, check = qualified(*new.id.path), new.state.check_option
        action = f"SET (check_option={check})" if check else "RESET (check_option)"
        yield Statement(f"ALTER VIEW {relation} {action}", on(relation))


def _column_defaults(old: Entry | None, new: Entry) -> Iterable[Statement]:
    relation = qualified(*new.id.path)
    before, after = dict(old.state.column_defaults) if old else {}, dict(new.state.column_defaults)
    for column in sorted({*before, *after}):
        if before.get(column) != after.get(column):
            action = f"SET DEFAULT {after[column]}" if column in after else "DROP DEFAULT"
            yield Statement(f"ALTER VIEW {relation} ALTER COLUMN {quote(column)} {action}", on(relation))


class View(viewtext.QueriedRelation[ViewState]):
    """A view; a recursive one is a view whose query says so."""

    name = "view"
    text_name_parts = 1
    section = "views"
    state = ViewState
    document = Annotated[ViewDocument, BeforeValidator(viewtext.in_short)]
    rank = 55
    word = "VIEW"
    rules: ClassVar[Mapping[str, Rule]] = {
        "query": InPlace(_replace, unless=_only_appends),
        "column_names": InPlace(_replace, unless=_only_appends),
        "options": InPlace(_options),
        "options_order": Ignored("the order of options says nothing"),
        "check_option": InPlace(_check_option),
        "column_defaults": InPlace(_column_defaults),
        "columns": Ignored("they follow from the query"),
    }

    def query(self, major: int) -> LiteralString:
        return (
            viewtext.HEAD
            + """
                    || ARRAY(SELECT 'pg_attrdef/' || d.oid || '/0' FROM pg_catalog.pg_attrdef d
                        WHERE d.adrelid = c.oid) AS also,
                """
            + viewtext.QUERY
            + """ AS query,
                ARRAY(SELECT o FROM pg_catalog.unnest(c.reloptions) AS o
                    WHERE o !~ '^check_option=' ORDER BY o COLLATE "C") AS options,
                ARRAY(SELECT o FROM pg_catalog.unnest(c.reloptions) WITH ORDINALITY AS u (o, n)
                    WHERE o !~ '^check_option=' ORDER BY n) AS options_order,
                (SELECT pg_catalog.substr(o, 14) FROM pg_catalog.unnest(c.reloptions) AS o
                    WHERE o ~ '^check_option=') AS check_option,
                ARRAY(
                    SELECT ARRAY[a.attname::text, pg_catalog.pg_get_expr(d.adbin, d.adrelid)]
                    FROM pg_catalog.pg_attrdef d
                    JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
                    WHERE d.adrelid = c.oid ORDER BY a.attname::text COLLATE "C") AS column_defaults,
                ARRAY(
                    SELECT ARRAY[a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod)
                        || coalesce(
                            ' COLLATE ' || nullif(a.attcollation, 0)::pg_catalog.regcollation::text, '')]
                    FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attnum > 0 ORDER BY a.attnum) AS columns
            FROM pg_catalog.pg_class c
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_catalog.pg_type t ON t.oid = c.reltype
            WHERE c.relkind = 'v' AND c.relpersistence <> 't'
                AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY n.nspname, c.relname"""
        )

    def declare(self, name: str, document: ViewDocument, nest: Nest) -> Iterable[Declared]:
        state = ViewState(
            query=viewtext.trimmed(document.query),
            column_names=tuple(document.columns),
            options=options_from(document.options),
            options_order=options_in_order(document.options),
            check_option=document.check_option,
            column_defaults=tuple(sorted(document.column_defaults.items())),
        )
        if "check_option" in document.options:
            raise ValueError("write `check_option: local` beside options, not in them")
        yield Declared(ObjectId("view", in_schema(name, nest.schema)), state)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: ViewState = entry.state
        key, query = written_path(entry.id.path, home), viewtext.written(state.query)
        data = without_defaults(
            {
                "columns": list(state.column_names),
                "options": options_to(as_given(state)),
                "check_option": state.check_option,
                "column_defaults": dict(state.column_defaults),
            }
        )
        return key, {**data, "query": query} if data else query

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        yield Statement(_definition(entry, "CREATE"))
        yield from _column_defaults(None, entry)
