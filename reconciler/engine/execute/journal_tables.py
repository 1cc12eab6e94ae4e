"""The journal's tables: whether they are there, making them, and what is said to a role that may not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reconciler.core.errors import Blocked
from reconciler.core.ident import quote
from reconciler.engine.connection.server_errors import server_error

if TYPE_CHECKING:
    from psycopg import Connection

FORMAT = 1
"""The format of the tables in journal.sql."""


def exists(connection: Connection[Any]) -> bool:
    """Whether this database has a journal."""
    with journal_errors(connection):
        row = connection.execute(
            "SELECT pg_catalog.to_regclass('_reconcile.checkpoint') IS NOT NULL"
        ).fetchone()
    return bool(row and row[0])


def ensure(connection: Connection[Any]) -> None:
    """Create the journal where there is none; call it under the lease.

    Raises Blocked with the GRANT to run where the role may not, and where a newer version wrote the journal.
    """
    from importlib.resources import files

    if exists(connection):
        with journal_errors(connection):
            row = connection.execute("SELECT format FROM _reconcile.lease").fetchone()
        if row is None or row[0] > FORMAT:
            raise Blocked("the journal was written by a newer version of reconcile", hint="upgrade reconcile")
        return
    _require_create(connection)
    with journal_errors(connection), connection.transaction():
        connection.execute(files("reconciler.engine.execute").joinpath("journal.sql").read_bytes())


@contextmanager
def journal_errors(connection: Connection[Any]) -> Iterator[None]:
    """Errors of the journal's own statements as ours. Raises Blocked where a privilege is missing."""
    import psycopg

    try:
        yield
    except psycopg.errors.InsufficientPrivilege:
        role = quote(connection.info.user)
        # The server reports this setting from 14 on; `opened(read_only=True)` sets it.
        only_reads = connection.info.parameter_status("default_transaction_read_only") == "on"
        use, rights = ("read", "SELECT") if only_reads else ("use", "SELECT, INSERT, UPDATE")
        raise Blocked(
            f"the role {role} may not {use} the journal (schema _reconcile)",
            hint=f"GRANT USAGE ON SCHEMA _reconcile TO {role};"
            f" GRANT {rights} ON ALL TABLES IN SCHEMA _reconcile TO {role};",
        ) from None
    except psycopg.Error as error:
        raise server_error(error) from error


def _require_create(connection: Connection[Any]) -> None:
    with journal_errors(connection):
        row = connection.execute(
            "SELECT current_database(), current_user,"
            " CASE WHEN n.oid IS NULL"
            "  THEN pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')"
            "  ELSE pg_catalog.has_schema_privilege(n.oid, 'CREATE, USAGE') END, n.oid IS NULL"
            " FROM (SELECT pg_catalog.to_regnamespace('_reconcile') AS oid) n"
        ).fetchone()
    assert row is not None
    database, role, may, is_missing = row
    if not may:
        on = f"CREATE ON DATABASE {quote(database)}" if is_missing else "CREATE, USAGE ON SCHEMA _reconcile"
        raise Blocked(
            f"the role {role} may not create the journal (schema _reconcile)",
            hint=f"GRANT {on} TO {quote(role)}; or, once:"
            f" CREATE SCHEMA _reconcile AUTHORIZATION {quote(role)};",
        )
