"""Connections: opened one way, set up one way, and refused with the way on when they cannot serve."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, LiteralString

from reconciler.core.errors import ConnectionFailed, PoolerDetected, Unsupported, UsageError
from reconciler.core.server_version import served
from reconciler.engine.connection.server_errors import connection_failed, server_error

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = [
    "Pooler",
    "connect",
    "ensure_primary",
    "opened",
    "ready_for_changes",
    "redacted",
    "server_error",
    "server_major",
    "set_local",
]

Pooler = Literal["refuse", "session", "any"]

_SECRET = frozenset({"password", "sslpassword", "oauth_client_secret"})

_DEFAULTS: dict[str, str] = {
    "connect_timeout": "10",
    "client_encoding": "UTF8",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
"""Connection parameters (seconds; tcp_user_timeout in ms) where neither the URL nor PG* says otherwise."""

_ENVIRONMENT = {"connect_timeout": "PGCONNECT_TIMEOUT", "client_encoding": "PGCLIENTENCODING"}

_NAMED_BY = {
    "service": "PGSERVICE",
    "host": "PGHOST",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "user": "PGUSER",
}

_SETTINGS: dict[str, str] = {
    "search_path": "",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "xmloption": "content",
    "standard_conforming_strings": "on",
    "transform_null_equals": "off",
    "quote_all_identifiers": "off",
    "check_function_bodies": "off",
    "default_tablespace": "",
    "default_table_access_method": "heap",
    "client_min_messages": "warning",
    "jit": "off",
}
"""What makes deparsed text and created objects the same whatever the role, the database or PG* have set."""

_FOR_READING: dict[str, str] = {
    "default_transaction_read_only": "on",
    # Reads of the catalogs set less (engine/catalog/bounded_read.py). Nothing that only reads waits forever.
    "lock_timeout": "60s",
    # What a role or a database sets for its application cuts nothing off.
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "10min",
    "idle_session_timeout": "0",
}

_FOR_CHANGES: dict[str, str] = {
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "30s",
    "idle_session_timeout": "0",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
}

_PAIRS: LiteralString = (
    "ROWS FROM (pg_catalog.unnest(%s::pg_catalog.text[]), "
    "pg_catalog.unnest(%s::pg_catalog.text[])) AS s (name, value)"
)
_SET_LOCAL: LiteralString = f"SELECT pg_catalog.set_config(s.name, s.value, true) FROM {_PAIRS}"
_SET_SESSION: LiteralString = (
    f"SELECT pg_catalog.set_config(s.name, s.value, false) FROM {_PAIRS}"
    " WHERE pg_catalog.pg_backend_pid() = coalesce(%s::pg_catalog.int4, pg_catalog.pg_backend_pid())"
)


_OWN_SETTINGS: LiteralString = "; ".join(
    (
        "SET LOCAL TimeZone TO DEFAULT",
        "SET LOCAL DateStyle TO DEFAULT",
        "SET LOCAL IntervalStyle TO DEFAULT",
    )
)
"""The default of a setting is what ALTER ROLE and ALTER DATABASE give to a new session (manual: SET)."""


def connect(
    url: str, *, application_name: str = "reconcile", read_only: bool = False, pooler: Pooler = "refuse"
) -> Connection[Any]:
    """Open a connection in autocommit, set up so that what is read and built does not depend on defaults.

    `url` is a libpq URL or keyword string; empty means PG* variables and service files. `pooler` says what is
    done where a pooler stands in between: refuse it, take the person's word that it keeps one server session
    per client, or (for reading only) set nothing on the session: then `set_local` goes into each transaction.

    Raises UsageError for what is no connection string, ConnectionFailed (with the way on, never with the
    password), PoolerDetected, and Unsupported for majors that are not served.
    """
    import psycopg

    parameters = _parameters(url) | {"application_name": application_name}
    for key, value in _DEFAULTS.items():
        if key not in parameters and _ENVIRONMENT.get(key, "") not in os.environ:
            parameters[key] = value
    try:
        # prepare_threshold: statements prepared on the server do not survive a pooler's change of session
        connection: Connection[Any] = psycopg.connect(
            "", autocommit=True, prepare_threshold=None, **parameters
        )
    except psycopg.Error as error:
        raise _refused(url, parameters, error) from None
    try:
        major = server_major(connection)
        _set(connection, _SETTINGS | (_FOR_READING | _since_17(major) if read_only else {}), pooler)
    except psycopg.Error as error:
        connection.close()
        raise _refused(url, parameters, error) from None
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def opened(
    url: str, *, application_name: str = "reconcile", read_only: bool = False, pooler: Pooler = "refuse"
) -> Iterator[Connection[Any]]:
    """`connect` as a context: the connection is closed at the end. It stays in autocommit throughout."""
    connection = connect(url, application_name=application_name, read_only=read_only, pooler=pooler)
    try:
        yield connection
    finally:
        connection.close()


def set_local(connection: Connection[Any]) -> None:
    """Set up the open transaction as `connect` sets up the session: for reading through a pooler, and after
    statements that can have set something else."""
    connection.execute(_SET_LOCAL, (list(_SETTINGS), list(_SETTINGS.values())))


def use_own_settings(connection: Connection[Any]) -> None:
    """For the open transaction, give the session the TimeZone, DateStyle and IntervalStyle of the role and
    the database: a plan converts values as the same SQL does in psql, and as the application sees them."""
    connection.execute(_OWN_SETTINGS)


def ready_for_changes(connection: Connection[Any], pooler: Pooler = "refuse") -> None:
    """Set what a session that changes a schema needs on top of `connect`: no timeouts inherited from roles.

    client_connection_check_interval ends the backend within seconds of its client's death; platforms that
    cannot poll a socket for that refuse the value and go without. Raises PoolerDetected.
    """
    import psycopg

    _set(connection, _FOR_CHANGES | _since_17(server_major(connection)), pooler)
    try:
        connection.execute("SELECT pg_catalog.set_config('client_connection_check_interval', '2s', false)")
    except psycopg.DatabaseError:
        if connection.closed:
            raise


def _since_17(major: int) -> dict[str, str]:
    return {"transaction_timeout": "0"} if major >= 17 else {}


def server_major(connection: Connection[Any]) -> int:
    """The server's major version, such as 16. Raises Unsupported for one that is not served."""
    return served(connection.info.server_version // 10000)


def ensure_primary(connection: Connection[Any]) -> None:
    """Raise Unsupported on a standby, which is read-only and would lock only itself."""
    row = connection.execute("SELECT pg_catalog.pg_is_in_recovery()").fetchone()
    if row is not None and row[0]:
        raise Unsupported(
            "the server is a standby (in recovery); schema changes go to the primary",
            hint="give the primary's URL, or all hosts with target_session_attrs=read-write",
        )


def redacted(url: str) -> str:
    """`url` as a keyword string fit for logs: host, port, database and user; secrets left out."""
    try:
        parameters = _parameters(url)
    except UsageError:
        return "(unreadable connection string)"
    shown = {key: parameters.get(key) for key in ("service", "host", "port", "dbname", "user")}
    for key, variable in _NAMED_BY.items():
        shown[key] = shown[key] or os.environ.get(variable)
    return " ".join(f"{key}={value}" for key, value in shown.items() if value) or "the default server"


def holds_secret(url: str) -> bool:
    """Whether a connection string says a password. Raises UsageError."""
    parameters = _parameters(url)
    return any(parameters.get(key) for key in _SECRET)


def _parameters(url: str) -> dict[str, Any]:
    """The parts of a connection string. Raises UsageError; libpq's words are kept only where they
    cannot hold a piece of a password."""
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    scheme = re.match(r"(?:jdbc:)?\w[\w.+-]*(?=://)|jdbc:\w+(?=:)", url)
    if scheme and scheme.group() not in ("postgres", "postgresql", ""):
        raise UsageError(
            f"a connection string that starts with {scheme.group()}: is not PostgreSQL's own",
            hint="write it as postgresql://user@host:port/database",
        )
    try:
        return dict(conninfo_to_dict(url))
    except psycopg.Error as error:
        said = str(error).strip()
        known = re.match(r"invalid (URI query parameter|connection option)", said)
        raise UsageError(
            "the connection string can't be read" + (f": {said}" if known else ""),
            hint="postgresql://user@host:port/database; special characters of a password are percent-encoded",
        ) from None


def _set(connection: Connection[Any], settings: dict[str, str], pooler: Pooler) -> None:
    """SET all in one round trip, unless the server session is not ours alone. Raises PoolerDetected.

    A pooler hands out a process id of its own making when a client connects; the server knows the true one.
    What is SET on a session that a pooler lends out would stay behind for the next client, so that nothing
    is set there in the first place.
    """
    if pooler == "any":
        return
    own = connection.info.backend_pid if pooler == "refuse" else None
    done = connection.execute(_SET_SESSION, (list(settings), list(settings.values()), own))
    if done.rowcount != len(settings):
        raise PoolerDetected(
            "the connection goes through a pooler, which can change the server session at any time",
            hint="give the URL of the server itself (other port or host than the pooler's)",
        )


def _refused(url: str, parameters: dict[str, Any], error: Exception) -> ConnectionFailed:
    secrets = [str(parameters[key]) for key in _SECRET if parameters.get(key)]
    return connection_failed(redacted(url), str(error), secrets)
