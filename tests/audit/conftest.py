"""Fixtures: databases that contain the objects that a test's SQL creates."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

NewDatabase = Callable[[str], str]
"""Creates a database, runs the SQL in it, and returns its URL."""


@pytest.fixture
def loaded(database: Callable[[], str]) -> NewDatabase:
    """Create databases for this test only."""

    def new(sql: str) -> str:
        url = database()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.encode())
        return url

    return new
