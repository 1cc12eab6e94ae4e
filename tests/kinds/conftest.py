"""Kinds are tested over open connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest


@pytest.fixture
def database(database: Callable[[], str]) -> Iterator[Callable[[], psycopg.Connection[Any]]]:
    """Makes an empty database at each call and returns a connection to it (autocommit)."""
    with ExitStack() as connections:
        yield lambda: connections.enter_context(psycopg.connect(database(), autocommit=True))
