"""Range types (manual: CREATE TYPE ... AS RANGE)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Annotated, Any, ClassVar, LiteralString

from pydantic import BeforeValidator

from reconciler.core.aside import DataType, aside_name
from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Blocked
from reconciler.core.fragment import Document, Fragment, without_defaults
from reconciler.core.ident import (
    ObjectId,
    in_schema,
    qualified,
    quote,
    split_name,
    written_name,
    written_path,
)
from reconciler.core.kind import Declared, Nest, Recreate, Rule
from reconciler.core.statement import Statement
from reconciler.core.transition import RenameTransition


@dataclass(frozen=True, slots=True)
class RangeState:
    """All names are as SQL writes them, qualified unless they are PostgreSQL's own."""

    subtype: str
    subtype_opclass: str | None = None
    """None is the default B-tree operator class."""
    collation: str | None = None
    """None is the subtype's own."""
    canonical: str | None = None
    subtype_diff: str | None = None
    multirange: str | None = None
    """None is the name that PostgreSQL derives from the range's, in the same schema."""


class RangeDocument(Document):
    """`price_range: {subtype: numeric, subtype_diff: app.numeric_diff}`; a bare string is the subtype."""

    subtype: Fragment
    subtype_opclass: str | None = None
    collation: str | None = None
    canonical: str | None = None
    subtype_diff: str | None = None
    multirange: str | None = None
    transition: RenameTransition | None = None


def _short(value: object) -> object:
    return {"subtype": value} if isinstance(value, str) else value


def _multirange(entry: Entry) -> tuple[str, str]:
    """Schema and name of the multirange type, by PostgreSQL's rule where it is not said."""
    schema, name = entry.id.path
    if entry.state.multirange:
        return in_schema(entry.state.multirange, schema)
    return schema, name.replace("range", "multirange", 1) if "range" in name else f"{name}_multirange"


_PARAMETERS = {
    "subtype": "SUBTYPE",
    "subtype_opclass": "SUBTYPE_OPCLASS",
    "collation": "COLLATION",
    "canonical": "CANONICAL",
    "subtype_diff": "SUBTYPE_DIFF",
    "multirange": "MULTIRANGE_TYPE_NAME",
}


class Range(DataType[RangeState]):
    """A range type, with the multirange type that PostgreSQL makes for it."""

    name = "range"
    text_name_parts = 1
    is_ambient = True
    section = "ranges"
    state = RangeState
    document = Annotated[RangeDocument, BeforeValidator(_short)]
    rank = 12
    rules: ClassVar[Mapping[str, Rule]] = {
        field.name: Recreate("a range type cannot be altered") for field in fields(RangeState)
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_type/' || t.oid || '/0' AS address, ARRAY[n.nspname, t.typname]::text[] AS path,
                ARRAY['pg_type/' || t.typarray || '/0', 'pg_type/' || m.oid || '/0',
                    'pg_type/' || m.typarray || '/0'] AS also,
                pg_catalog.format_type(r.rngsubtype, NULL) AS subtype,
                CASE WHEN NOT o.opcdefault THEN
                    pg_catalog.quote_ident(opn.nspname) || '.' || pg_catalog.quote_ident(o.opcname)
                END AS subtype_opclass,
                CASE WHEN r.rngcollation <> s.typcollation THEN
                    pg_catalog.quote_ident(cn.nspname) || '.' || pg_catalog.quote_ident(co.collname)
                END AS collation,
                nullif(r.rngcanonical::pg_catalog.regproc::text, '-') AS canonical,
                nullif(r.rngsubdiff::pg_catalog.regproc::text, '-') AS subtype_diff,
                CASE WHEN m.typnamespace <> t.typnamespace OR m.typname <> CASE
                    WHEN pg_catalog.strpos(t.typname, 'range') > 0 THEN
                        pg_catalog."left"(t.typname::text, pg_catalog.strpos(t.typname, 'range') - 1)
                            || 'multi' || pg_catalog.substr(t.typname, pg_catalog.strpos(t.typname, 'range'))
                    ELSE t.typname || '_multirange' END
                THEN pg_catalog.quote_ident(mn.nspname) || '.' || pg_catalog.quote_ident(m.typname)
                END AS multirange
            FROM pg_catalog.pg_range r
            JOIN pg_catalog.pg_type t ON t.oid = r.rngtypid
            JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
            JOIN pg_catalog.pg_type s ON s.oid = r.rngsubtype
            JOIN pg_catalog.pg_type m ON m.oid = r.rngmultitypid
            JOIN pg_catalog.pg_namespace mn ON mn.oid = m.typnamespace
            JOIN pg_catalog.pg_opclass o ON o.oid = r.rngsubopc
            JOIN pg_catalog.pg_namespace opn ON opn.oid = o.opcnamespace
            LEFT JOIN pg_catalog.pg_collation co ON co.oid = r.rngcollation
            LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY n.nspname, t.typname"""

    def declare(self, name: str, document: RangeDocument, nest: Nest) -> Iterable[Declared]:
        transition = document.transition or RenameTransition()
        multirange = qualified(*in_schema(document.multirange, nest.schema)) if document.multirange else None
        yield Declared(
            ObjectId("range", in_schema(name, nest.schema)),
            RangeState(
                subtype=document.subtype,
                subtype_opclass=document.subtype_opclass,
                collation=document.collation,
                canonical=document.canonical,
                subtype_diff=document.subtype_diff,
                multirange=multirange,
            ),
            former_names=transition.former_names,
            not_renamed=transition.not_renamed,
        )

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: RangeState = entry.state
        data = without_defaults({name: getattr(state, name) for name in _PARAMETERS})
        if state.multirange:
            data["multirange"] = written_path(split_name(state.multirange), home)
        schema, name = entry.id.path
        return written_name(schema, name, home), state.subtype if list(data) == ["subtype"] else data

    def expand_short_form(self, short: Any) -> Mapping[str, Any]:
        return short if isinstance(short, Mapping) else {"subtype": short}

    def create_shell(self, entry: Entry) -> Iterable[Statement]:
        if entry.state.canonical is not None:  # which takes and gives values of the type
            yield Statement(f"CREATE TYPE {qualified(*entry.id.path)}")

    def drop(self, entry: Entry) -> Iterable[Statement]:
        if entry.state.canonical is not None:
            name = ".".join(entry.id.path)
            raise Blocked(
                f"range {name} and its canonical function only go together with CASCADE, which no plan says",
                hint=f"see what depends on it, drop it by hand (DROP TYPE {name} CASCADE), and plan again",
            )
        yield from super().drop(entry)

    def is_compound(self, entry: Entry) -> bool:
        return True

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        said = ((word, getattr(entry.state, name)) for name, word in _PARAMETERS.items())
        inside = ", ".join(f"{word} = {value}" for word, value in said if value)
        yield Statement(f"CREATE TYPE {qualified(*entry.id.path)} AS RANGE ({inside})")

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("type", *entry.id.path)
        yield ("type", *_multirange(entry))

    def rename_aside(self, entry: Entry) -> tuple[str, Iterable[Statement]] | None:
        name = aside_name(entry.id.path[1])
        return name, (*_constructors_aside(entry, name), Statement(self.renamed(entry, name)))


def _constructors_aside(entry: Entry, name: str) -> Iterable[Statement]:
    """The multirange and all constructor functions, which bear the types' names and would be in the way."""
    own, multi, subtype = qualified(*entry.id.path), _multirange(entry), entry.state.subtype
    multi_name = qualified(*multi)
    multi_aside = aside_name(multi[1])
    for arguments in (f"{subtype}, {subtype}", f"{subtype}, {subtype}, text"):
        yield Statement(f"ALTER FUNCTION {own}({arguments}) RENAME TO {quote(name)}")
    for arguments in ("", own, f"VARIADIC {own}[]"):
        yield Statement(f"ALTER FUNCTION {multi_name}({arguments}) RENAME TO {quote(multi_aside)}")
    yield Statement(f"ALTER TYPE {multi_name} RENAME TO {quote(multi_aside)}")
