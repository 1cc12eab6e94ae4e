"""Fixtures of the tests of apply: a database with the shop's tables."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import psycopg
import pytest

from tests.apply.shop import SETUP, run


@pytest.fixture
def url() -> Iterator[str]:
    """A fresh database with the shop's tables."""
    server = os.environ["APPLY_TEST_SERVER"]
    name = f"t_{uuid.uuid4().hex[:12]}"
    run(server, f"CREATE DATABASE {name}")
    target = psycopg.conninfo.make_conninfo(server, dbname=name)
    run(target, SETUP)
    yield target
    run(server, f"DROP DATABASE {name} WITH (FORCE)")
