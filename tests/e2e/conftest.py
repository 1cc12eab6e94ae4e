"""Where pages are played: an empty folder, and for some a server with the database `shop`."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from reconciler.embedded import Server, choose, stop_at
from tests.e2e.pages import Player

SOCKETS = "/run/postgresql"
"""Where the pages say that the server's socket is."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder with a short path: a socket's path has a limit."""
    outer = Path(tempfile.mkdtemp(prefix="docs-"))
    inner = outer / "shop"
    inner.mkdir()
    yield inner
    stop_at(inner / ".reconcile" / "server")
    shutil.rmtree(outer, ignore_errors=True)


@pytest.fixture
def player(folder: Path) -> Iterator[Callable[[str], Player]]:
    """Makes a reader with a server of its own, whose database `shop` the named variable leads to."""
    with contextlib.ExitStack() as stack:

        def make(variable: str) -> Player:
            server = stack.enter_context(Server.start(choose().installation))
            with psycopg.connect(server.url(), autocommit=True) as connection:
                connection.execute("CREATE DATABASE shop")
            parts = conninfo_to_dict(server.url())
            sockets = str(parts["host"])
            given = {variable: "postgresql:///shop", "PGHOST": sockets, "PGPORT": str(parts["port"])}
            made = Player(folder, given | {"PGUSER": "postgres"}, {sockets: SOCKETS})
            stack.callback(made.close)
            return made

        yield make
