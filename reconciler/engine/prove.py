"""Running a plan on a clone before anyone trusts it: the result must be the desired state, and rows must be
kept wherever no step says that data is lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from reconciler.core.errors import NotConverged
from reconciler.core.ident import ObjectId, qualified
from reconciler.core.statement import HazardCode, Mode
from reconciler.engine.plan import Plan, Step

if TYPE_CHECKING:
    from psycopg import Connection

Observe = Callable[["Connection[Any]"], Mapping[ObjectId, str]]

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Proof:
    """What was shown on the clone."""

    tables: int
    """Tables that held made-up rows."""
    rows: int
    unseeded: tuple[str, ...]
    """Tables for which no rows could be made up: nothing is proved about their rows."""

    def sentence(self) -> str:
        """What was shown, in words."""
        left = f"; no rows could be made up for {', '.join(self.unseeded)}" if self.unseeded else ""
        return (
            "proved on a clone: the result is the declared state, and made-up rows are kept where no hazard "
            f"says otherwise (rows: {self.rows}, tables: {self.tables}){left}"
        )


def prove(plan: Plan, clone: Connection[Any], observe: Observe) -> Proof:
    """Seed the clone, run the plan and hold the result against what the plan promises.

    `clone` is a database in the plan's starting state. Raises NotConverged with what differs: a statement
    that failed, objects in another state, rows that are gone although no hazard said so.
    """
    from reconciler.engine.seed import count_and_digest, lost, seed

    _starts_where_it_says(plan, observe(clone))
    seeded = seed(clone)
    before = count_and_digest(clone)
    _run(plan, clone)
    _ends_where_it_says(plan, observe(clone))
    announced = _announced(plan)
    missing = [name for name in lost(before, count_and_digest(clone)) if not _is_announced(name, announced)]
    if missing:
        raise NotConverged(
            f"on a clone the plan lost rows that no hazard announces: {', '.join(missing[:_SHOWN])}",
            hint="do not apply it; this is a defect of the planner",
        )
    rows = sum(evidence.count for evidence in before.values())
    return Proof(len(before), rows, tuple(left.table for left in seeded.unseeded))


def _starts_where_it_says(plan: Plan, found: Mapping[ObjectId, str]) -> None:
    differing = [str(id) for id, touch in plan.touches.items() if found.get(id) != touch.before]
    if differing:
        raise NotConverged(
            f"a clone of the database could not be made exactly: {', '.join(differing[:_SHOWN])}",
            hint="nothing was run; the plan can still be applied without --prove",
        )


def _ends_where_it_says(plan: Plan, found: Mapping[ObjectId, str]) -> None:
    differing = [str(id) for id, touch in plan.touches.items() if found.get(id) != touch.after]
    if differing:
        raise NotConverged(
            f"on a clone the plan did not lead to the declared state: {', '.join(differing[:_SHOWN])}",
            hint="do not apply it; this is a defect of the planner",
        )


def _run(plan: Plan, clone: Connection[Any]) -> None:
    for _, group in groupby(plan.steps, key=lambda step: step.group):
        steps = list(group)
        if steps[0].mode is Mode.ALONE:
            _execute(steps[0], clone)
            continue
        with clone.transaction():
            for step in steps:
                _execute(step, clone)


def _execute(step: Step, clone: Connection[Any]) -> None:
    import psycopg

    for sql in step.sql:
        try:
            clone.execute(sql.encode())
        except psycopg.Error as error:
            message = error.diag.message_primary or type(error).__name__
            raise NotConverged(
                f"on a clone with made-up rows step {step.number} ({step.label}) failed: {message}",
                hint="existing rows may fail in the same way: see the step's hazards",
            ) from None


def _announced(plan: Plan) -> tuple[str, ...]:
    hurt = [hazard.object for _, hazard in plan.hazards if hazard.code is HazardCode.DATA_LOSS]
    return tuple(qualified(*id.path) for id in hurt)


def _is_announced(name: str, announced: tuple[str, ...]) -> bool:
    return any(
        name == other or name.startswith(f"{other}.") or name.startswith(f"{other} ") for other in announced
    )
