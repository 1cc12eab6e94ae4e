"""Which drift may be healed without anybody's word: what puts back just what runs have made, and takes
nothing away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from reconciler.engine.plan.model import Action

if TYPE_CHECKING:
    from reconciler.app import Moved
    from reconciler.core.ident import ObjectId
    from reconciler.engine.plan.model import Plan


def why_not(plan: Plan, left: Mapping[ObjectId, str | None], drift: tuple[Moved, ...]) -> str | None:
    """Why the plan to the declared state is no healing; None where it is.

    `left` is what every object looked like after the last run that touched it. A healing has no hazard that
    needs consent, drops nothing, changes only objects that have drifted, and leads each to what a run left.
    """
    drifted = {one.object for one in drift}
    if plan.blocking:
        step, hazard = plan.blocking[0]
        return f"step {step.number} ({step.label}) needs consent: {hazard.code}"
    for step in plan.steps:
        if step.action is Action.DROP:
            return f"step {step.number} drops {step.label}"
    for id, touch in plan.touches.items():
        if touch.before == touch.after:
            continue
        if touch.after is None:
            return f"{id} would be dropped"
        if id not in drifted or left.get(id) is None:
            return f"{id} is declared, and no run has made it"
        if left[id] != touch.after:
            return f"{id} is declared otherwise than the last run left it"
    return None
