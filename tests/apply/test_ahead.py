"""What another thread makes ready for a draft: a connection that knows the queries already."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from reconciler.app import Request, make_plan, registry
from reconciler.app.planning import comparison_cache
from reconciler.app.planning.prewarm import opened_ahead
from reconciler.embedded import shared_scratch
from reconciler.engine.catalog.introspect import introspect
from reconciler.engine.elaborate.draft import BLANK


@pytest.fixture
def target(
    database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[psycopg.Connection]:
    monkeypatch.setattr(comparison_cache, "folder", lambda: tmp_path)
    with psycopg.connect(database(), autocommit=True) as connection:
        yield connection


def _scratch(target: psycopg.Connection) -> str:
    return shared_scratch(target.info.server_version // 10000).url()


def _prepared(connection: psycopg.Connection) -> set[str]:
    return {text for (text,) in connection.execute("SELECT statement FROM pg_catalog.pg_prepared_statements")}


def test_a_second_run_has_the_queries_planned(target: psycopg.Connection) -> None:
    """The first leaves word of them."""
    queries = {kind.query(target.info.server_version // 10000) for kind in registry()}
    known = []
    for _ in range(2):
        with opened_ahead(target) as ahead:
            ahead.begin()
            with ahead(_scratch(target)) as connection:
                known.append(_prepared(connection))
                introspect(connection, registry())
                assert _prepared(connection) == queries
        assert connection.closed
    assert known == [set(), queries]


def test_it_is_given_once(target: psycopg.Connection) -> None:
    with opened_ahead(target) as ahead:
        ahead.begin()
        with ahead(_scratch(target)) as first, ahead(_scratch(target)) as second:
            assert first is not second
            assert first.info.dbname == second.info.dbname == BLANK


def test_another_server_is_connected_to_where_that_is_asked(target: psycopg.Connection) -> None:
    # The same server, as somebody else spells it.
    elsewhere = make_conninfo(_scratch(target), connect_timeout=7)
    with opened_ahead(target) as ahead:
        ahead.begin()
        with ahead(elsewhere) as connection:
            assert "connect_timeout=7" in connection.info.dsn


def test_nothing_is_opened_where_nothing_was_begun(target: psycopg.Connection) -> None:
    with opened_ahead(target) as ahead, ahead(_scratch(target)) as connection:
        assert _prepared(connection) == set()
    assert connection.closed


def test_every_look_at_a_scratch_server_is_one_use_of_it(database: Callable[[], str], tmp_path: Path) -> None:
    """What a controller holds open does not grow with its turns."""
    schema = tmp_path / "schema.yaml"
    request = Request(database(), schema)
    held = []
    for number in range(3):
        schema.write_text(f"tables: {{t: {{columns: {{x: {{type: integer, default: '{number} + 1'}}}}}}}}\n")
        assert make_plan(request).steps
        links = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        held.append(len([link for link in links if link.endswith(".use")]))
    assert held[0] == held[1] == held[2]
