"""Putting rows into tables: try a row, let the server judge it, change what it complains of, try again.

Nothing here understands a CHECK. Its constants are candidates, and the server says which of them will do.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.dataclass import dataclass
from reconciler.core.ident import literal, quote
from reconciler.engine.prove.seed.tables import SeedColumn, SeedTable, read_tables, read_types
from reconciler.engine.prove.seed.values import Values, constants

if TYPE_CHECKING:
    import psycopg

_MAX_ATTEMPTS: Final = 250
"""Rows tried before a table is given up."""
_MAX_PLACES: Final = 12
"""Leaf partitions of one table that are aimed at."""
_JOINT_CHOICES: Final = 7
"""Candidates for each column when several columns of a constraint are varied at once."""
_NULL: Final = "NULL"
_DEFAULT: Final = "DEFAULT"


@dataclass(frozen=True, slots=True)
class Unseeded:
    """A table that no made-up row fits into."""

    table: str
    """Qualified and quoted."""
    reason: str
    """The last refusal: its SQLSTATE, and the constraint where one is named; or a sentence. Never a value."""


@dataclass(frozen=True, slots=True)
class SeedReport:
    """What `seed` did."""

    rows: Mapping[str, int]
    """Rows put in, by table (qualified and quoted)."""
    unseeded: tuple[Unseeded, ...]
    fires_triggers: bool
    """Whether triggers and foreign keys were at work, as the role may not silence them."""


def seed(connection: psycopg.Connection[Any], rows_per_table: int = 2) -> SeedReport:
    """Put made-up rows into every table in the schemas of the user; into partitions through their root.

    Foreign keys point to rows that are there. Triggers and rules are kept silent where the role may do that.
    A partitioned table gets a row for each leaf, up to 12. Each table is a transaction of its own, or a
    savepoint inside the caller's. Raises psycopg.Error only when the connection breaks.
    """
    owner = _scalar(connection, "SELECT current_user")
    filler = _Filler(connection, Values(read_types(connection), quote(owner)), _may_silence(connection))
    rows: dict[str, int] = {}
    unseeded: list[Unseeded] = []
    for table in read_tables(connection):
        count, refusal = filler.fill(table, rows_per_table)
        rows[table.sql_name] = count
        if count == 0:
            unseeded.append(Unseeded(table.sql_name, refusal))
    return SeedReport(rows, tuple(unseeded), fires_triggers=not filler.is_silent)


def _scalar(connection: psycopg.Connection[Any], sql: str) -> str:
    row = connection.execute(sql, prepare=False).fetchone()
    return str(row[0]) if row else ""


def _may_silence(connection: psycopg.Connection[Any]) -> bool:
    import psycopg

    try:
        with connection.transaction(force_rollback=True):
            connection.execute("SET LOCAL session_replication_role = replica")
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why the server did not take a row."""

    reason: str
    suspects: tuple[str, ...]
    """Columns that may be to blame."""
    hints: tuple[str, ...]
    """Constants that may satisfy what refused."""


class _Filler:
    def __init__(self, connection: psycopg.Connection[Any], values: Values, is_silent: bool) -> None:
        self.is_silent = is_silent
        self._connection = connection
        self._values = values
        self._inserted: dict[int, list[dict[str, str]]] = {}
        self._type_names: dict[int, str] = {}
        self._readable: dict[tuple[str, str], bool] = {}

    def fill(self, table: SeedTable, wanted: int) -> tuple[int, str]:
        """Rows put in, and the last refusal."""
        rows = self._inserted.setdefault(table.oid, [])
        if table.is_partitioned and not table.places:
            return 0, "it has no partition"
        refusal = ""
        with self._connection.transaction():
            if self.is_silent:
                self._connection.execute("SET LOCAL session_replication_role = replica")
            for number in range(1, max(wanted, min(len(table.places), _MAX_PLACES)) + 1):
                row, reason = self._insert(table, number)
                if row is None:
                    refusal = reason
                else:
                    rows.append(row)
        return len(rows), refusal

    def _insert(self, table: SeedTable, number: int) -> tuple[dict[str, str] | None, str]:
        row = self._first_try(table, number)
        tried: dict[str, Iterator[dict[str, str]]] = {}
        reason = ""
        for _ in range(_MAX_ATTEMPTS):
            refusal = self._try(table, row)
            if refusal is None:
                return row, ""
            reason = refusal.reason
            if reason not in tried:
                tried[reason] = self._variations(table, dict(row), refusal, number)
            change = next(tried[reason], None)
            if change is None:
                break
            row |= change
        return None, reason

    def _first_try(self, table: SeedTable, number: int) -> dict[str, str]:
        """The usual value everywhere, a row that exists for each foreign key, a leaf partition in turn."""
        row = {column.name: self._choices(column, number)[0] for column in table.columns}
        if table.places:
            place = table.places[(number - 1) % len(table.places)]
            row |= {name: literal(text) for name, text in place.items() if name in row}
        for reference in table.references:
            referenced = self._inserted.get(reference.referenced)
            if not referenced or reference.referenced == table.oid:
                continue
            target = referenced[(number - 1) % len(referenced)]
            pairs = list(zip(reference.columns, reference.referenced_columns, strict=True))
            if all(own in row and target.get(other, _DEFAULT) != _DEFAULT for own, other in pairs):
                row |= {own: target[other] for own, other in pairs}
        return row

    def _choices(self, column: SeedColumn, number: int, hints: Sequence[str] = ()) -> list[str]:
        """SQL to try for a column: text constants, NULL and DEFAULT where the column allows them."""
        texts = self._values.candidates(column.type, column.modifier, number, hints)
        if self._values.is_uncertain(column.type):
            texts = self._readable_texts(column, texts)
        first, *others = [literal(text) for text in texts] or [_NULL]
        hinted = {literal(hint) for hint in hints}
        return [
            first,
            *(text for text in others if text in hinted),
            *((_NULL,) if not column.not_null else ()),
            *((_DEFAULT,) if column.has_default or column.is_identity else ()),
            *(text for text in others if text not in hinted),
        ]

    def _readable_texts(self, column: SeedColumn, texts: Iterable[str]) -> list[str]:
        """Those that the type's input function, and the checks of domains, let in."""
        if column.type not in self._type_names:
            self._type_names[column.type] = _scalar(
                self._connection, f"SELECT pg_catalog.format_type({column.type}, NULL)"
            )
        name = self._type_names[column.type]
        return [text for text in texts if self._is_readable(literal(text), name)]

    def _is_readable(self, constant: str, type_name: str) -> bool:
        import psycopg

        key = (constant, type_name)
        if key not in self._readable:
            try:
                with self._connection.transaction():
                    self._connection.execute(f"SELECT {constant}::{type_name}", prepare=False)
                self._readable[key] = True
            except psycopg.Error:
                self._readable[key] = False
        return self._readable[key]

    def _try(self, table: SeedTable, row: Mapping[str, str]) -> _Refusal | None:
        import psycopg

        names = ", ".join(quote(name) for name in row)
        given = f"({names}) OVERRIDING SYSTEM VALUE VALUES ({', '.join(row.values())})"
        try:
            with self._connection.transaction():
                self._connection.execute(
                    f"INSERT INTO {table.sql_name} {given if row else 'DEFAULT VALUES'}", prepare=False
                )
        except psycopg.Error as error:
            if self._connection.closed:
                raise
            return self._blame(table, error.diag)
        return None

    def _blame(self, table: SeedTable, said: psycopg.errors.Diagnostic) -> _Refusal:
        everything = tuple(column.name for column in table.columns)
        rule = table.rules.get(said.constraint_name or "")
        reason = " ".join(filter(None, (said.sqlstate, said.constraint_name or said.column_name)))
        if rule is not None:
            return _Refusal(reason, rule.columns or everything, constants(rule.definition))
        if said.column_name in everything:
            return _Refusal(reason, (said.column_name,), ())
        if said.sqlstate == "23514" and said.constraint_name is None and table.partition_columns:
            bounds = dict.fromkeys(text for place in table.places for text in place.values())
            return _Refusal("23514 no partition for the row", table.partition_columns, tuple(bounds))
        return _Refusal(reason, everything, ())

    def _variations(
        self, table: SeedTable, row: Mapping[str, str], refusal: _Refusal, number: int
    ) -> Iterator[dict[str, str]]:
        """Other values for the suspects: one column at a time, then together."""
        choices = {
            column.name: [row[column.name], *self._choices(column, number, refusal.hints)]
            for column in table.columns
            if column.name in refusal.suspects
        }
        start = {name: row[name] for name in choices}
        for name, own in choices.items():
            yield from (start | {name: choice} for choice in dict.fromkeys(own) if choice != row[name])
        few = [list(dict.fromkeys(own))[:_JOINT_CHOICES] for own in choices.values()]
        for together in itertools.product(*few):
            yield dict(zip(choices, together, strict=True))
