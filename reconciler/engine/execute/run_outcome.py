"""How a run ends: written into the journal on whichever connection is left, and said with how far it came."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reconciler.core.counting import counted
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Busy, NotConverged, ReconcileError, ServerError, Stopped, Terminated
from reconciler.engine.connection.server_errors import server_error
from reconciler.engine.execute import journal
from reconciler.engine.execute.statements import StepFailed

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class Ending:
    """What is needed to end a run."""

    worker: Connection[Any]
    watcher: Connection[Any]
    run: int
    plan_id: str
    step_count: int

    @contextmanager
    def told(self) -> Iterator[None]:
        """Write down how what happens within ends.

        Raises what was raised, as an error of ours; where steps were committed and the rest was not reached,
        as Stopped. Busy, Terminated and NotConverged stay what they are.
        """
        import psycopg

        try:
            yield
        except StepFailed as failure:
            raise self._ended("failed", failure.told(), failure.error.sqlstate) from None
        except psycopg.Error as error:
            raise self._ended("stopped", server_error(error), error.sqlstate) from error
        except Terminated as error:
            raise self._ended("stopped", error) from None
        except Busy as error:
            raise self._ended("busy", error) from None
        except NotConverged as error:
            raise self._ended("not converged", error) from None
        except ReconcileError as error:
            raise self._ended("failed", error) from None
        else:
            journal.finish(self.worker, self.run, "applied")

    def _ended(
        self, outcome: journal.Outcome, error: ReconcileError, sqlstate: str | None = None
    ) -> ReconcileError:
        came = self._record(outcome, error, sqlstate)
        if came == 0 and isinstance(error, ServerError):
            error.message += "\nnothing is changed: what was done is rolled back"
        if came == 0 or isinstance(error, Busy | Terminated | NotConverged):
            return error
        far = "how far it came is not known"
        if came is not None:
            far = f"{came} of {counted(self.step_count, 'step')} are done and stay done"
        # Most hints end with it already.
        way = (error.hint or "").removesuffix("run again").removesuffix("then ").rstrip(",; ")
        hint = f"{way}, then run again to resume" if way else "run again to resume"
        return Stopped(f"{error.message}\n{far}", where=error.where, hint=hint)

    def _record(self, outcome: journal.Outcome, error: ReconcileError, sqlstate: str | None) -> int | None:
        """Finish the run in the journal; how many steps are done, None where no connection is left to ask:
        after a connection was lost during COMMIT only the journal knows."""
        for connection in (self.worker, self.watcher):
            try:
                journal.finish(connection, self.run, outcome, sqlstate, error.message)
                return len(journal.progress(connection, self.plan_id).done)
            except ReconcileError:
                continue
        return None
