"""Roles for tests: they belong to the whole server, so each test has its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import psycopg


@dataclass(frozen=True, slots=True)
class Roles:
    """Names of roles that may do nothing yet."""

    owner: str
    other: str
    odd: str
    """A name that must be quoted."""


@contextmanager
def roles_on(url: str) -> Iterator[Roles]:
    """Make roles, and drop them at the end: all databases that know them must be gone by then."""
    mark = uuid4().hex[:8]
    roles = Roles(f"owner_{mark}", f"other_{mark}", f'Odd, "role" {mark}')
    names = [roles.owner, roles.other, '"' + roles.odd.replace('"', '""') + '"']
    with psycopg.connect(url, autocommit=True) as connection:
        for name in names:
            connection.execute(f"CREATE ROLE {name}".encode())
        yield roles
        for name in names:
            connection.execute(f"DROP ROLE {name}".encode())
