"""The journal: what was run on a database and how far it came, kept in the database in schema _reconcile.

The row that says that a step is done is written in the transaction that does it, so that both happen or
neither. The tables are in journal.sql.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from reconciler.core.dataclass import dataclass
from reconciler.core.ident import ObjectId
from reconciler.engine.execute.journal_tables import ensure, exists, journal_errors
from reconciler.engine.execute.lease import is_at_work
from reconciler.engine.plan.model import Step

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = [
    "Outcome",
    "PlanText",
    "Progress",
    "Run",
    "begin",
    "ensure",
    "exists",
    "finish",
    "finished_runs",
    "history",
    "holds_fence",
    "last_applied",
    "mark",
    "next_fence",
    "progress",
    "save_checkpoint",
]

Outcome = Literal["applied", "adopted", "failed", "busy", "stopped", "not converged"]


@dataclass(frozen=True, slots=True)
class PlanText:
    """A plan as the journal keeps it."""

    id: str
    from_fingerprint: str
    to_fingerprint: str
    step_count: int
    body: str
    """The plan file."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a plan, as the journal tells it."""

    id: int
    plan: PlanText
    outcome: str
    """running, applied, adopted, failed, busy, stopped, not converged; interrupted: it was killed, and no
    session of it is left; running or interrupted, where that cannot be seen."""
    done: int
    """How many steps this run itself did."""
    started_at: datetime
    finished_at: datetime | None
    role_name: str
    tool_version: str
    resumes: int | None
    error_sqlstate: str | None
    error_message: str | None
    earlier: int = 0
    """How many steps the runs that it resumes had done."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an unfinished run of a plan came."""

    first_run: int | None = None
    """The run that began it; None where nothing is unfinished."""
    done: frozenset[int] = frozenset()
    unsettled: frozenset[int] = frozenset()
    """Steps outside a transaction that were begun and not seen to end."""
    checkpoint: Mapping[ObjectId, str] | None = None
    """Digests after the last committed step; None where the run ended before they were written."""


def next_fence(connection: Connection[Any]) -> int:
    """Take the next fencing number: from here on no earlier run can commit a step."""
    with journal_errors(connection):
        row = connection.execute("UPDATE _reconcile.lease SET fence = fence + 1 RETURNING fence").fetchone()
    assert row is not None
    return int(row[0])


def holds_fence(connection: Connection[Any], fence: int) -> bool:
    """Whether no later run has begun. Within a transaction none can begin before its end."""
    row = connection.execute("SELECT 1 FROM _reconcile.lease WHERE fence = %s FOR SHARE", (fence,)).fetchone()
    return row is not None


def begin(
    connection: Connection[Any], plan: PlanText, fence: int, tool_version: str, resumes: int | None = None
) -> int:
    """Write down that a run begins; the number of the run."""
    with journal_errors(connection), connection.transaction():
        connection.execute(
            "INSERT INTO _reconcile.plan (id, from_fingerprint, to_fingerprint, step_count, body)"
            " VALUES (%s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING",
            (plan.id, plan.from_fingerprint, plan.to_fingerprint, plan.step_count, plan.body),
        )
        row = connection.execute(
            "INSERT INTO _reconcile.run (plan_id, fence, tool_version, resumes)"
            " VALUES (%s, %s, %s, %s) RETURNING id",
            (plan.id, fence, tool_version, resumes),
        ).fetchone()
        assert row is not None
        # The lease is ours: whatever is said to be running is not.
        connection.execute(
            "UPDATE _reconcile.run SET outcome = 'stopped', error_message ="
            " CASE WHEN coalesce(resumes, id) = %s THEN 'resumed' ELSE 'followed' END"
            " || pg_catalog.concat(' by run ', %s::pg_catalog.int8, ': it ended without a word')"
            " WHERE outcome = 'running' AND id < %s",
            (resumes, row[0], row[0]),
        )
    return int(row[0])


def mark(
    connection: Connection[Any], run: int, steps: Iterable[Step], status: str, sqlstate: str | None = None
) -> None:
    """Write down a status (running, done, failed) of steps: in the open transaction, if there is one."""
    told = tuple(steps)
    connection.execute(
        "INSERT INTO _reconcile.step (run_id, number, status, label, started_at, finished_at, error_sqlstate)"
        " SELECT %(run)s, s.number, %(status)s, s.label, pg_catalog.now(),"
        "  CASE WHEN %(status)s <> 'running' THEN pg_catalog.clock_timestamp() END, %(sqlstate)s"
        " FROM ROWS FROM (pg_catalog.unnest(%(numbers)s::pg_catalog.int4[]),"
        "  pg_catalog.unnest(%(labels)s::pg_catalog.text[])) AS s (number, label)"
        " ON CONFLICT (run_id, number) DO UPDATE SET status = EXCLUDED.status,"
        "  finished_at = EXCLUDED.finished_at, error_sqlstate = EXCLUDED.error_sqlstate",
        {
            "run": run,
            "status": status,
            "sqlstate": sqlstate,
            "numbers": [step.number for step in told],
            "labels": [step.label for step in told],
        },
    )


def save_checkpoint(
    connection: Connection[Any], run: int, done: Iterable[int], digests: Mapping[ObjectId, str]
) -> None:
    """Write down what the plan's objects look like now that these steps are done."""
    with journal_errors(connection):
        connection.execute(
            "INSERT INTO _reconcile.checkpoint (run_id, done, digests) VALUES (%s, %s, %s::pg_catalog.jsonb)"
            " ON CONFLICT (run_id) DO UPDATE SET done = EXCLUDED.done, digests = EXCLUDED.digests",
            (run, sorted(done), json.dumps({str(id): value for id, value in sorted(digests.items())})),
        )


def finish(
    connection: Connection[Any],
    run: int,
    outcome: Outcome,
    sqlstate: str | None = None,
    message: str | None = None,
) -> None:
    """Write down how a run ended."""
    with journal_errors(connection):
        connection.execute(
            "UPDATE _reconcile.run SET outcome = %s, finished_at = pg_catalog.clock_timestamp(),"
            " error_sqlstate = %s, error_message = %s WHERE id = %s",
            (outcome, sqlstate, message, run),
        )


def progress(connection: Connection[Any], plan_id: str) -> Progress:
    """How far the latest unfinished run of a plan, with the runs that it resumed, came."""
    if not exists(connection):
        return Progress()
    with journal_errors(connection):
        latest = connection.execute(
            "SELECT coalesce(resumes, id) FROM _reconcile.run WHERE plan_id = %s ORDER BY id DESC LIMIT 1",
            (plan_id,),
        ).fetchone()
        if latest is None or _is_finished(connection, latest[0]):
            return Progress()
        rows = connection.execute(
            "SELECT s.number, s.status FROM _reconcile.step s JOIN _reconcile.run r ON r.id = s.run_id"
            " WHERE coalesce(r.resumes, r.id) = %s ORDER BY s.run_id",
            latest,
        ).fetchall()
        saved = connection.execute(
            "SELECT c.done, c.digests FROM _reconcile.checkpoint c JOIN _reconcile.run r ON r.id = c.run_id"
            " WHERE coalesce(r.resumes, r.id) = %s ORDER BY c.run_id DESC LIMIT 1",
            latest,
        ).fetchone()
    done = frozenset(number for number, status in rows if status == "done")
    begun = frozenset(number for number, _ in rows) - done
    checkpoint = None
    if saved is not None and frozenset(saved[0]) == done:
        checkpoint = {ObjectId.parse(id): value for id, value in saved[1].items()}
    return Progress(latest[0], done, begun, checkpoint) if done or begun else Progress()


def history(connection: Connection[Any], limit: int = 100) -> tuple[Run, ...]:
    """The latest runs, newest first; none where there is no journal."""
    return _seen(connection, limit) if exists(connection) else ()


def last_applied(connection: Connection[Any]) -> Run | None:
    """The run that last brought the database to the end of a plan (or adopted it), or None."""
    if not exists(connection):
        return None
    runs = _runs(connection, b"WHERE r.outcome IN ('applied', 'adopted')", (1,))
    return runs[0] if runs else None


def finished_runs(connection: Connection[Any], plan_ids: Iterable[str]) -> Mapping[str, int]:
    """Which of these plans a run has brought this database to the end of, with the last such run."""
    if not exists(connection):
        return {}
    with journal_errors(connection):
        rows = connection.execute(
            "SELECT plan_id, pg_catalog.max(id) FROM _reconcile.run"
            " WHERE plan_id = ANY (%s) AND outcome IN ('applied', 'adopted') GROUP BY plan_id",
            (list(plan_ids),),
        ).fetchall()
    return dict(rows)


def _seen(connection: Connection[Any], limit: int) -> tuple[Run, ...]:
    """The latest runs; of one that the journal says is running, whether it is."""
    runs = _runs(connection, b"", (limit,))
    begun = next((run for run in runs if run.outcome == "running"), None)
    is_held = begun is None or is_at_work(connection, begun.started_at)
    if begun is None or is_held:
        return runs
    outcome = "running or interrupted" if is_held is None else "interrupted"
    # It can have ended in between: that is written before the lease is given back.
    again = _runs(connection, b"", (limit,))
    return tuple(
        dataclasses.replace(run, outcome=outcome) if (run.id, run.outcome) == (begun.id, "running") else run
        for run in again
    )


def _runs(connection: Connection[Any], where: bytes, parameters: tuple[object, ...]) -> tuple[Run, ...]:
    query = (
        b"SELECT r.id, p.id, p.from_fingerprint, p.to_fingerprint, p.step_count, p.body, r.outcome,"
        b" (SELECT pg_catalog.count(*) FROM _reconcile.step s WHERE s.run_id = r.id AND s.status = 'done'),"
        b" r.started_at, r.finished_at, r.role_name, r.tool_version, r.resumes, r.error_sqlstate,"
        b" r.error_message, CASE WHEN r.resumes IS NULL THEN 0 ELSE (SELECT pg_catalog.count(*)"
        b" FROM _reconcile.run e JOIN _reconcile.step s ON s.run_id = e.id AND s.status = 'done'"
        b" WHERE e.plan_id = r.plan_id AND coalesce(e.resumes, e.id) = r.resumes AND e.id < r.id) END"
        b" FROM _reconcile.run r JOIN _reconcile.plan p ON p.id = r.plan_id "
        + where
        + b" ORDER BY r.id DESC LIMIT %s"
    )
    with journal_errors(connection):
        rows = connection.execute(query, parameters).fetchall()
    return tuple(Run(row[0], PlanText(*row[1:6]), *row[6:]) for row in rows)


def _is_finished(connection: Connection[Any], first_run: int) -> bool:
    row = connection.execute(
        "SELECT pg_catalog.bool_or(outcome IN ('applied', 'adopted', 'not converged')) FROM _reconcile.run"
        " WHERE coalesce(resumes, id) = %s",
        (first_run,),
    ).fetchone()
    return bool(row and row[0])
