"""What the server says, as our errors: by meaning, with the way on, without secrets or row values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from reconciler.core.errors import (
    Busy,
    ConnectionFailed,
    ReconcileError,
    Refused,
    ServerError,
    is_lock_conflict,
)

if TYPE_CHECKING:
    import psycopg

_WAYS_ON: tuple[tuple[str, str], ...] = (
    (r"password authentication failed", "check user and password: in the URL, PGPASSWORD or the pass file"),
    (r"no password supplied", "give the password in PGPASSWORD or the pass file (~/.pgpass)"),
    (r'database ".*" does not exist', "create the database, or correct its name in the URL"),
    (r'role ".*" does not exist', "create the role, or correct the user in the URL"),
    (r"no pg_hba\.conf entry", "pg_hba.conf does not admit this user, database, address and TLS mode"),
    (r"permission denied for database", "GRANT CONNECT ON DATABASE ... to this role"),
    (r"translate host name|resolve host|[Nn]ame or service not known", "the host is unknown: check its name"),
    (r"Connection refused|No such file or directory", "no server listens there: is it started?"),
    (r"timeout", "the server does not answer: check address, port and firewall"),
    (r"connection slots|too many connections|too many clients", "connections are used up: try again later"),
    (r"starting up|shutting down|recovery mode|not yet accepting", "the server is not ready yet: try again"),
    (r"session is (not )?read-only|hot standby mode", "no host of the list has the role that is asked for"),
    (r"SSL|TLS|certificate", "check sslmode, sslrootcert and whether the server offers TLS"),
    (r"definition of service|service file", "the service is not in the service file (PGSERVICEFILE)"),
)

_HINTS = {
    "42501": "the role lacks a privilege, or is not (a member of) the owner",
    "53100": "the disk is full: nothing of this transaction remains; make room and run again",
    "53200": "the server is out of memory or lock slots; see max_locks_per_transaction",
    "23505": "rows that exist share a value; find and repair them, then run again",
    "23502": "rows that exist have no value; give them one, then run again",
    "23503": "rows that exist refer to nothing; find and repair them, then run again",
    "23514": "rows that exist break the check; find and repair them, then run again",
    "25006": "the session or the server is read-only",
}

_LASTING = frozenset({"0A", "22", "23", "2B", "3F", "42"})
"""Classes of errors that come again at every try (manual: PostgreSQL Error Codes): features that are not
there, values and rows that do not fit, what depends on others, names, privileges."""

_DEPENDED_ON = "2BP01"
_HELD = (
    "what the message names last holds it, and planning again changes nothing: let that go first (a key that "
    "is part of a partitioned table's index goes after ALTER TABLE ... DETACH PARTITION), and then plan again"
)
_IN_THE_WAY = (
    "in the way: {}; where that came after the plan was made, plan again; where the plan leaves it, it must "
    "go first: remove it from the YAML too, or by hand where it is not managed"
)
_MOST_NAMED = 5

_INSIDE_VALUES = "find_composite_type_dependencies"
"""The server's function that refuses to alter a type whose values are parts of others that are stored."""
_INSIDE = (
    "that column holds such values inside arrays or rows, where PostgreSQL can neither check nor convert "
    "them: give it another type first, or declare a check of a domain `not_valid: true`"
)

_UNKNOWN_NAME = ("42P01", "42704", "42883", "3F000")
_IN_FUNCTION = re.compile(r'\b(?:PL/pgSQL|SQL) function "?([^\s"(]+(?:\([^)]*\))?)')

_QUOTED = re.compile("[\"'\u00ab\u201e\u201c\u2018](.*)[\"'\u00bb\u201d\u201c\u2019]", re.DOTALL)


def connection_failed(server: str, said: str, secrets: Iterable[str] = ()) -> ConnectionFailed:
    """Why no connection was had. `said` is libpq's message, in which `secrets` are blotted out."""
    for secret in secrets:
        said = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", said)
    lines = [line for line in said.splitlines() if line.strip() and "Is the server running" not in line]
    fatal = re.findall(r"FATAL:\s+(.*)", said)
    reason = (
        fatal[-1] if fatal else re.sub(r"^.*(failed|is bad): (?=\S)", "", (lines or ["no reason given"])[-1])
    )
    hint = next((way for pattern, way in _WAYS_ON if re.search(pattern, said)), "check the connection string")
    return ConnectionFailed(f"can't connect to {server}: {reason}", hint=hint)


def server_error(
    error: psycopg.Error, statement: str | None = None, *, where: str | None = None
) -> ReconcileError:
    """`error` as one of ours: ConnectionFailed, Busy (lock conflicts) or ServerError.

    Kept are the primary message, SQLSTATE and the names of table, column, constraint and of the function that
    failed inside the statement. The rest of CONTEXT, and DETAIL (but for what depends on what), are dropped,
    since they quote rows; of a data exception (class 22) what the message quotes is kept only where the
    statement itself says it.
    """
    if is_connection_lost(error):
        return ConnectionFailed(
            "the connection to the server was lost", hint="run again: a done step stays done"
        )
    told = error.diag
    function = _failed_function(told.context)
    named = [
        f"{what} {name}"
        for what, name in (
            ("table", _dotted(told.schema_name, told.table_name)),
            ("column", told.column_name),
            ("constraint", told.constraint_name),
            ("in function", function),
        )
        if name and name not in (told.message_primary or "")
    ]
    text = _without_values(told.message_primary or "the statement failed", error.sqlstate, statement or "")
    message = f"{text} (SQLSTATE {error.sqlstate or 'unknown'}{'; ' if named else ''}{', '.join(named)})"
    if statement:
        message += f"\n    {shortened(statement)}"
    kind = _kind(error.sqlstate or "")
    hint = _HINTS.get(error.sqlstate or "", told.message_hint)
    if error.sqlstate == _DEPENDED_ON:
        hint = _in_the_way(told.message_detail or "")
    if told.source_function == _INSIDE_VALUES:
        hint = _INSIDE
    if function and error.sqlstate in _UNKNOWN_NAME:
        hint = (
            "statements run with an empty search_path: what a default or an event trigger calls must exist "
            f"and be named with its schema; or give {function} a search_path of its own (`settings`)"
        )
    return kind(message, where=where, hint=hint)


def _kind(sqlstate: str) -> type[ReconcileError]:
    if is_lock_conflict(sqlstate):
        return Busy
    return Refused if sqlstate[:2] in _LASTING else ServerError


def _in_the_way(detail: str) -> str:
    """The way on by a DETAIL that says what depends on what should go: it names objects, never rows."""
    lines = [line.partition(" depends on ")[0] for line in detail.splitlines()]
    if not lines:
        return _HELD
    more = [f"and {len(lines) - _MOST_NAMED} more"] if len(lines) > _MOST_NAMED else []
    return _IN_THE_WAY.format(", ".join([*lines[:_MOST_NAMED], *more]))


def _failed_function(context: str | None) -> str | None:
    """The innermost function of an error's CONTEXT, whose first line is the innermost."""
    found = _IN_FUNCTION.search(context or "")
    return found[1] if found else None


def is_connection_lost(error: BaseException) -> bool:
    """Whether the session is gone: nothing more can be said on this connection."""
    import psycopg

    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return False
    state = error.sqlstate
    return state is None or state.startswith("08") or state in ("57P01", "57P02", "57P03", "57P05", "25P03")


def shortened(statement: str, longest: int = 2000) -> str:
    """A statement for a message: whole up to `longest` characters."""
    return statement if len(statement) <= longest else statement[:longest] + " ..."


def _dotted(schema: str | None, name: str | None) -> str | None:
    return f"{schema}.{name}" if schema and name else name


def _without_values(message: str, sqlstate: str | None, statement: str) -> str:
    if not (sqlstate or "").startswith("22"):
        return message

    def kept(match: re.Match[str]) -> str:
        return match.group() if match.group(1) and match.group(1) in statement else "..."

    return _QUOTED.sub(kept, message)
