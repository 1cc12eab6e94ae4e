"""Which column a sequence belongs to, so that it goes when the column goes (manual: ALTER SEQUENCE).

An entry apart from the sequence: the column's default needs the sequence, and the ownership needs the column.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, LiteralString

from reconciler.core.catalog import Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import ObjectId, dollar_quoted, literal, qualified, split_name, written_name
from reconciler.core.kind import Declared, Disturbance, InPlace, Kind, Nest, Rule
from reconciler.core.statement import LockMode, Statement, on


@dataclass(frozen=True, slots=True)
class SequenceOwnershipState:
    """The owning column as SQL writes it: `app.orders.id`."""

    column: str


def _own(entry: Entry, column: str) -> Iterable[Statement]:
    name = qualified(*entry.id.path)
    yield Statement(f"ALTER SEQUENCE {name} OWNED BY {column}", on(name, LockMode.SHARE_ROW_EXCLUSIVE))


class SequenceOwnership(Kind[SequenceOwnershipState]):
    """The tie of a sequence to a column of a table."""

    name = "sequence_ownership"
    is_local = True
    section = "owned_by"
    parents = ("sequence",)
    singleton = True
    state = SequenceOwnershipState
    document = str
    rank = 35
    # SET LOGGED and SET UNLOGGED reach owned sequences (15): each says for itself what it is.
    recreated_on = frozenset({Disturbance.RELOGGED})
    rules: ClassVar[Mapping[str, Rule]] = {"column": InPlace(lambda old, new: _own(new, new.state.column))}

    def query(self, major: int) -> LiteralString:
        return """
            SELECT 'sequence_ownership/' || c.oid || '/0' AS address,
                ARRAY[n.nspname, c.relname]::text[] AS path, 'pg_class/' || c.oid || '/0' AS parent,
                ARRAY['pg_class/' || a.attrelid || '/' || a.attnum,
                    'pg_class/' || a.attrelid || '/0'] AS needs,
                pg_catalog.quote_ident(tn.nspname) || '.' || pg_catalog.quote_ident(t.relname) || '.'
                    || pg_catalog.quote_ident(a.attname) AS "column"
            FROM pg_catalog.pg_class c
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                AND d.objid = c.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                AND d.refobjsubid > 0 AND d.deptype = 'a'
            JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
            JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
            JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
            WHERE c.relkind = 'S' AND c.relpersistence <> 't'
                AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
            ORDER BY n.nspname, c.relname"""

    def declare(self, name: str, document: str, nest: Nest) -> Iterable[Declared]:
        assert nest.parent is not None
        parts = split_name(document)
        if len(parts) not in (2, 3):
            raise ValueError(f"{document!r} is not a column, such as orders.id or app.orders.id")
        path = parts if len(parts) == 3 else (nest.schema, *parts)
        yield Declared(
            nest.parent.child("sequence_ownership"),
            SequenceOwnershipState(qualified(*path)),
            nest.parent,
            frozenset({ObjectId("column", path)}),
        )

    def write(self, entry: Entry, home: str) -> tuple[str, Any]:
        schema, table, column = split_name(entry.state.column)
        # written_name() quotes a part where it must be; a column never has a home to leave out.
        return "owned_by", f"{written_name(schema, table, home)}.{written_name('', column, '')}"

    def before_create(self, entry: Entry) -> Iterable[Statement]:
        # It must have its table's owner, whom no plan can name: only the server knows this one's.
        give = literal(f"ALTER SEQUENCE {qualified(*entry.id.path)} OWNER TO ")
        table = literal(qualified(*split_name(entry.state.column)[:-1]))
        owner = "(SELECT relowner::pg_catalog.regrole::text FROM pg_catalog.pg_class"
        owner += f" WHERE oid = {table}::pg_catalog.regclass)"
        yield Statement(f"DO {dollar_quoted(f'BEGIN EXECUTE {give} || {owner}; END')}")

    def create(self, entry: Entry, clauses: Sequence[str] = ()) -> Iterable[Statement]:
        return _own(entry, entry.state.column)

    def drop(self, entry: Entry) -> Iterable[Statement]:
        return _own(entry, "NONE")

    def label(self, entry: Entry) -> str:
        return f"ownership of sequence {'.'.join(entry.id.path)}"
