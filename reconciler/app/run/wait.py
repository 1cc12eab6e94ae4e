"""Whether a database has come to where a program needs it: by its journal, and without one by what it looks
like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.app.planning.comparison import live_catalog
from reconciler.app.plans.target_chain import ChainedPlan
from reconciler.app.run.target_status import FINISHED
from reconciler.core.counting import counted
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Blocked, InvalidInput
from reconciler.core.ident import ObjectId

if TYPE_CHECKING:
    from reconciler.engine.execute.journal import Run
    from reconciler.engine.plan.model import Plan

_READ_RUNS = 1000


@dataclass(frozen=True, slots=True)
class Goal:
    """A state to wait for: the end of a plan."""

    name: str
    """As a person says it: the plan's file, or the fingerprint."""
    plan_id: str | None = None
    """The plan whose end it is; None where only a fingerprint is known."""
    to_fingerprint: str = ""
    looks: Mapping[ObjectId, str | None] | None = None
    """The digests of all objects concerned, as they are to be; None where only the journal can tell."""

    @classmethod
    def of_chain(cls, chain: Sequence[ChainedPlan]) -> Goal:
        """The end of a chain that is not empty."""
        looks = {id: touch.after for one in chain for id, touch in one.plan.touches.items()}
        last = chain[-1]
        return cls(last.link.file_name, last.link.id, last.plan.to_fingerprint, looks)

    @classmethod
    def of_plan(cls, plan: Plan, name: str) -> Goal:
        """The end of one plan."""
        from reconciler.engine.plan.plan_file import plan_id

        looks = {id: touch.after for id, touch in plan.touches.items()}
        return cls(name, plan_id(plan), plan.to_fingerprint, looks)

    @classmethod
    def of_fingerprint(cls, fingerprint: str, chain: Sequence[ChainedPlan]) -> Goal:
        """The state of that fingerprint: a plan of the chain leads there, or a run has."""
        for count, one in enumerate(chain, start=1):
            if one.plan.to_fingerprint == fingerprint:
                found = cls.of_chain(chain[:count])
                return cls(fingerprint, found.plan_id, fingerprint, found.looks)
        return cls(fingerprint, None, fingerprint)


def missing(goal: Goal, url: str) -> str | None:
    """Why the database is not there yet, in a line; None where it is there, or has gone on from there.

    A role that may read the journal is enough: USAGE on schema _reconcile and SELECT on its tables. One that
    may not goes by the catalogs, which everybody may read; then a run that is still filling rows can be taken
    for one that has ended. Raises ConnectionFailed while there is no server, database or role, and where the
    server goes away meanwhile.
    """
    import psycopg

    from reconciler.engine.connection.session import server_error

    try:
        return _missing(goal, url)
    except psycopg.Error as error:
        raise server_error(error) from error


def _missing(goal: Goal, url: str) -> str | None:
    from reconciler.engine.connection.session import opened, set_local
    from reconciler.engine.execute import journal

    # Through any pooler: what is set ends with the transaction.
    with opened(url, application_name="reconcile wait", pooler="any") as connection:
        try:
            with connection.transaction():
                set_local(connection)
                runs: tuple[Run, ...] | None = journal.history(connection, _READ_RUNS)
        except Blocked:
            runs = None
    told = _by_journal(goal, runs or ())
    if told is not None:
        return told or None
    if goal.looks is None:
        if runs is None:
            raise Blocked(
                "the journal may not be read, and only it knows fingerprints",
                hint="GRANT USAGE ON SCHEMA _reconcile and SELECT ON ALL TABLES IN SCHEMA _reconcile to the"
                " role, or pass --plan FILE",
            )
        return f"no run has led to {goal.name}"
    with opened(url, application_name="reconcile wait", read_only=True) as connection:
        observed = {entry.id: entry.digest() for entry in live_catalog(connection)}
    elsewhere = sum(observed.get(id) != value for id, value in goal.looks.items())
    return (
        f"{elsewhere} of {len(goal.looks)} objects are not as {goal.name} makes them" if elsewhere else None
    )


def _by_journal(goal: Goal, runs: Sequence[Run]) -> str | None:
    """Empty where the journal says that the database is there, a reason where it says that it is not, None
    where no run was for this goal."""
    finished = [run for run in runs if run.outcome in FINISHED]
    for newer, run in enumerate(finished):
        if run.plan.to_fingerprint == goal.to_fingerprint and goal.plan_id in (None, run.plan.id):
            is_undone = any(_undoes(later, run) for later in finished[:newer])
            return f"{goal.name} was applied, and taken back" if is_undone else ""
    begun = next((run for run in runs if goal.plan_id is not None and run.plan.id == goal.plan_id), None)
    if begun is None:
        return None
    steps = f"{begun.done} of {counted(begun.plan.step_count, 'step')}"
    return f"run {begun.id} of {goal.name}: {begun.outcome}, {steps}"


def _undoes(later: Run, run: Run) -> bool:
    """Whether a later run brought an object back from what this run made of it to what it was before."""
    from reconciler.engine.plan import plan_file

    try:
        done, undone = (plan_file.load(one.plan.body, f"run {one.id}").touches for one in (run, later))
    except InvalidInput:
        return False
    return any(
        touch.before != touch.after
        and id in undone
        and (undone[id].before, undone[id].after) == (touch.after, touch.before)
        for id, touch in done.items()
    )
