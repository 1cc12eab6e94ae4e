"""The watch: beside a running step it tells who is in the way, and cancels it when the run is to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, LiteralString

from reconciler.engine.connection.blocking_session import Session
from reconciler.engine.connection.retry import Stop
from reconciler.engine.execute.progress import WaitingForLock
from reconciler.engine.plan.model import Step

if TYPE_CHECKING:
    from psycopg import Connection

_OFTEN_SECONDS, _SELDOM_SECONDS, _OFTEN = 0.1, 1.0, 50
"""How often is looked: the first fifty times often, then seldom, since the question locks the lock table."""

_BLOCKERS: LiteralString = """
    SELECT p.pid, a.application_name, a.state, a.backend_type,
        extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(a.xact_start, a.backend_start))
            ::pg_catalog.float8
    FROM pg_catalog.pg_stat_activity w
        CROSS JOIN LATERAL (SELECT DISTINCT pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid))) AS p (pid)
        LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = p.pid
    WHERE w.pid = %s AND w.wait_event_type = 'Lock'
    ORDER BY p.pid"""


class Watch:
    """Looks at the worker's session from the watcher's, in a thread, while a step runs."""

    def __init__(
        self,
        watcher: Connection[Any],
        worker: Connection[Any],
        stop: Stop,
        report: Callable[[WaitingForLock], None],
    ) -> None:
        self._watcher, self._worker, self._stop, self._report = watcher, worker, stop, report
        row = worker.execute("SELECT pg_catalog.pg_backend_pid()").fetchone()
        self._pid = row[0] if row else 0
        self._guard = threading.Lock()
        self._may_cancel = False
        self._step: Step | None = None
        self._over = threading.Event()
        self.blockers: tuple[Session, ...] = ()
        """Who was last seen in the way of the step that runs or ran last."""
        self.is_lost = False
        """Whether the watcher's session, and the lease with it, is gone."""

    @contextmanager
    def running(self) -> Iterator[Watch]:
        """The thread lives within the context."""
        thread = threading.Thread(target=self._look, name="reconcile-watch", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()

    @contextmanager
    def over(self, step: Step) -> Iterator[None]:
        """Within the context the worker runs this step and may be cancelled."""
        with self._guard:
            self._step, self._may_cancel = step, True
        try:
            yield
        finally:
            # Entering the guard waits for a cancel under way: none can hit what the worker does next.
            with self._guard:
                self._step, self._may_cancel = None, False

    def _look(self) -> None:
        looks = 0
        pause = _OFTEN_SECONDS
        while not self._over.wait(pause):
            step = self._step
            looks = looks + 1 if step is not None else 0
            pause = _OFTEN_SECONDS if looks < _OFTEN or self._stop.asked else _SELDOM_SECONDS
            if step is not None:
                self._look_at(step)
                self._cancel_if_due()

    def _look_at(self, step: Step) -> None:
        import psycopg

        try:
            blockers = tuple(Session(*row) for row in self._watcher.execute(_BLOCKERS, (self._pid,)))
        except psycopg.Error:
            self.is_lost = self._watcher.closed or self._watcher.broken
            return
        is_news = {session.pid for session in blockers} != {session.pid for session in self.blockers}
        if blockers and self._step is step:
            self.blockers = blockers
            if is_news:
                self._report(WaitingForLock(step, blockers))

    def _cancel_if_due(self) -> None:
        import psycopg

        with self._guard:
            if self._may_cancel and (self._stop.asked or self.is_lost):
                try:
                    self._worker.cancel_safe(timeout=5)
                except psycopg.Error:
                    return
