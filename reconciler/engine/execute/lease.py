"""The lease: one run per database. A session-level advisory lock, polled, on a connection of its own."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Busy, ConnectionFailed
from reconciler.engine.connection.blocking_session import Session
from reconciler.engine.connection.retry import Clock, Stop
from reconciler.engine.connection.server_errors import is_connection_lost, server_error
from reconciler.engine.connection.session import Pooler, ensure_primary, opened, ready_for_changes
from reconciler.engine.execute.progress import LeaseAwaited

if TYPE_CHECKING:
    from psycopg import Connection

CLASS_KEY = 0x5265636F
"""The first int4 of the advisory lock: `Reco` in ASCII. Advisory locks are per database already."""

_POLL_SECONDS = 0.5
"""The shortest pause between two polls; jittered up to four times as long."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How long another run is waited for, and who hears of it."""

    seconds: float = 0.0
    """0: not at all."""
    clock: Clock = field(default_factory=Clock)
    stop: Stop = field(default_factory=Stop)
    report: Callable[[LeaseAwaited], None] = lambda _event: None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to change this database, for as long as the watcher's session lives."""

    watcher: Connection[Any]
    """In autocommit and never in a transaction; other queries may run on it."""

    def check(self) -> None:
        """Raise ConnectionFailed where the lease is lost."""
        import psycopg

        try:
            is_held = holds(self.watcher, "run")
        except psycopg.Error as error:
            if not is_connection_lost(error):
                raise server_error(error) from error
            is_held = False
        if not is_held:
            raise ConnectionFailed("the lease on the database was lost", hint="run again")


@contextmanager
def held(url: str, waiting: Waiting, *, application_name: str, pooler: Pooler = "refuse") -> Iterator[Lease]:
    """Hold the lease within the context. Raises Busy, naming the holder, where it is not had in time."""
    with opened(url, application_name=application_name, pooler=pooler) as watcher:
        ready_for_changes(watcher, pooler)
        ensure_primary(watcher)
        take(watcher, "run", waiting)
        try:
            yield Lease(watcher)
        finally:
            release(watcher, "run")


def take(connection: Connection[Any], scope: str, waiting: Waiting) -> None:
    """Lock `scope` for this session, polling so that nobody queues. Raises Busy and Terminated."""
    clock = waiting.clock
    end = clock.now() + waiting.seconds
    told: Session | None = None
    while not _try(connection, scope):
        found = holder(connection, scope)
        if found is not None and (told is None or found.pid != told.pid):
            waiting.report(LeaseAwaited(found))
        told = found or told
        left = end - clock.now()
        if left <= 0:
            raise Busy(
                f"another run works on this database: {told or 'it has just ended'}",
                hint="run again later, or wait for it with --wait-lock SECONDS",
            )
        waiting.stop.pause(min(left, _POLL_SECONDS * (1 + 3 * clock.random())), clock)


def release(connection: Connection[Any], scope: str) -> None:
    """Give the lock back at once; a session that is gone has given it back already."""
    import psycopg

    try:
        connection.execute("SELECT pg_catalog.pg_advisory_unlock(%s, %s)", (CLASS_KEY, key(scope)))
    except psycopg.Error:
        connection.close()


def key(scope: str) -> int:
    """The second int4 of the advisory lock."""
    number = zlib.crc32(scope.encode())
    return number - 2**32 if number >= 2**31 else number


def holds(connection: Connection[Any], scope: str) -> bool:
    """Whether this very session holds the lock."""
    row = connection.execute(
        "SELECT 1 FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2"
        " AND pid = pg_catalog.pg_backend_pid()"
        " AND classid::pg_catalog.int8 = %s AND objid::pg_catalog.int8 = %s",
        (CLASS_KEY, key(scope) % 2**32),
    ).fetchone()
    return row is not None


def holder(connection: Connection[Any], scope: str) -> Session | None:
    """The session that holds the lock, or None where it is free."""
    row = connection.execute(
        "SELECT l.pid, a.application_name, a.state, a.backend_type,"
        " extract(epoch FROM pg_catalog.clock_timestamp() - a.backend_start)::pg_catalog.float8"
        " FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid"
        " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2"
        " AND l.classid::pg_catalog.int8 = %s AND l.objid::pg_catalog.int8 = %s"
        " AND l.database ="
        " (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())",
        (CLASS_KEY, key(scope) % 2**32),
    ).fetchone()
    return None if row is None else Session(*row)


def is_at_work(connection: Connection[Any], since: datetime) -> bool | None:
    """Whether a session that can have begun a run at that time is alive and holds the lease, or carries on
    with a statement of it. None where that cannot be seen from here: on a standby, which does not have the
    locks of its primary, and by a role that may not read pg_locks."""
    import psycopg

    try:
        with connection.transaction():
            row = connection.execute(
                "SELECT pg_catalog.pg_is_in_recovery(), EXISTS (SELECT FROM pg_catalog.pg_locks l"
                " LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid"
                " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2"
                " AND l.classid::pg_catalog.int8 = %s AND l.objid::pg_catalog.int8 = ANY (%s)"
                " AND l.database ="
                " (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
                # What the role may not see of another role's session is null.
                " AND coalesce(a.backend_start <= %s, true))",
                (CLASS_KEY, [key(scope) % 2**32 for scope in ("run", "worker")], since),
            ).fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return None
    except psycopg.Error as error:
        raise server_error(error) from error
    return None if row is None or row[0] else bool(row[1])


def _try(connection: Connection[Any], scope: str) -> bool:
    import psycopg

    try:
        row = connection.execute(
            "SELECT pg_catalog.pg_try_advisory_lock(%s, %s)", (CLASS_KEY, key(scope))
        ).fetchone()
    except psycopg.Error as error:
        raise server_error(error) from error
    return bool(row and row[0])
