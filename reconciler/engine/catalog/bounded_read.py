"""Reading the catalogs where somebody holds a lock: for a bounded time, with words, and in nobody's way.

PostgreSQL's functions that put definitions into words (pg_get_viewdef, pg_get_expr) lock the relation that
they are about, so that they wait for whoever holds it ACCESS EXCLUSIVE.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar

from reconciler.core.errors import Busy, UsageError
from reconciler.engine.connection.blocking_session import Session
from reconciler.engine.connection.retry import Clock, Stop

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["LONGEST_SECONDS", "VARIABLE", "as_long_as", "in_the_way", "listen", "patiently"]

VARIABLE = "RECONCILE_READ_WAIT"
"""How long is waited in all, in seconds."""
LONGEST_SECONDS = 60.0
LOCK_TIMEOUT: LiteralString = "400ms"
"""For one try. Below deadlock_timeout (1 s): the locks that reading holds meanwhile never make an application
the victim of a deadlock."""
_PAUSE_SECONDS = 0.6
_SHOWN = 3

_HOLDERS: LiteralString = """
    SELECT (pg_catalog.array_agg(DISTINCT n.nspname || '.' || c.relname))[:4], l.pid, a.application_name,
        a.state, a.backend_type,
        extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(a.xact_start, a.backend_start))
            ::pg_catalog.float8
    FROM pg_catalog.pg_locks l
        JOIN pg_catalog.pg_class c ON c.oid = l.relation AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname NOT LIKE 'pg\\_%'
        LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.granted
        AND l.pid <> pg_catalog.pg_backend_pid()
        AND l.database =
            (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
    GROUP BY l.pid, a.application_name, a.state, a.backend_type, a.xact_start, a.backend_start
    ORDER BY l.pid"""

_LOGGER = logging.getLogger("reconcile.reading")


def _is_news(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("error ignored terminating")


# After a statement of a pipeline has failed psycopg warns of the others, which cannot go on.
logging.getLogger("psycopg").addFilter(_is_news)

T = TypeVar("T")


class _Listener(logging.Handler):
    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(record.getMessage())


def listen(tell: Callable[[str], None]) -> None:
    """From now on `tell`, and nobody else, hears whom reading waits for; from the thread that reads."""
    _LOGGER.handlers, _LOGGER.propagate = [_Listener(tell)], False


def patiently(read: Callable[[], T], connection: Connection[Any], stop: Stop | None = None) -> T:
    """What `read` returns; tried again while it ends with lock_not_available, with no lock held between.

    Raises Busy where that goes on too long (`as_long_as`), and Terminated where `stop` is asked.
    """
    import psycopg

    clock, stop = Clock(), stop or Stop()
    longest = as_long_as()
    end = clock.now() + longest
    told: frozenset[int] = frozenset()
    while True:
        stop.check()
        try:
            return read()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            holders = in_the_way(connection)
        held = "; ".join(holders.values()) or "a relation, by a session that has just ended"
        if told != holders.keys() and clock.now() < end:
            _LOGGER.warning("reading the catalogs waits for a lock on %s", held)
            told = frozenset(holders)
        left = end - clock.now()
        if left <= 0:
            raise Busy(
                f"the catalogs cannot be read: for {longest:g} s it waits for a lock on {held}",
                hint=f"end that session or wait for it, then run again; {VARIABLE}=SECONDS waits longer",
            )
        stop.pause(min(left, _PAUSE_SECONDS * (0.5 + clock.random())), clock)


def as_long_as() -> float:
    """Seconds that a lock is waited for in all. Raises UsageError for what is no number."""
    said = os.environ.get(VARIABLE, "")
    try:
        seconds = float(said) if said else LONGEST_SECONDS
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e6:
        raise UsageError(f"{VARIABLE} is {said!r}; expected seconds, such as 60")
    return seconds


def in_the_way(connection: Connection[Any]) -> dict[int, str]:
    """Who holds relations of this database so that they cannot even be read, by process id."""
    found = {}
    for relations, *session in connection.execute(_HOLDERS):
        names = ", ".join(relations[:_SHOWN]) + (" and more" if len(relations) > _SHOWN else "")
        found[session[0]] = f"{names} held by {Session(*session)}"
    return found
