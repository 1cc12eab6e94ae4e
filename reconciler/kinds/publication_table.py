"""The tables of publications, with the columns and rows that are published (manual: CREATE PUBLICATION)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.fragment import Document, Fragment, Names, without_defaults
from reconciler.core.ident import ObjectId, bare_name, in_schema, qualified, quote, written_bare, written_path
from reconciler.core.kind import Declared, Disturbance, Kind, Nest, Recreate, Rule
from reconciler.core.statement import Hazard, HazardCode, LockMode, Statement, on


@dataclass(frozen=True, slots=True)
class PublicationTableState:
    """What of a table is published."""

    columns: tuple[str, ...] = ()
    """Bare names, sorted; none: all, now and later (15)."""
    where: str | None = None
    """As pg_get_expr writes it (15)."""


class PublicationTableDocument(Document):
    """`tables: {users: {columns: [id, name], where: active}}` under a publication; `{}` is all."""

    columns: Names = ()
    where: Fragment | None = None


def _publication(entry: Entry) -> str:
    return quote(entry.id.path[0])


def _relation(entry: Entry) -> str:
    return qualified(*entry.id.path[1:])


class PublicationTable(Kind[PublicationTableState]):
    """A table in a publication."""

    name = "publication_table"
    section = "tables"
    parents = ("publication",)
    state = PublicationTableState
    document = PublicationTableDocument
    rank = 71
    folds_into = ("publication",)
    reparsed = True
    recreated_on = frozenset({Disturbance.RETYPED})
    rules: ClassVar[Mapping[str, Rule]] = {
        "columns": Recreate("only all tables of a publication can be set at once"),
        "where": Recreate("only all tables of a publication can be set at once"),
    }

    def query(self, major: int) -> LiteralString:
        more: LiteralString = """
                ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                    WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs::int2[])
                    ORDER BY a.attname::text COLLATE "C") AS columns,
                pg_catalog.pg_get_expr(r.prqual, r.prrelid) AS "where\""""
        none: LiteralString = """'{}'::text[] AS columns, NULL::text AS "where\""""
        return (
            """
            SELECT 'pg_publication_rel/' || r.oid || '/0' AS address,
                ARRAY[p.pubname, n.nspname, c.relname]::text[] AS path,
                'pg_publication/' || p.oid || '/0' AS parent,
                """ + (more if major >= 15 else none) + """
            FROM pg_catalog.pg_publication_rel r
            JOIN pg_catalog.pg_publication p ON p.oid = r.prpubid
            JOIN pg_catalog.pg_class c ON c.oid = r.prrelid
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            ORDER BY p.pubname, n.nspname, c.relname"""
        )  # fmt: skip

    def declare(self, name: str, document: PublicationTableDocument, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        table = ObjectId("table", in_schema(name, nest.schema))
        columns = tuple(sorted(bare_name(column) for column in document.columns))
        needs = frozenset({table, *(table.child("column", column) for column in columns)})
        state = PublicationTableState(columns, document.where)
        yield Declared(nest.parent.child(self.name, *table.path), state, nest.parent, needs)

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        state: PublicationTableState = entry.state
        data = without_defaults(
            {"columns": [written_bare(column) for column in state.columns], "where": state.where}
        )
        return written_path(entry.id.path[1:], home), data

    def clause(self, entry: Entry, clauses: Sequence[str] = ()) -> str:
        state: PublicationTableState = entry.state
        columns = f" ({', '.join(map(quote, state.columns))})" if state.columns else ""
        where = f" WHERE ({state.where})" if state.where else ""
        # Without ONLY the tables that inherit from it at the moment would come too: each has an entry.
        return f"ONLY {_relation(entry)}{columns}{where}"

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        sql = f"ALTER PUBLICATION {_publication(entry)} ADD TABLE {self.clause(entry)}"
        yield Statement(sql, on(_relation(entry), LockMode.SHARE_UPDATE_EXCLUSIVE))

    def drop(self, entry: Entry) -> Iterable[Statement]:
        relation = _relation(entry)
        message = f"subscribers of {entry.id.path[0]} receive no more of {'.'.join(entry.id.path[1:])}"
        hazards = (Hazard(HazardCode.APPLICATION_BREAK, entry.id, message),)
        sql = f"ALTER PUBLICATION {_publication(entry)} DROP TABLE ONLY {relation}"
        yield Statement(sql, on(relation, LockMode.SHARE_UPDATE_EXCLUSIVE), hazards)

    def is_recreated_on(self, entry: Entry, disturbance: Disturbance) -> bool:
        # PostgreSQL refuses to retype a column that the condition reads; a list of columns does not mind.
        return disturbance in self.recreated_on and entry.state.where is not None

    def label(self, entry: Entry) -> str:
        return f"table {'.'.join(entry.id.path[1:])} of publication {entry.id.path[0]}"
