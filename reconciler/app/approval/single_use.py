"""A signature is for one time: where plans must be signed, none of the chain's plans runs a second time.

What is signed is a file, and a file can be copied to a later place of the chain along with its signature.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reconciler.app.planning.comparison import live_catalog

if TYPE_CHECKING:
    from reconciler.app.approval.requirement import Requirement
    from reconciler.app.plans.target_chain import ChainedPlan, Place

__all__ = ["require_unused"]


def require_unused(place: Place, taken: Sequence[ChainedPlan], url: str, requirement: Requirement) -> None:
    """Raise NotApproved for the first of the pending plans that would run again what was signed for another
    place of the chain, or what the database's journal says is finished; before any of them is run.

    What the database is at the end of already is no second time.
    """
    from reconciler.engine.connection.session import opened
    from reconciler.engine.execute import journal
    from reconciler.engine.plan.consent import used

    if requirement.signers is None or not taken:
        return
    known = {link.id: link for one in place.done for link in (*one.replaces, one.link)}
    for one in taken:
        if one.link.id in known:
            earlier = known[one.link.id]
            raise used(f"plan {earlier.number:04}_{earlier.slug}", str(one.path))
        known |= {link.id: link for link in (*one.replaces, one.link)}
    with opened(url, read_only=True) as connection:
        runs = journal.finished_runs(connection, [one.link.id for one in taken])
        if not runs:
            return
        found = {entry.id: entry.digest() for entry in live_catalog(connection)}
    for one in taken:
        touches = one.plan.touches
        is_there = all(found.get(id) == touch.after for id, touch in touches.items())
        if one.link.id in runs and not is_there:
            raise used(f"run {runs[one.link.id]} of this database", str(one.path))
        left = {id: touch.after for id, touch in touches.items() if touch.after is not None}
        found = {id: digest for id, digest in found.items() if id not in touches} | left
