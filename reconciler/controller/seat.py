"""The seat: of all instances that watch a database, one works, and the others stand by.

An advisory lock of the session, on a connection of its own: it ends with the connection, so that an instance
that is killed, or cut off, is followed by another. What is changed is guarded once more by the lease of each
run (engine.lease), which people at a terminal need too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.core.errors import Busy, ReconcileError
from reconciler.engine.connection.session import Pooler, connect, ready_for_changes, redacted
from reconciler.engine.execute.lease import Waiting, holder, holds, release, take

if TYPE_CHECKING:
    from psycopg import Connection

    from reconciler.engine.connection.blocking_session import Session

SCOPE = "controller"
APPLICATION = "reconcile controller"


class Seat:
    """One instance's claim on one database."""

    def __init__(self) -> None:
        self._connection: Connection[Any] | None = None
        self._server = ""
        self.taken_by: Session | None = None
        """Who works, where it is somebody else and the server says who."""

    @property
    def is_held(self) -> bool:
        """Whether this instance believed to be the one that works when it last asked."""
        return self._connection is not None

    @property
    def connection(self) -> Connection[Any]:
        """The connection that holds the seat; other short queries may run on it."""
        assert self._connection is not None
        return self._connection

    def claim(self, url: str, pooler: Pooler) -> bool:
        """Whether the seat is ours: still, or from now on. Raises what connecting raises."""
        server = redacted(url)
        if self._connection is not None and server == self._server and self.answers():
            return True
        self.give_up()
        connection = connect(url, application_name=APPLICATION, pooler=pooler)
        try:
            ready_for_changes(connection, pooler)
            take(connection, SCOPE, Waiting(0))
        except Busy:
            self.taken_by = _seen(connection)
            connection.close()
            return False
        except BaseException:
            connection.close()
            raise
        self._connection, self._server, self.taken_by = connection, server, None
        return True

    def answers(self) -> bool:
        """Whether the seat is held this very moment, by asking the server. One that is lost is given up."""
        import psycopg

        if self._connection is None:
            return False
        try:
            is_held = holds(self._connection, SCOPE)
        except psycopg.Error:
            is_held = False
        if not is_held:
            self.give_up()
        return is_held

    def give_up(self) -> None:
        """Let another instance work. Never fails: a session that is gone has given it up already."""
        connection, self._connection = self._connection, None
        if connection is not None:
            release(connection, SCOPE)
            connection.close()


def _seen(connection: Connection[Any]) -> Session | None:
    import psycopg

    try:
        return holder(connection, SCOPE)
    except (psycopg.Error, ReconcileError):
        return None
