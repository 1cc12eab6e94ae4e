"""Drafts: what is built in a transaction reads as in a database of its own, and nothing stays of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from reconciler.app import Request, make_plan, registry
from reconciler.core.errors import ServerError
from reconciler.embedded import shared_scratch
from reconciler.engine.catalog.introspect import introspect
from reconciler.engine.declaration.load import load
from reconciler.engine.elaborate.draft import BLANK, blank_database, draft
from reconciler.engine.elaborate.scratch import elaborate, scratch_database
from tests.conftest import AnyServer

_SCHEMA = """
enums:
  mood: [sad, ok]
domains:
  email: {type: text, checks: {has_at: "VALUE ~ '@'"}}
tables:
  people:
    columns:
      id: {type: bigint, identity: always}
      mail: {type: email, not_null: true}
      mood: {type: mood, default: "'ok'"}
    primary_key: {columns: [id]}
    indexes:
      people_mail: {columns: [lower(mail)], unique: true}
views:
  happy: {query: "SELECT id, mail FROM people WHERE mood = 'ok'"}
functions:
  shout(text): {language: sql, returns: text, body: SELECT upper($1)}
"""


@pytest.fixture
def blank(server: AnyServer) -> Iterator[psycopg.Connection]:
    with blank_database(server.url()) as connection:
        yield connection


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    path = tmp_path / "schema.yaml"
    path.write_text(_SCHEMA)
    return path


def _is_empty(server: AnyServer) -> bool:
    with blank_database(server.url()):
        return True


def test_a_draft_reads_as_a_database_of_its_own(
    schema: Path, blank: psycopg.Connection, server: AnyServer
) -> None:
    written = load(schema, registry())
    with draft(blank):
        drafted = elaborate(written, blank, registry())
    with scratch_database(server.url()) as connection:
        built = elaborate(written, connection, registry())
    assert drafted == built
    assert "view:public.happy" in map(str, drafted.catalog.entries)


def test_nothing_stays_of_a_draft(schema: Path, blank: psycopg.Connection, server: AnyServer) -> None:
    before = introspect(blank, registry())
    with draft(blank):
        elaborate(load(schema, registry()), blank, registry())
    assert introspect(blank, registry()) == before
    assert _is_empty(server)


_OUT_OF_ORDER = """
functions:
  a(): {language: sql, returns: integer, body: "SELECT 1;"}
  b(): {language: sql, returns: things, body: "SELECT NULL::public.things;"}
tables:
  things: {columns: {id: integer}}
"""


@pytest.mark.parametrize("begun", [draft, nullcontext], ids=["draft", "database"])
def test_what_was_made_before_what_fails_is_made_again(
    begun: Callable[[psycopg.Connection], AbstractContextManager[None]], tmp_path: Path, server: AnyServer
) -> None:
    (path := tmp_path / "schema.yaml").write_text(_OUT_OF_ORDER)
    with scratch_database(server.url()) as connection, begun(connection):
        built = elaborate(load(path, registry()), connection, registry())
    assert {f"function:public.{name}()" for name in "ab"} <= {str(id) for id in built.catalog.entries}


def test_a_blank_database_that_is_not_blank_is_refused(server: AnyServer) -> None:
    with blank_database(server.url()) as connection:
        connection.execute("CREATE TABLE public.in_the_way (id integer)")
    try:
        with pytest.raises(ServerError, match=f"{BLANK} is not empty"), blank_database(server.url()):
            pass
    finally:
        with psycopg.connect(make_conninfo(server.url(), dbname=BLANK), autocommit=True) as connection:
            connection.execute("DROP TABLE public.in_the_way")


def test_there_is_one_draft_at_a_time(server: AnyServer) -> None:
    with ExitStack() as stack:
        first, second = (stack.enter_context(blank_database(server.url())) for _ in range(2))
        second.execute("SET lock_timeout = '20ms'")
        with draft(first), pytest.raises(psycopg.errors.LockNotAvailable), draft(second):
            pass
        with draft(second):
            second.execute("CREATE TYPE public.same AS ENUM ('a')")


def test_names_that_postgresql_chooses_are_those_of_an_empty_database(
    database: Callable[[], str], tmp_path: Path
) -> None:
    """PostgreSQL looks for a free name among what other sessions have not committed too (18:
    ChooseRelationName), and the sequence of an identity is named before its table has to wait."""
    url = database()
    path = tmp_path / "schema.yaml"
    path.write_text("tables:\n  t: {columns: {id: {type: bigint, identity: always}}}\n")
    with psycopg.connect(url, autocommit=True) as connection:
        major = connection.info.server_version // 10000
    scratch = shared_scratch(major).url()
    with ThreadPoolExecutor(max_workers=1) as beside:
        with blank_database(scratch) as in_the_way, draft(in_the_way):
            in_the_way.execute("CREATE TABLE public.t (id bigint GENERATED ALWAYS AS IDENTITY)")
            plan = beside.submit(make_plan, Request(url, path))
            _until_someone_waits(scratch, in_the_way.info.backend_pid)
        steps = plan.result().steps
    assert "SEQUENCE NAME" not in "".join(sql for step in steps for sql in step.sql)


def _until_someone_waits(scratch: str, for_pid: int) -> None:
    query = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid)))"
    with psycopg.connect(scratch, autocommit=True) as connection:
        for _ in range(400):
            row = connection.execute(query, [for_pid]).fetchone()
            if row and row[0]:
                return
            time.sleep(0.01)
    raise AssertionError("nobody waits")


def test_where_a_draft_does_not_serve_a_database_of_its_own_does(
    database: Callable[[], str], tmp_path: Path
) -> None:
    url = database()
    path = tmp_path / "schema.yaml"
    path.write_text("enums: {mood: [sad]}\ntables:\n  t: {columns: {id: bigint}}\n")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.t (id bigint)")
        major = connection.info.server_version // 10000
    with blank_database(shared_scratch(major).url()) as in_the_way, draft(in_the_way):
        in_the_way.execute("CREATE TYPE public.mood AS ENUM ('sad')")
        steps = make_plan(Request(url, path)).steps
    assert [str(step.object) for step in steps] == ["enum:public.mood"]
