"""What people read when the server refuses a step."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from reconciler.core.errors import ReconcileError, ServerError
from reconciler.engine.connection.server_errors import server_error
from tests.apply.conftest import Played

SCHEMA = """
functions:
  "next_event()":
    returns: integer
    language: plpgsql
    body: |
      BEGIN
          INSERT INTO events DEFAULT VALUES;
          RETURN 1;
      END
tables:
  events:
    columns: {id: {type: integer, identity: always, not_null: true}}
  hosts:
    columns:
      name: text
"""


def test_a_function_that_names_objects_without_their_schema_is_named(played: Played) -> None:
    played(SCHEMA)
    with psycopg.connect(played.url) as connection:
        connection.execute("INSERT INTO hosts VALUES ('one')")
        # The step has the database's own path: only where that does not lead there, the function fails.
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET search_path = ''".encode())
    with pytest.raises(ServerError) as refused:
        played(SCHEMA + '      event: {type: integer, default: "next_event()"}\n')
    assert "42P01; in function public.next_event()" in refused.value.message
    assert "give public.next_event() a search_path" in (refused.value.hint or "")


KEYS = """
CREATE TABLE lone (number integer CONSTRAINT lone_key UNIQUE);
CREATE TABLE log (number integer, at date) PARTITION BY RANGE (at);
CREATE TABLE log_1 (number integer, at date CONSTRAINT log_1_key UNIQUE);
ALTER TABLE log ATTACH PARTITION log_1 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE UNIQUE INDEX log_at ON log (at);
CREATE SCHEMA others;
CREATE TABLE others.notes (number integer CONSTRAINT notes_number_fkey REFERENCES lone (number));
"""


def refusal(url: str, statement: str) -> ReconcileError:
    """What we make of the server's error."""
    with psycopg.connect(url) as connection:
        connection.execute("SET search_path = ''")
        with pytest.raises(psycopg.Error) as refused:
            connection.execute(statement.encode())
    return server_error(refused.value, statement)


@pytest.mark.matrix
def test_what_stands_in_the_way_of_a_drop_is_named(database: Callable[[], str]) -> None:
    url = database()
    with psycopg.connect(url) as connection:
        connection.execute(KEYS.encode())
    by_another = refusal(url, "ALTER TABLE public.lone DROP CONSTRAINT lone_key").hint or ""
    assert "constraint notes_number_fkey on table others.notes" in by_another
    assert "plan again" in by_another
    by_a_part = refusal(url, "ALTER TABLE public.log_1 DROP CONSTRAINT log_1_key")
    assert "index public.log_at requires it" in by_a_part.message
    assert "planning again changes nothing" in (by_a_part.hint or "")
    assert "DETACH PARTITION" in (by_a_part.hint or "")
    by_its_parts = refusal(url, "DROP INDEX public.log_at").hint or ""
    assert "constraint log_1_key on table public.log_1" in by_its_parts


def test_a_type_whose_values_are_parts_of_others_is_left(database: Callable[[], str]) -> None:
    url = database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE DOMAIN size AS integer; CREATE TABLE boxes (sizes size[])")
    refused = refusal(url, "ALTER DOMAIN public.size ADD CONSTRAINT size_check CHECK (VALUE > 0)")
    assert "not_valid: true" in (refused.hint or "")
