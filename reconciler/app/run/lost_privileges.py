"""Privileges that a plan knows nothing of, and would not bring back with what it makes again: one from a
chain or a snapshot has not seen those that nobody declares."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from reconciler.app.kind_discovery import registry
from reconciler.core.errors import Blocked
from reconciler.core.statement import Hazard, HazardCode

if TYPE_CHECKING:
    from reconciler.core.catalog import Catalog, Entry
    from reconciler.core.ident import ObjectId
    from reconciler.engine.plan.consent import Consent
    from reconciler.engine.plan.model import Plan


def require_known(plan: Plan, live: Catalog, consent: Consent, done: Collection[int] = ()) -> None:
    """Raise Blocked where `live` has privileges that would be gone without a word, and nobody consents to
    `access_change` of the object; steps that are `done` count no longer."""
    from reconciler.engine.plan.consent import flag

    lost: dict[Hazard, list[str]] = {}
    for entry, holder in _lost(plan, live, done):
        hazard = Hazard(HazardCode.ACCESS_CHANGE, holder, "")
        if not consent.allows(hazard):
            lost.setdefault(hazard, []).append(registry().of(entry).label(entry))
    if lost:
        lines = (f"  {label}" for labels in lost.values() for label in labels)
        raise Blocked(
            "\n".join(["what is made again would lose privileges that the plan does not know:", *lines]),
            hint="declare them (reconcile pull --ownership writes them down) or plan from the live database, "
            f"which keeps them; to lose them, pass {' '.join(map(flag, lost))}",
        )


def _lost(plan: Plan, live: Catalog, done: Collection[int]) -> Iterator[tuple[Entry, ObjectId]]:
    """The privileges, and the object that is made again."""
    from reconciler.engine.plan.model import Action

    steps = [step for step in plan.steps if step.number not in done]
    made = {step.object for step in steps if step.action is Action.CREATE}
    again = made & {step.object for step in steps if step.action in (Action.DROP, Action.RENAME)}
    if not again:
        return
    for entry in live:
        kind = registry().of(entry)
        # An owner is read before its object goes, and given back.
        if not kind.managed_with_ownership or kind.singleton or kind.built_in(entry):
            continue
        if entry.id not in plan.touches and (holder := _above(entry, live, again)) is not None:
            yield entry, holder


def _above(entry: Entry, live: Catalog, again: Collection[ObjectId]) -> ObjectId | None:
    """The object made again that it hangs on."""
    holder = entry.parent
    while holder is not None and holder not in again:
        above = live.get(holder)
        holder = above.parent if above is not None else None
    return holder
