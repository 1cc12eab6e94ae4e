"""Where a database stands on the way of a plan: before it, after it, part of the way, or elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from reconciler.core.dataclass import dataclass
from reconciler.core.errors import Stale
from reconciler.core.ident import ObjectId
from reconciler.core.statement import Mode
from reconciler.engine.execute.journal import Progress
from reconciler.engine.plan.model import Action, Plan, Step, Touch

Digests = Mapping[ObjectId, str]
"""The digests of what exists; what does not exist is missing."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The database is at the plan's end; nothing is to be done."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The database is where these steps (none, at the plan's beginning) leave it."""

    done: frozenset[int] = frozenset()
    unsettled: tuple[Step, ...] = ()
    """Steps outside a transaction that were interrupted: what they left must be looked at first."""
    expected: Digests | None = None
    """What the objects looked like before the unsettled steps; None where it was not written down."""


Standing = Applied | Ready


Told = Callable[[ObjectId, Touch], str]
"""A line about an object at neither end."""


def standing(plan: Plan, observed: Digests, progress: Progress, told: Told | None = None) -> Standing:
    """Where the database stands. Raises Stale, with an account of each object that moved: in the words of
    `told`, else with its digests."""
    found = {id: observed.get(id) for id in plan.touches}
    before = {id: touch.before for id, touch in plan.touches.items()}
    if found == {id: touch.after for id, touch in plan.touches.items()} and not _has_unseen(plan, progress):
        return Applied()
    unsettled = tuple(
        step for step in plan.steps if step.number in progress.unsettled and step.mode is Mode.ALONE
    )
    if progress.done or unsettled:
        expected = progress.checkpoint if progress.done else _present(before)
        if _explains(plan, found, Ready(progress.done, unsettled, expected)):
            return Ready(progress.done, unsettled, expected)
    if found == before:
        return Ready()
    raise Stale(
        "\n".join(["the database is at neither end of the plan:", *account(plan, observed, told)]),
        hint="plan again: what moved must be seen by a person",
    )


def differences(plan: Plan, observed: Digests) -> tuple[str, ...]:
    """A line for each object that is not what the plan makes of it."""
    return tuple(
        f"  {id}: {_said(touch.after, observed.get(id), 'differs from what the plan makes of it')}"
        for id, touch in plan.touches.items()
        if observed.get(id) != touch.after
    )


def left(plan: Plan, observed: Digests, progress: Progress) -> dict[ObjectId, str | None]:
    """What every object of a plan looks like where its unfinished run stopped.

    Where the journal leaves room (it ended before it wrote down what a transaction left, or amid a step
    outside of any) an object that is on its way is as it is found; any other is at the end of the plan that
    the steps on it say.
    """
    done = [step.object for step in plan.steps if step.number in progress.done]
    made = {step.object for step in plan.steps if step.number in progress.done and _is_made(plan, step)}
    torn = [step.object for step in plan.steps if step.number in progress.unsettled]
    rest = [step.object for step in plan.steps if step.number not in progress.done]
    expected: dict[ObjectId, str | None] = {}
    for id, touch in plan.touches.items():
        found = observed.get(id)
        is_done, is_open = _belongs(id, done), _belongs(id, rest)
        if _belongs(id, torn):
            expected[id] = found
        elif progress.checkpoint is not None:
            expected[id] = progress.checkpoint.get(id)
        elif (id in done and not is_open) or (id in made and found is None):
            expected[id] = touch.after
        elif found in (touch.before, touch.after) or (is_done and is_open):
            expected[id] = found
        else:
            expected[id] = touch.after if is_done else touch.before
    return expected


def account(plan: Plan, observed: Digests, told: Told | None = None) -> tuple[str, ...]:
    """Three ways: for each object what the plan found, what it makes, and what is there now.

    Told are the objects at neither end; where each is at one end or the other, those on both sides.
    """
    moved = tuple(
        id for id, touch in plan.touches.items() if observed.get(id) not in (touch.before, touch.after)
    )
    changing = {id: touch for id, touch in plan.touches.items() if touch.before != touch.after}
    lines = told or (lambda id, touch: f"{id}: {_three(touch, observed.get(id))}")
    return tuple(f"  {lines(id, plan.touches[id])}" for id in moved or changing)


def _three(touch: Touch, found: str | None) -> str:
    ends = f"before the plan {touch.before or 'absent'}, after it {touch.after or 'absent'}"
    if found == touch.before:
        return f"{ends}; found as before the plan"
    if found == touch.after:
        return f"{ends}; found as after the plan"
    return f"{ends}; found {found or 'absent'}: changed by someone else"


def _said(wanted: str | None, found: str | None, otherwise: str) -> str:
    if found is None:
        return "is missing"
    return "is still there" if wanted is None else otherwise


def _present(digests: Mapping[ObjectId, str | None]) -> Digests:
    return {id: value for id, value in digests.items() if value is not None}


def _has_unseen(plan: Plan, progress: Progress) -> bool:
    """Whether an unfinished run left steps whose effect no digest shows, such as a backfill, though all that
    digests show is at the plan's end already.

    In doubt a step counts as not run: that it ran by other hands then fails loudly, whereas a step passed
    over would never be missed.
    """
    begun = progress.done | progress.unsettled
    if not begun:
        return False
    touched = {step.object for step in plan.steps if step.number in begun}
    return any(
        not _is_seen(plan, step)
        or (
            step.number not in begun
            and step.object in touched
            and step.action in (Action.ALTER, Action.RENAME)
        )
        for step in plan.steps
        if step.number not in progress.done
    )


def _is_seen(plan: Plan, step: Step) -> bool:
    touch = plan.touches.get(step.object)
    return touch is not None and touch.before != touch.after


def _is_made(plan: Plan, step: Step) -> bool:
    touch = plan.touches.get(step.object)
    return step.action is Action.CREATE and touch is not None and touch.after is not None


def _explains(plan: Plan, found: Mapping[ObjectId, str | None], ready: Ready) -> bool:
    """Whether the journal accounts for each object as it is found.

    Without a checkpoint (the run died between a commit and writing it, or only made new things) an object
    must be at one of its two ends, or belong to a step that is done; where done steps have an effect to see,
    it must be seen, and what they made must be there.
    """
    open_to_change = [step.object for step in ready.unsettled]
    if ready.expected is not None:
        return all(
            value == ready.expected.get(id) or _belongs(id, open_to_change) for id, value in found.items()
        )
    done = [step for step in plan.steps if step.number in ready.done]
    open_to_change += [step.object for step in done]
    if any(_is_seen(plan, step) for step in done) and all(
        found[id] == touch.before for id, touch in plan.touches.items()
    ):
        return False
    if any(found.get(step.object) is None and _is_made(plan, step) for step in done):
        return False
    return all(
        value in (plan.touches[id].before, plan.touches[id].after) or _belongs(id, open_to_change)
        for id, value in found.items()
    )


def _belongs(id: ObjectId, to: Iterable[ObjectId]) -> bool:
    """Whether an object is, holds, or hangs on one of `to`, going by their paths."""
    return any(
        id.path == other.path
        or id.path[: len(other.path)] == other.path
        or id.path[1 : len(other.path) + 1] == other.path
        or other.path[: len(id.path)] == id.path
        for other in to
    )
