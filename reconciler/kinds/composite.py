"""Composite types (manual: CREATE TYPE ... AS)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, LiteralString

from pydantic import BeforeValidator, Field

from reconciler.core.aside import DataType
from reconciler.core.catalog import Entry
from reconciler.core.conversion import keeps_bytes, may_lose, widens
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Fragment
from reconciler.core.ident import ObjectId, in_schema, qualified, quote, written_path
from reconciler.core.kind import Declared, Ignored, InPlace, Nest, Rule
from reconciler.core.statement import Cost, Hazard, HazardCode, Statement, data_loss, on
from reconciler.core.transition import RenameTransition

Attribute = tuple[str, str, str | None]
"""Name, type as format_type writes it, collation as SQL writes it (None: the type's own)."""


@dataclass(frozen=True, slots=True)
class CompositeState:
    """The attributes by name. Their order is kept, and like that of columns never rebuilt."""

    attributes: tuple[Attribute, ...] = ()
    """Sorted by name."""
    order: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    """Their names in the order of the values."""
    typed: tuple[tuple[str, str], ...] = dataclasses.field(default=(), compare=False)
    """The tables OF it."""

    def ordered(self) -> list[Attribute]:
        """The attributes in the order of the values."""
        known = {attribute[0]: attribute for attribute in self.attributes}
        return [known[name] for name in self.order if name in known] or list(self.attributes)


class AttributeDocument(Document):
    """`street: {type: text, collation: "C"}`; a bare string is the type."""

    type: Fragment
    collation: str | None = None


def _short_attribute(value: object) -> object:
    return {"type": value} if isinstance(value, str) else value


class CompositeDocument(Document):
    """`address: {attributes: {street: text, zip: integer}}`, or the attributes alone."""

    attributes: dict[str, Annotated[AttributeDocument, BeforeValidator(_short_attribute)]] = Field(
        default_factory=dict
    )
    transition: RenameTransition | None = None


def _short(value: object) -> object:
    if not isinstance(value, dict) or "attributes" in value:
        return value
    attributes = {key: inner for key, inner in value.items() if key != "transition"}
    rest = {key: inner for key, inner in value.items() if key == "transition"}
    return {"attributes": attributes, **rest} if attributes else value


def _clause(attribute: Attribute, between: str = "") -> str:
    name, type_name, collation = attribute
    return f"{quote(name)}{between} {type_name}{f' COLLATE {collation}' if collation else ''}"


def _attributes(old: Entry, new: Entry) -> Iterable[Statement]:
    """Typed tables are of no type meanwhile, and change as it does. ALTER TYPE ... CASCADE would do that for
    them, but with DROP ATTRIBUTE it drops the views and keys that use the column as well."""
    name = qualified(*new.id.path)
    tables = _typed_before_and_after(old.state, new.state)
    for table in tables:
        yield _alter_table(table, "NOT OF")
    before = {attribute[0]: attribute for attribute in old.state.attributes}
    after = {attribute[0]: attribute for attribute in new.state.attributes}
    for gone in [attribute for attribute in before if attribute not in after]:
        message = f"drops attribute {gone} and its values"
        yield Statement(f"ALTER TYPE {name} DROP ATTRIBUTE {quote(gone)}", hazards=data_loss(new.id, message))
        for table in tables:
            yield _drop_column(table, gone)
    for attribute in new.state.ordered():
        present = before.get(attribute[0])
        if present is None:
            yield Statement(f"ALTER TYPE {name} ADD ATTRIBUTE {_clause(attribute)}")
            yield from (_alter_table(table, f"ADD COLUMN {_clause(attribute)}") for table in tables)
        elif present != attribute:
            action = f"ALTER ATTRIBUTE {_clause(attribute, ' SET DATA TYPE')}"
            message = "PostgreSQL refuses it where a column is of this type"
            hazards = (Hazard(HazardCode.MAY_FAIL, new.id, message),)
            yield Statement(f"ALTER TYPE {name} {action}", hazards=hazards)
            yield from (_retype_column(table, present, attribute) for table in tables)
    for table in tables:
        yield _alter_table(table, f"OF {name}")


def _typed_before_and_after(old: CompositeState, new: CompositeState) -> list[tuple[str, str]]:
    """The tables that are there, and of this type, all the while."""
    return [table for table in old.typed if table in new.typed]


def _alter_table(table: tuple[str, str], action: str, **more: Any) -> Statement:
    relation = qualified(*table)
    return Statement(f"ALTER TABLE {relation} {action}", on(relation), **more)


def _drop_column(table: tuple[str, str], column: str) -> Statement:
    message = f"drops column {'.'.join((*table, column))} and its values"
    return _alter_table(
        table, f"DROP COLUMN {quote(column)}", hazards=data_loss(ObjectId("table", table), message)
    )


def _retype_column(table: tuple[str, str], old: Attribute, new: Attribute) -> Statement:
    holder, (column, before, _), after = ObjectId("table", table), old, new[1]
    action = f"ALTER COLUMN {_clause(new, ' TYPE')}"
    if keeps_bytes(before, after):
        return _alter_table(table, action, cost=Cost.BUILD if old[2] != new[2] else Cost.INSTANT)
    message = f"values of column {column} are converted from {before} to {after}"
    code = HazardCode.DATA_LOSS if may_lose(before, after) else HazardCode.TABLE_REWRITE
    hazards = [Hazard(code, holder, message)]
    if not widens(before, after):
        hazards.append(Hazard(HazardCode.MAY_FAIL, holder, "a value that does not convert makes it fail"))
    return _alter_table(table, action, hazards=tuple(hazards), cost=Cost.REWRITE)


def _unless(old: CompositeState, new: CompositeState) -> str | None:
    """Values move to a new type through their text, by position: only where the names stand in one order."""
    if _typed_before_and_after(old, new):
        return None  # a table of the type could only be dropped with its rows
    before = {name: rest for name, *rest in old.attributes}
    retyped = [name for name, *rest in new.attributes if before.get(name, rest) != rest]
    names = [attribute[0] for attribute in new.ordered()]
    if retyped and names == [attribute[0] for attribute in old.ordered()]:
        return f"the type of {', '.join(retyped)} cannot be altered where a column is of the composite type"
    return None


class Composite(DataType[CompositeState]):
    """A row type that belongs to no table."""

    name = "composite"
    text_name_parts = 1
    is_ambient = True
    section = "composites"
    state = CompositeState
    document = Annotated[CompositeDocument, BeforeValidator(_short)]
    rank = 12
    rules: ClassVar[Mapping[str, Rule]] = {
        "attributes": InPlace(_attributes, unless=_unless),
        "order": Ignored("the order of existing attributes is never rebuilt"),
        "typed": Ignored("a table says for itself what it is of"),
    }

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'pg_type/' || t.oid || '/0' AS address, ARRAY[n.nspname, t.typname]::text[] AS path,
                ARRAY['pg_type/' || t.typarray || '/0', 'pg_class/' || c.oid || '/0'] AS also,
                ARRAY(
                    SELECT ARRAY[a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), CASE
                        WHEN a.attcollation <> y.typcollation THEN pg_catalog.quote_ident(cn.nspname) || '.'
                            || pg_catalog.quote_ident(co.collname) END]::text[]
                    FROM pg_catalog.pg_attribute a
                    JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
                    LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation
                    LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                    ORDER BY a.attname COLLATE "C") AS attributes,
                ARRAY(
                    SELECT a.attname::text FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                    ORDER BY a.attnum) AS "order",
                ARRAY(
                    SELECT ARRAY[tn.nspname, tc.relname]::text[]
                    FROM pg_catalog.pg_depend d
                    JOIN pg_catalog.pg_class tc ON tc.oid = d.objid AND tc.reloftype = t.oid
                    JOIN pg_catalog.pg_namespace tn ON tn.oid = tc.relnamespace
                    WHERE d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.refobjid = t.oid
                        AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0
                        AND tc.relpersistence <> 't'
                    ORDER BY 1) AS typed
            FROM pg_catalog.pg_class c
            JOIN pg_catalog.pg_type t ON t.oid = c.reltype
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind = 'c' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY n.nspname, t.typname"""

    def declare(self, name: str, document: CompositeDocument, nest: Nest) -> Iterable[Declared]:
        transition = document.transition or RenameTransition()
        attributes = ((name, other.type, other.collation) for name, other in document.attributes.items())
        yield Declared(
            ObjectId("composite", in_schema(name, nest.schema)),
            CompositeState(tuple(sorted(attributes, key=lambda item: item[0])), tuple(document.attributes)),
            former_names=transition.former_names,
            not_renamed=transition.not_renamed,
        )

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        attributes = {
            name: {"type": type_name, "collation": collation} if collation else type_name
            for name, type_name, collation in entry.state.ordered()
        }
        return written_path(entry.id.path, home), {"attributes": attributes}

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        inside = ", ".join(map(_clause, entry.state.ordered()))
        yield Statement(f"CREATE TYPE {qualified(*entry.id.path)} AS ({inside})")

    def is_compound(self, entry: Entry) -> bool:
        return True

    def narrowing(self, old: Entry, new: Entry) -> str | None:
        before = {name: type_name for name, type_name, _ in old.state.attributes}
        lossy = [
            f"attribute {name} from {before[name]} to {type_name}"
            for name, type_name, _ in new.state.attributes
            if name in before and may_lose(before[name], type_name)
        ]
        return f"values are converted: {', '.join(lossy)}" if lossy else None

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("type", *entry.id.path)
        yield ("relation", *entry.id.path)
