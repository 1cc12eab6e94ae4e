"""Timeouts that a team sets for its application, on a role or a database, do not cut a plan off."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from reconciler.engine.connection.session import opened, ready_for_changes
from tests.conftest import AnyServer

Fresh = Callable[[], str]


def _timeouts(server: AnyServer) -> list[str]:
    since_17 = ["transaction_timeout"] if server.major >= 17 else []
    return ["statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout", *since_17]


@pytest.mark.matrix
@pytest.mark.parametrize("for_changes", [False, True])
def test_timeouts_of_the_database_do_not_count(server: AnyServer, database: Fresh, for_changes: bool) -> None:
    url = database()
    with psycopg.connect(url, autocommit=True) as connection:
        name = connection.info.dbname
        for timeout in _timeouts(server):
            connection.execute(f"ALTER DATABASE {name} SET {timeout} = '1234ms'".encode())
    with opened(url, read_only=not for_changes) as connection:
        if for_changes:
            ready_for_changes(connection)
        for timeout in _timeouts(server):
            row = connection.execute(f"SHOW {timeout}".encode()).fetchone()
            assert row is not None
            assert row[0] in ("0", "30s", "10min"), timeout
