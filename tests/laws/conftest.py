"""A database with something of every kind, read once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from reconciler.app import live_catalog
from reconciler.core.catalog import Catalog
from tests.conftest import AnyServer

ROLES = ("law_owner", "law_member", '"Law, Reader"')
_SCRIPT = Path(__file__).parent / "rich.sql"
_PART = re.compile(r"^-- (from|until) (\d+)$", re.MULTILINE)


def script_for(major: int) -> str:
    """The statements that this major version understands."""
    first, *rest = _PART.split(_SCRIPT.read_text())
    parts = [first]
    for word, number, text in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        if (major >= int(number)) == (word == "from"):
            parts.append(text)
    return "".join(parts)


@pytest.fixture(scope="session")
def rich(alone: AnyServer) -> Iterator[psycopg.Connection[Any]]:
    """A connection to the rich database, with an empty search_path."""
    name = f"law_{uuid4().hex}"
    with psycopg.connect(alone.url(), autocommit=True) as admin:
        for role in ROLES:
            # Another worker may have made it.
            with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                admin.execute(f"CREATE ROLE {role}".encode())
        admin.execute(f"CREATE DATABASE {name}".encode())
        try:
            with psycopg.connect(alone.url(name), autocommit=True) as connection:
                connection.execute("SET client_min_messages = error; SET check_function_bodies = off")
                connection.execute(script_for(alone.major).encode())
                connection.execute("SET search_path = ''")
                yield connection
                # A database with a subscription cannot be dropped.
                connection.execute("DROP SUBSCRIPTION IF EXISTS law_subscription")
        finally:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


@pytest.fixture(scope="session")
def rich_catalog(rich: psycopg.Connection[Any]) -> Catalog:
    """What is read of the rich database."""
    return live_catalog(rich)
