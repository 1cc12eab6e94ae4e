"""A server for the auditors' tests, and databases on it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.corpus.servers import NoServer, Server, ServerSource

NewDatabase = Callable[[str], str]
"""Makes a database, runs the SQL in it, returns its URL."""

_MAJORS = (18, 17, 16, 15, 14)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server of the newest major that is here."""
    source = _source()
    yield source.start()
    source.close()


def _source() -> ServerSource:
    for major in _MAJORS:
        try:
            return ServerSource(major)
        except NoServer:
            continue
    raise NoServer("no PostgreSQL found")


@pytest.fixture
def database(server: Server) -> Iterator[NewDatabase]:
    """Databases of this test's own."""
    numbers = itertools.count(1)
    made: list[str] = []

    def new(sql: str) -> str:
        name = f"audit{next(numbers)}"
        with psycopg.connect(server.url(), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        made.append(name)
        with psycopg.connect(server.url(name), autocommit=True) as connection:
            connection.execute(sql.encode())
        return server.url(name)

    yield new
    with psycopg.connect(server.url(), autocommit=True) as admin:
        for name in made:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
