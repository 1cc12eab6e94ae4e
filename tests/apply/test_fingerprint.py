"""The fingerprint of the catalogs: the same for as long as nothing that is compared changes."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from reconciler.engine.catalog.fingerprint import fingerprint
from reconciler.engine.connection.session import opened

pytestmark = [pytest.mark.alone, pytest.mark.matrix]

TEMPORARY = """
    CREATE TEMPORARY TABLE t (id serial PRIMARY KEY, x text DEFAULT 'a' CHECK (x <> 'b') NOT NULL);
    CREATE INDEX ON t (x);
    CREATE TEMPORARY TABLE u (LIKE t INCLUDING ALL, FOREIGN KEY (id) REFERENCES t);
    CREATE TEMPORARY TABLE child () INHERITS (t);
    CREATE TEMPORARY VIEW v AS SELECT x FROM t;
    CREATE TYPE pg_temp.pair AS (a int, b int)"""


@pytest.fixture
def url(database: Callable[[], str]) -> str:
    made = database()
    with psycopg.connect(made, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.kept (id int PRIMARY KEY, note text DEFAULT '')")
    return made


def test_what_sessions_make_for_themselves_does_not_count(url: str) -> None:
    with opened(url, read_only=True) as reader:
        before = fingerprint(reader)
        with psycopg.connect(url, autocommit=True) as other:
            other.execute(TEMPORARY)
            assert fingerprint(reader) == before
        assert fingerprint(reader) == before


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE public.kept ADD COLUMN more int",
        "ALTER TABLE public.kept ALTER note DROP DEFAULT",
        "ALTER TABLE public.kept ALTER note SET DEFAULT 'x'",
        "ALTER TABLE public.kept DROP CONSTRAINT kept_pkey",
        "ALTER TABLE public.kept ADD CHECK (id > 0)",
        "ALTER TABLE public.kept ALTER note SET STORAGE external",
        "ALTER INDEX public.kept_pkey SET (fillfactor = 50)",
        "CREATE INDEX ON public.kept (note)",
        "CREATE TYPE public.mood AS ENUM ('ok')",
        "CREATE VIEW public.seen AS SELECT id FROM public.kept",
        "CREATE SEQUENCE public.numbers",
        "CREATE FUNCTION public.one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "COMMENT ON TABLE public.kept IS 'x'",
        "GRANT SELECT ON public.kept TO PUBLIC",
        "CREATE SCHEMA other",
    ],
)
def test_a_change_changes_it(url: str, statement: str) -> None:
    with opened(url, read_only=True) as reader:
        before = fingerprint(reader)
        with psycopg.connect(url, autocommit=True) as other:
            other.execute(statement.encode())
        assert fingerprint(reader) != before
