"""A draft: what is made in a transaction that is rolled back, so that an empty database stays empty.

Takes a fraction of the time of a database of one's own, which must be made, be read for the first time, and
be dropped.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, LiteralString

from reconciler.core.errors import ConnectionFailed, ServerError
from reconciler.core.ident import quote
from reconciler.engine.connection.session import opened

if TYPE_CHECKING:
    from psycopg import Connection

Blank = Callable[[str], "AbstractContextManager[Connection[Any]]"]
"""From a server's URL to a connection to its empty database, as `blank_database` opens it."""

BLANK = "reconcile_blank"
"""The database that drafts are made in: nothing is ever committed there."""

_SETTINGS: LiteralString = (
    "SET client_min_messages = error; SET statement_timeout = 0; SET lock_timeout = '2s';"
    " SET join_collapse_limit = 1"
)
"""How long a draft waits for its turn. Catalogs are small here: planning their queries takes longer than
running them."""

_TURN: LiteralString = "SELECT pg_catalog.pg_advisory_xact_lock(0)"
"""Names that PostgreSQL chooses are free in other sessions' open transactions too (18: ChooseRelationName
looks with a dirty snapshot): beside another draft `t_id_seq` would become `t_id_seq1`."""

_IS_USED: LiteralString = "SELECT EXISTS (SELECT FROM pg_catalog.pg_depend WHERE objid >= 16384)"


@contextmanager
def blank_database(admin_url: str) -> Iterator[Connection[Any]]:
    """A connection to the empty database of the server behind `admin_url`, which is made where it is missing.

    Raises ConnectionFailed, and ServerError where something is in it.
    """
    from psycopg.conninfo import make_conninfo

    url = make_conninfo(admin_url, dbname=BLANK)
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(opened(url))
        except ConnectionFailed:
            _make(admin_url)
            connection = stack.enter_context(opened(url))
        connection.execute(_SETTINGS)
        connection.prepare_threshold = sys.maxsize  # what asks for it is planned once for all its runs
        row = connection.execute(_IS_USED).fetchone()
        if row is None or row[0]:
            raise ServerError(f"the database {BLANK} is not empty", hint="drop it: it is made again")
        yield connection


def _make(admin_url: str) -> None:
    import psycopg

    with (
        opened(admin_url) as admin,
        suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation),
    ):
        admin.execute(f"CREATE DATABASE {quote(BLANK)} TEMPLATE template0".encode())


@contextmanager
def draft(connection: Connection[Any]) -> Iterator[None]:
    """A transaction that is rolled back at the end; one at a time in the whole database.

    Raises psycopg.errors.LockNotAvailable where another one takes long.
    """
    connection.execute("BEGIN")
    try:
        connection.execute(_TURN)
        yield
    finally:
        if not connection.closed:
            connection.execute("ROLLBACK")
