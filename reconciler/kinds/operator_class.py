"""Operator classes (manual: CREATE OPERATOR CLASS)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, ClassVar, LiteralString

from reconciler.core import operator_member
from reconciler.core.address import address, named
from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Fragment, Names, without_defaults
from reconciler.core.ident import ObjectId, in_schema, qualified
from reconciler.core.kind import Declared, Disturbance, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class OperatorClassState:
    """How an access method handles a type; members as core.operator_member writes them, sorted."""

    type: str
    default: bool = False
    family: str | None = None
    """As SQL writes it; None is the family of the class's own name."""
    operators: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    storage: str | None = None
    """The type in the index; None is the class's own."""


class OperatorClassDocument(Document):
    """`money_ops using btree: {type: app.money, default: true, operators: ["1 app.<(app.money,app.money)"],
    functions: ["1 (app.money, app.money) app.compare(app.money,app.money)"]}`"""

    type: Fragment
    default: bool = False
    family: str | None = None
    operators: Names = ()
    functions: Names = ()
    storage: Fragment | None = None


class OperatorClass(Kind[OperatorClassState]):
    """An operator class; its path is schema, name and access method."""

    name = "operator_class"
    section = "operator_classes"
    state = OperatorClassState
    document = OperatorClassDocument
    rank = 24
    recreated_on = frozenset({Disturbance.RETYPED})
    rules: ClassVar[Mapping[str, Rule]] = {
        field.name: Recreate("an operator class cannot be altered") for field in fields(OperatorClassState)
    }

    def query(self, major: int) -> LiteralString:
        return (
            """
            SELECT 'pg_opclass/' || c.oid || '/0' AS address,
                ARRAY[n.nspname, c.opcname, m.amname]::text[] AS path,
                pg_catalog.format_type(c.opcintype, NULL) AS type,
                c.opcdefault AS "default",
                CASE WHEN f.opfname <> c.opcname OR f.opfnamespace <> c.opcnamespace THEN
                    pg_catalog.quote_ident(s.nspname) || '.' || pg_catalog.quote_ident(f.opfname)
                END AS family,
                coalesce(o.words, '{}') AS operators, coalesce(p.words, '{}') AS functions,
                pg_catalog.format_type(nullif(c.opckeytype, 0), NULL) AS storage,
                o.addresses || p.addresses AS also
            FROM pg_catalog.pg_opclass c
            JOIN pg_catalog.pg_namespace n ON n.oid = c.opcnamespace
            JOIN pg_catalog.pg_am m ON m.oid = c.opcmethod
            JOIN pg_catalog.pg_opfamily f ON f.oid = c.opcfamily
            JOIN pg_catalog.pg_namespace s ON s.oid = f.opfnamespace
            LEFT JOIN ("""
            + operator_member.OPERATORS
            + """) AS o ON o.class = c.oid
            LEFT JOIN ("""
            + operator_member.FUNCTIONS
            + """) AS p ON p.class = c.oid
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY 2"""
        )

    def declare(self, name: str, document: OperatorClassDocument, nest: Nest) -> Iterable[Declared]:
        id = operator_member.read_key("operator_class", name, nest.schema)
        family: str | None = None
        needs: set[ObjectId] = set()
        if document.family is not None:
            schema, own = in_schema(document.family, nest.schema)
            if (schema, own) != id.path[:2]:
                family = qualified(schema, own)
                needs.add(ObjectId("operator_family", (schema, own, id.path[2])))
        state = OperatorClassState(
            type=document.type,
            default=document.default,
            family=family,
            operators=document.operators,
            functions=document.functions,
            storage=document.storage,
        )
        yield Declared(id, state, needs=frozenset(needs))

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: OperatorClassState = entry.state
        data = without_defaults(
            {
                "type": state.type,
                "default": state.default,
                "family": operator_member.rewritten(state.family, home),
                "operators": list(state.operators),
                "functions": list(state.functions),
                "storage": state.storage,
            }
        )
        return operator_member.written_key(entry.id, home), data

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        state: OperatorClassState = entry.state
        name, _, method = named(entry.id).rpartition(" USING ")
        default = " DEFAULT" if state.default else ""
        family = f" FAMILY {state.family}" if state.family else ""
        members = operator_member.words(state.operators, state.functions)
        # A class with no member of its own must still say something.
        members.extend([f"STORAGE {state.storage or state.type}"] if state.storage or not members else [])
        inside = ",\n    ".join(members)
        yield Statement(
            f"CREATE OPERATOR CLASS {name}{default} FOR TYPE {state.type} USING {method}{family} AS\n"
            f"    {inside}"
        )

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP {address(entry.id)}")

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("operator_class", *entry.id.path)
