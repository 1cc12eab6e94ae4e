"""Running a plan on a clone before anyone trusts it: the result must be the desired state, and rows must be
kept wherever no step says that data is lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import NotConverged
from reconciler.core.ident import ObjectId, qualified, quote
from reconciler.core.statement import HazardCode, Mode
from reconciler.engine.plan.model import Action, Plan, Step
from reconciler.engine.plan.step_path import with_path

if TYPE_CHECKING:
    from psycopg import Connection

    from reconciler.engine.prove.seed import RowEvidence

Observe = Callable[["Connection[Any]"], Mapping[ObjectId, str]]

_SHOWN = 10
_TYPE_NAMES = re.compile(r'(?:"(?:[^"]|"")+"|\w+)\.(?:"(?:[^"]|"")+"|\w+)')
"""The types of a user among what a column is made of: `app.mood` of `app.mood[]`."""


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


_ALL_SCHEMAS = r"""
    SELECT pg_catalog.string_agg(pg_catalog.quote_ident(nspname), ', ' ORDER BY nspname <> 'public', nspname)
    FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_'"""


def prove(plan: Plan, clone: Connection[Any], observe: Observe) -> Proof:
    """Seed the clone, run the plan and hold the result against what the plan promises.

    `clone` is a database in the plan's starting state. Raises NotConverged with what differs: a statement
    that failed, objects in another state, rows that are gone although no hazard said so.
    """
    from reconciler.engine.prove.seed import count_and_digest, seed

    _starts_where_it_says(plan, observe(clone))
    # A query of a table is planned with the expressions of its indexes, whose functions may lean on the path.
    (path,) = clone.execute(_ALL_SCHEMAS).fetchone() or (None,)
    with with_path(path, clone):
        seeded = seed(clone)
        before = count_and_digest(clone)
    _run(plan, clone)
    _ends_where_it_says(plan, observe(clone))
    with with_path(path, clone):
        after = count_and_digest(clone)
    missing = _missing(plan, before, after)
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
            with with_path(step.search_path, clone):
                clone.execute(sql.encode(), binary=True)
        except psycopg.Error as error:
            message = error.diag.message_primary or type(error).__name__
            raise NotConverged(
                f"on a clone with made-up rows step {step.number} ({step.label}) failed: {message}",
                hint="existing rows may fail in the same way: see the step's hazards",
            ) from None


def _missing(plan: Plan, before: Mapping[str, RowEvidence], after: Mapping[str, RowEvidence]) -> list[str]:
    """Tables and columns that hold other rows than before, though no hazard says so."""
    from reconciler.engine.prove.seed import lost

    announced = _announced(plan)
    # What a partition that goes held is announced there, and missing from the whole.
    apart = [{name: rows for name, rows in side.items() if name not in announced} for side in (before, after)]
    spelt_anew = _spelt_anew(plan, before)
    return [name for name in lost(*apart) if name not in spelt_anew and not _is_announced(name, announced)]


def _spelt_anew(plan: Plan, before: Mapping[str, RowEvidence]) -> frozenset[str]:
    """The columns of types that the plan alters, or puts others in the place of: a value under a new name is
    still that value, and one that is mapped to another was declared so."""
    altered = {qualified(*step.object.path) for step in plan.steps if _is_another(plan, step)}
    return frozenset(
        f"{table}.{quote(name)}"
        for owner, rows in before.items()
        for table in (owner, rows.root or owner)
        for name, column in rows.columns.items()
        if altered & set(_TYPE_NAMES.findall(column.type))
    )


def _is_another(plan: Plan, step: Step) -> bool:
    touch = plan.touches.get(step.object)
    is_replaced = step.action is Action.CREATE and touch is not None and touch.before is not None
    return is_replaced or step.action is Action.ALTER


def _announced(plan: Plan) -> tuple[str, ...]:
    hurt = [hazard.object for _, hazard in plan.hazards if hazard.code is HazardCode.DATA_LOSS]
    return tuple(qualified(*id.path) for id in hurt)


def _is_announced(name: str, announced: tuple[str, ...]) -> bool:
    return any(
        name == other or name.startswith(f"{other}.") or name.startswith(f"{other} ") for other in announced
    )
