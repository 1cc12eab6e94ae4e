"""Newer minors keep an entry of their own among the options of every column: it is not read."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from reconciler.app import live_catalog
from reconciler.audit.dumpentry import DumpEntry, normalised
from reconciler.engine.catalog.fingerprint import fingerprint

pytestmark = pytest.mark.matrix

SCHEMA = """
    CREATE TABLE public.t (id integer PRIMARY KEY, name text, place point);
    ALTER TABLE public.t ALTER COLUMN name SET (n_distinct = 5);
    CREATE INDEX t_name_idx ON public.t (name);
    CREATE INDEX t_place_idx ON public.t USING gist (place);
    CREATE MATERIALIZED VIEW public.m AS SELECT id, name FROM public.t;
    ALTER MATERIALIZED VIEW public.m ALTER COLUMN name SET (n_distinct = 6)"""
ENTRY = "pg_attver=26760960"
ADD = f"""
    SET allow_system_table_mods = on;
    UPDATE pg_catalog.pg_attribute
    SET attoptions = ARRAY['{ENTRY}'] || ARRAY(
        SELECT o FROM pg_catalog.unnest(attoptions) AS o WHERE o !~ '^pg_attver')
    WHERE attrelid >= 16384 AND attnum > 0"""


def test_it_is_neither_read_nor_does_it_move_the_fingerprint(database: Callable[[], str]) -> None:
    with psycopg.connect(database(), autocommit=True) as connection:
        connection.execute(SCHEMA.encode())
        connection.execute("SET search_path = ''")
        catalog, digest = live_catalog(connection), fingerprint(connection)
        assert ENTRY not in str([entry.state for entry in catalog])
        assert "n_distinct" in str([entry.state for entry in catalog])
        connection.execute(ADD.encode())
        again = live_catalog(connection)
        assert {entry.id: entry.state for entry in again} == {entry.id: entry.state for entry in catalog}
        assert fingerprint(connection) == digest
        connection.execute(ADD.replace("SELECT o", "SELECT pg_catalog.replace(o, '=5', '=7')").encode())
        assert fingerprint(connection) != digest


def test_a_dump_that_tells_it_says_nothing_else() -> None:
    """That of a pg_dump from before there was such an entry."""
    create, mine = "CREATE TABLE public.t (\n    a text\n);", "ALTER TABLE ONLY public.t ALTER COLUMN a SET"
    dumps = (
        (f"{create}\n{mine} ({ENTRY}, n_distinct=5);", f"{create}\n{mine} (n_distinct=5);"),
        (f"{create}\n{mine} ({ENTRY});", create),
    )
    for said, meant in dumps:
        (entry,) = normalised([DumpEntry("TABLE", "public", "t", said)], column_order=True)
        assert entry.text == meant
