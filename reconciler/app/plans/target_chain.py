"""Where a database stands in a target's chain of plans, and what comes next."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.app.planning.comparison import live_catalog
from reconciler.app.plans.plan_files import Saved, read_plan
from reconciler.core.counting import counted
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import InvalidInput, Stale
from reconciler.core.ident import ObjectId

if TYPE_CHECKING:
    from psycopg import Connection

    from reconciler.engine.chain.chain import Link
    from reconciler.engine.plan.model import Plan


@dataclass(frozen=True, slots=True)
class ChainedPlan:
    """A plan of the chain with its file."""

    link: Link
    path: Path
    plan: Plan
    text: str
    replaces: tuple[Link, ...] = ()
    """The plans that were squashed into this one, in order."""

    @property
    def saved(self) -> Saved:
        """The file as it was read, which is what a signature is of."""
        return Saved(self.path, self.text)


@dataclass(frozen=True, slots=True)
class Place:
    """How far along its chain a database is."""

    done: tuple[ChainedPlan, ...]
    pending: tuple[ChainedPlan, ...]


def read_plans(folder: Path) -> tuple[ChainedPlan, ...]:
    """The plans of a chain in order; none where there is no chain. Raises InvalidInput where it is broken."""
    if not folder.exists():
        return ()

    from reconciler.engine.chain.chain import read_history, verify_chain

    if problems := verify_chain(folder):
        raise InvalidInput.of(problems)
    found = []
    history = read_history(folder)
    for link in history:
        if link.squashed_into is None:
            path = folder / link.file_name
            plan, text = read_plan(path)
            replaces = tuple(one for one in history if one.squashed_into == link.number)
            found.append(ChainedPlan(link, path, plan, text, replaces))
    return tuple(found)


def place_in(plans: Sequence[ChainedPlan], url: str) -> Place:
    """How far along the chain the database is: by its journal, and without one by what it looks like.

    Raises Stale where neither tells.
    """
    from reconciler.engine.connection.session import opened

    with opened(url, read_only=True) as connection:
        return place_of(plans, connection)


def place_of(plans: Sequence[ChainedPlan], connection: Connection[Any]) -> Place:
    """`place_in` on an open connection."""
    if not plans:
        return Place((), ())
    count = _by_journal(plans, connection)
    if count is None:
        count = place_by_looks(plans, connection)
    if count is None:
        raise Stale(
            f"the database is at none of the states of the chain ({counted(len(plans), 'plan')}), and its"
            " journal names none",
            hint="reconcile status and reconcile plan tell what differs; reconcile adopt takes it as it is",
        )
    return Place(tuple(plans[:count]), tuple(plans[count:]))


def place_by_looks(plans: Sequence[ChainedPlan], connection: Connection[Any]) -> int | None:
    """How many of the plans the database is after, going by all that the chain touches; the most that fit."""
    observed = {entry.id: entry.digest() for entry in live_catalog(connection)}
    states = _states(plans)
    return next((count for count in range(len(plans), -1, -1) if _agree(states[count], observed)), None)


def _by_journal(plans: Sequence[ChainedPlan], connection: Connection[Any]) -> int | None:
    """After which plan of the chain the last finished run left the database; None where no run is of it.

    Raises Stale where it stopped between plans that were squashed since.
    """
    from reconciler.engine.execute import journal

    numbers = {chained.link.id: number for number, chained in enumerate(plans, start=1)}
    between: dict[str, tuple[Link, ChainedPlan]] = {}
    for number, chained in enumerate(plans, start=1):
        for link in chained.replaces[:-1]:
            between[link.id] = (link, chained)
        # The last of them leaves a database where the plan that replaces them does.
        numbers |= {link.id: number for link in chained.replaces[-1:]}
    found = 0
    for run in journal.history(connection, 1000):
        if run.outcome not in ("applied", "adopted"):
            continue
        if run.plan.id in numbers:
            found = max(found, numbers[run.plan.id])
            if run.outcome == "adopted" or run.done:
                return found
            # A plan that was done already: the database can be beyond it.
        elif run.plan.id in between and not found:
            raise _amid_squashed(*between[run.plan.id])
    return found or None


def _amid_squashed(link: Link, chained: ChainedPlan) -> Stale:
    last = chained.replaces[-1]
    return Stale(
        f"the database is after plan {link.number:04}_{link.slug}, one of those that were squashed into "
        f"{chained.link.file_name}",
        hint=f"take it to {last.number:04}_{last.slug} first, with the plans as they were before the squash "
        f"(git log -- {chained.path.parent / 'CHAIN'}, then reconcile apply --all from there); or let it "
        "follow the schema folder alone: reconcile plan --out FILE, reconcile apply FILE",
    )


def _states(plans: Sequence[ChainedPlan]) -> list[dict[ObjectId, str | None]]:
    """What all touched objects look like before the first plan, and after each."""
    start: dict[ObjectId, str | None] = {}
    for chained in plans:
        for id, touch in chained.plan.touches.items():
            start.setdefault(id, touch.before)
    states = [start]
    for chained in plans:
        states.append({**states[-1], **{id: touch.after for id, touch in chained.plan.touches.items()}})
    return states


def _agree(state: Mapping[ObjectId, str | None], observed: Mapping[ObjectId, str]) -> bool:
    return all(observed.get(id) == value for id, value in state.items())


def saved_as(folder: Path, plan: Plan) -> ChainedPlan | None:
    """The chain's last plan where it does just this, as the first of the chain or once more; None also where
    the chain cannot be read."""
    if plan.is_empty:
        return None  # none is ever saved
    try:
        plans = read_plans(folder)
    except InvalidInput:
        return None
    if not plans:
        return None

    from reconciler.engine.plan import plan_file
    from reconciler.engine.plan.notes import without_once_more

    last = plans[-1].plan
    plain = dataclasses.replace(last, notes=without_once_more(last.notes))
    return plans[-1] if plan_file.plan_id(plan) in (plans[-1].link.id, plan_file.plan_id(plain)) else None


def uncovered(pending: Sequence[ChainedPlan], wanted: Plan) -> tuple[str, ...]:
    """What the pending plans do otherwise than `wanted`, the plan from the live to the declared state: a line
    for each object; none where they lead to just that state."""
    states = _states(pending)
    made = {id: value for id, value in states[-1].items() if value != states[0][id]}
    asked = {id: touch.after for id, touch in wanted.touches.items() if touch.before != touch.after}
    lines = []
    for id in sorted({*made, *asked}):
        if id not in made:
            lines.append(f"  {id}: the YAML asks for a change that no plan makes")
        elif id not in asked:
            lines.append(f"  {id}: a plan changes it, and the YAML does not ask for that")
        elif made[id] != asked[id]:
            lines.append(f"  {id}: the YAML asks for another state than the plans lead to")
    return tuple(lines)
