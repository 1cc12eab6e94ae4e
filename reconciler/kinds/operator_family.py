"""Operator families (manual: CREATE OPERATOR FAMILY) with the members that belong to no operator class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core import operator_member
from reconciler.core.address import address
from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Names
from reconciler.core.kind import Declared, Disturbance, InPlace, Kind, Nest, Rule
from reconciler.core.statement import Statement


@dataclass(frozen=True, slots=True)
class OperatorFamilyState:
    """Loose members, as core.operator_member writes them, sorted."""

    operators: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()


class OperatorFamilyDocument(Document):
    """`integer_ops using btree: {operators: ["1 <(integer,bigint)"], functions: [...]}`"""

    operators: Names = ()
    functions: Names = ()


def _change(old: Entry, new: Entry) -> Iterable[Statement]:
    before, after = (operator_member.words(e.state.operators, e.state.functions) for e in (old, new))
    gone = [operator_member.slot(word) for word in before if word not in after]
    come = [word for word in after if word not in before]
    if gone:
        yield Statement(f"ALTER {address(new.id)} DROP {', '.join(gone)}")
    if come:
        yield Statement(f"ALTER {address(new.id)} ADD {', '.join(come)}")


class OperatorFamily(Kind[OperatorFamilyState]):
    """An operator family; its path is schema, name and access method."""

    name = "operator_family"
    section = "operator_families"
    state = OperatorFamilyState
    document = OperatorFamilyDocument
    rank = 23
    recreated_on = frozenset({Disturbance.RETYPED})
    rules: ClassVar[Mapping[str, Rule]] = {"operators": InPlace(_change), "functions": InPlace(_change)}

    def query(self, major: int) -> LiteralString:
        return (
            """
            SELECT 'pg_opfamily/' || f.oid || '/0' AS address,
                ARRAY[n.nspname, f.opfname, m.amname]::text[] AS path,
                coalesce(o.words, '{}') AS operators, coalesce(p.words, '{}') AS functions,
                o.addresses || p.addresses AS also
            FROM pg_catalog.pg_opfamily f
            JOIN pg_catalog.pg_namespace n ON n.oid = f.opfnamespace
            JOIN pg_catalog.pg_am m ON m.oid = f.opfmethod
            LEFT JOIN ("""
            + operator_member.OPERATORS
            + """) AS o ON o.family = f.oid AND o.class = 0
            LEFT JOIN ("""
            + operator_member.FUNCTIONS
            + """) AS p ON p.family = f.oid AND p.class = 0
            WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY 2"""
        )

    def declare(self, name: str, document: OperatorFamilyDocument, nest: Nest) -> Iterable[Declared]:
        id = operator_member.read_key("operator_family", name, nest.schema)
        state = OperatorFamilyState(document.operators, document.functions)
        yield Declared(id, state)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: OperatorFamilyState = entry.state
        data = {"operators": list(state.operators), "functions": list(state.functions)}
        return operator_member.written_key(entry.id, home), {key: said for key, said in data.items() if said}

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        yield Statement(f"CREATE {address(entry.id)}")
        members = operator_member.words(entry.state.operators, entry.state.functions)
        if members:
            yield Statement(f"ALTER {address(entry.id)} ADD {', '.join(members)}")

    def drop(self, entry: Entry) -> Iterable[Statement]:
        yield Statement(f"DROP {address(entry.id)}")

    def claims_names(self, entry: Entry) -> Iterable[tuple[str, ...]]:
        yield ("operator_family", *entry.id.path)
