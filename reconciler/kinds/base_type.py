"""Base types and shell types (manual: CREATE TYPE). The functions of a base type need it, and it needs them:
it is made as a shell first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, ClassVar, Literal, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Blocked
from reconciler.core.fragment import Document, Fragment
from reconciler.core.ident import ObjectId, in_schema, literal, qualified, written_path
from reconciler.core.kind import Declared, InPlace, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class BaseTypeState:
    """A base type; functions are as SQL names them. Without `input` it is a shell."""

    input: str | None = None
    output: str | None = None
    receive: str | None = None
    send: str | None = None
    typmod_in: str | None = None
    typmod_out: str | None = None
    analyze: str | None = None
    subscript: str | None = None
    """None for a type with an element is PostgreSQL's own for arrays of fixed length."""
    length: int = -1
    """In bytes; -1 is variable."""
    passed_by_value: bool = False
    alignment: str = "int4"
    storage: str = "plain"
    category: str = "U"
    preferred: bool = False
    default: str | None = None
    element: str | None = None
    delimiter: str = ","
    collatable: bool = False


class BaseTypeDocument(Document):
    """`base_types: {box: {input: app.box_in, output: app.box_out, length: 16}}`; `{}` is a shell."""

    input: str | None = None
    output: str | None = None
    receive: str | None = None
    send: str | None = None
    typmod_in: str | None = None
    typmod_out: str | None = None
    analyze: str | None = None
    subscript: str | None = None
    length: int = -1
    passed_by_value: bool = False
    alignment: Literal["char", "int2", "int4", "double"] = "int4"
    storage: Literal["plain", "external", "extended", "main"] = "plain"
    category: str = "U"
    preferred: bool = False
    default: Fragment | None = None
    element: Fragment | None = None
    delimiter: str = ","
    collatable: bool = False


_NAMES = tuple(field.name for field in fields(BaseTypeState))
_WORDS = {"length": "INTERNALLENGTH", "passed_by_value": "PASSEDBYVALUE"}
"""Where CREATE TYPE has another word than the field's name."""
_TEXTS = frozenset({"category", "default", "delimiter"})
_SETTABLE = ("receive", "send", "typmod_in", "typmod_out", "analyze", "subscript", "storage")


def _parameter(name: str, value: object) -> str:
    word = _WORDS.get(name, name.upper())
    if value is True:
        return word
    return f"{word} = {literal(str(value)) if name in _TEXTS else value}"


def _set(name: str) -> InPlace[BaseTypeState]:
    def render(old: Entry, new: Entry) -> Iterable[Statement]:
        value = getattr(new.state, name) or "NONE"
        yield Statement(f"ALTER TYPE {qualified(*new.id.path)} SET ({name.upper()} = {value})")

    return InPlace(render, unless=_is_shell if name != "storage" else _unstorable)


def _is_shell(old: BaseTypeState, new: BaseTypeState) -> str | None:
    return None if old.input and new.input else "a shell has no properties"


def _unstorable(old: BaseTypeState, new: BaseTypeState) -> str | None:
    if "plain" in (old.storage, new.storage):
        return "ALTER TYPE cannot change storage from or to plain"
    return _is_shell(old, new)


_RECREATE: Callable[[str], Rule] = lambda name: Recreate(f"ALTER TYPE cannot change the {name}")  # noqa: E731


class BaseType(Kind[BaseTypeState]):
    """A base type, or a shell."""

    name = "base_type"
    text_name_parts = 1
    section = "base_types"
    state = BaseTypeState
    document = BaseTypeDocument
    rank = 10
    rules: ClassVar[Mapping[str, Rule]] = {
        name: _set(name) if name in _SETTABLE else _RECREATE(name.replace("_", " ")) for name in _NAMES
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_type/' || t.oid || '/0' AS address, ARRAY[n.nspname, t.typname]::text[] AS path,
                CASE WHEN t.typarray <> 0 THEN ARRAY['pg_type/' || t.typarray || '/0'] END AS also,
                nullif(t.typinput::pg_catalog.regproc::text, '-') AS input,
                nullif(t.typoutput::pg_catalog.regproc::text, '-') AS output,
                nullif(t.typreceive::pg_catalog.regproc::text, '-') AS receive,
                nullif(t.typsend::pg_catalog.regproc::text, '-') AS send,
                nullif(t.typmodin::pg_catalog.regproc::text, '-') AS typmod_in,
                nullif(t.typmodout::pg_catalog.regproc::text, '-') AS typmod_out,
                nullif(t.typanalyze::pg_catalog.regproc::text, '-') AS analyze,
                nullif(nullif(t.typsubscript::pg_catalog.regproc::text, '-'), 'raw_array_subscript_handler')
                    AS subscript,
                t.typlen::integer AS length,
                t.typbyval AS passed_by_value,
                CASE t.typalign WHEN 'c' THEN 'char' WHEN 's' THEN 'int2' WHEN 'd' THEN 'double'
                    ELSE 'int4' END AS alignment,
                CASE t.typstorage WHEN 'e' THEN 'external' WHEN 'x' THEN 'extended' WHEN 'm' THEN 'main'
                    ELSE 'plain' END AS storage,
                t.typcategory::text AS category,
                t.typispreferred AS preferred,
                t.typdefault AS "default",
                pg_catalog.format_type(nullif(t.typelem, 0), NULL) AS element,
                t.typdelim::text AS delimiter,
                t.typcollation <> 0 AS collatable
            FROM (
                SELECT oid, typname, typnamespace, typarray, typinput, typoutput, typreceive, typsend,
                    typmodin, typmodout, typanalyze, typsubscript, typlen, typbyval, typalign, typstorage,
                    typcategory,
                    typispreferred, typdefault, typelem, typdelim, typcollation
                FROM pg_catalog.pg_type
                WHERE typtype = 'b' AND oid >= 16384
                UNION ALL
                SELECT oid, typname, typnamespace, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, false, 'i', 'p', 'U', false,
                    NULL, 0, ',', 0
                FROM pg_catalog.pg_type
                WHERE typtype = 'p' AND NOT typisdefined) AS t
            JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
                AND NOT EXISTS (SELECT FROM pg_catalog.pg_type e WHERE e.typarray = t.oid)
            ORDER BY 2"""

    def declare(self, name: str, document: BaseTypeDocument, nest: Nest) -> Iterable[Declared]:
        if (document.input is None) != (document.output is None):
            raise ValueError("a base type has both input and output, a shell none")
        state = BaseTypeState(**{name: getattr(document, name) for name in _NAMES})
        if document.input is None and state != BaseTypeState():
            raise ValueError("without input and output it is a shell, which has no properties")
        yield Declared(ObjectId("base_type", in_schema(name, nest.schema)), state)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        usual = BaseTypeState()
        said = {name: getattr(entry.state, name) for name in _NAMES}
        data = {name: value for name, value in said.items() if value != getattr(usual, name)}
        return written_path(entry.id.path, home), data

    def create_shell(self, entry: Entry) -> Iterable[Statement]:
        if entry.state.input is not None:
            yield Statement(f"CREATE TYPE {qualified(*entry.id.path)}")

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        name = qualified(*entry.id.path)
        if entry.state.input is None:
            yield Statement(f"CREATE TYPE {name}")
            return
        usual = BaseTypeState()
        said = ((field, getattr(entry.state, field)) for field in _NAMES)
        parameters = [_parameter(field, value) for field, value in said if value != getattr(usual, field)]
        inside = ",\n    ".join(parameters)
        yield Statement(f"CREATE TYPE {name} (\n    {inside}\n)")

    def drop(self, entry: Entry) -> Iterable[Statement]:
        said = (getattr(entry.state, name) for name in ("input", "output", *_SETTABLE[:-1]))
        if any(function and "." in function for function in said):
            # Its functions cannot go before it, nor it before them: PostgreSQL knows no way but CASCADE, and
            # that takes whatever else stands on the type.
            name = ".".join(entry.id.path)
            raise Blocked(
                f"base type {name} and its functions only go together with CASCADE, which no plan says",
                hint=f"see what depends on it, drop it by hand (DROP TYPE {name} CASCADE), and plan again",
            )
        yield Statement(f"DROP TYPE {qualified(*entry.id.path)}")

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("type", *entry.id.path)
