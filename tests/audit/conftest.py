"""Databases that hold what a test's SQL makes."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

NewDatabase = Callable[[str], str]
"""Makes a database, runs the SQL in it, returns its URL."""


@pytest.fixture
def loaded(database: Callable[[], str]) -> NewDatabase:
    """Databases of this test's own."""

    def new(sql: str) -> str:
        url = database()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.encode())
        return url

    return new
