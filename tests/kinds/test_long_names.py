"""Names that PostgreSQL cuts where it makes them of longer ones: they are its own choice all the same."""

from __future__ import annotations

import pytest

from reconciler.core.constraint import chosen_name
from reconciler.core.ident import ObjectId, quote
from reconciler.kinds.column import Column
from reconciler.kinds.column.state import ColumnState
from reconciler.kinds.table import Table
from tests.kinds.constraints_schema import Database, major_of
from tests.kinds.roundtrip import read, run

KINDS = (Table(), Column())
LENGTHS = [(26, 27), (27, 26), (27, 27), (28, 28), (29, 30), (10, 60), (60, 10), (63, 63), (53, 1), (31, 33)]


def _name(prefix: str, letter: str, size: int) -> str:
    """A name of at most that many bytes."""
    return (prefix + letter * size).encode()[:size].decode(errors="ignore")


@pytest.mark.matrix
@pytest.mark.parametrize("letter", ["x", "é", "日"])
def test_what_postgresql_chooses_is_nobody_s_own_name(database: Database, letter: str) -> None:
    source = database()
    named = [(_name(f"{n}t", letter, a), _name("c", letter, b)) for n, (a, b) in enumerate(LENGTHS)]
    for table, column in named:
        identity = "integer NOT NULL GENERATED ALWAYS AS IDENTITY"
        run(source, f"CREATE TABLE public.{quote(table)} ({quote(column)} {identity})")
    catalog = read(source, KINDS)
    relations = {row[0] for row in source.execute("SELECT relname FROM pg_catalog.pg_class").fetchall()}
    for table, column in named:
        state: ColumnState = catalog[ObjectId("column", ("public", table, column))].state
        assert (state.not_null, state.not_null_name, state.identity_options) == (True, None, ())
        assert state.not_null_as_usual == (major_of(source) >= 18)
        assert chosen_name(table, (column,), "seq") in relations


def test_a_name_of_one_s_own_is_kept(database: Database) -> None:
    source = database()
    if major_of(source) < 18:
        pytest.skip("NOT NULL has a name since PostgreSQL 18")
    table, column = "t" * 60, "c" * 20
    uncut = f"{table}_{column}_not_null"[:63]
    run(source, f"CREATE TABLE public.{table} ({column} integer CONSTRAINT {uncut} NOT NULL)")
    state: ColumnState = read(source, KINDS)[ObjectId("column", ("public", table, column))].state
    assert state.not_null_name == uncut
    assert not state.not_null_as_usual
