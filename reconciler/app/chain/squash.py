"""One plan in the place of the first plans of a chain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.app.chain.save import after, snapshot_text
from reconciler.app.chain.undo import written_of
from reconciler.app.kind_discovery import registry
from reconciler.app.plans.target_chain import ChainedPlan, read_plans
from reconciler.app.states.offline_state import ground
from reconciler.app.states.state_comparison import compare_from
from reconciler.app.states.state_name import InChain
from reconciler.core.catalog import Catalog
from reconciler.core.errors import Blocked, NotConverged, UsageError
from reconciler.core.statement import HazardCode

if TYPE_CHECKING:
    from reconciler.app.planning.comparison import Request
    from reconciler.engine.declaration.written import Written
    from reconciler.engine.plan.model import Plan

_LOSES = frozenset({HazardCode.DATA_LOSS, HazardCode.POSSIBLE_RENAME})


def squash(folder: Path, through: int | None, request: Request, name: str) -> Path:
    """Put one plan in the place of all up to the number `through` (None: of all); its path.

    The lines of the others stay in CHAIN, their files go. Raises UsageError where there are not two plans to
    squash, Blocked where one plan cannot do the work of theirs, and what replaying the chain raises.
    """
    from reconciler.engine.chain.chain_file import changing

    with changing(folder):
        return _squashed(folder, through, request, name)


def _squashed(folder: Path, through: int | None, request: Request, name: str) -> Path:
    from reconciler.engine.chain import chain, snapshot
    from reconciler.engine.plan import plan_file

    plans = read_plans(folder)
    last = through if through is not None else (plans[-1].link.number if plans else 0)
    squashed = [one for one in plans if one.link.number <= last]
    if len(squashed) < 2 or squashed[-1].link.number != last:
        known = ", ".join(f"{one.link.number:04}" for one in plans)
        raise UsageError(
            f"there are not two plans up to {last:04} in {folder}", hint=f"there are: {known or 'none'}"
        )
    _no_edits(squashed)
    is_head = last == plans[-1].link.number
    compared = compare_from(InChain(folder, 0), request, _goal(folder, last, request, is_head))
    _loses_no_more(compared.plan, squashed)
    _leads_there(after(compared), squashed)
    files = []
    if is_head:
        facts = (compared.plan.server_major, compared.owner, plan_file.plan_id(compared.plan))
        files.append((snapshot.NAME, snapshot_text(after(compared), request.scope, *facts)))
    return chain.squash(folder, compared.plan, last, name, files)


def _goal(folder: Path, last: int, request: Request, is_head: bool) -> Written | None:
    """The state that the plans lead to; None where it is what the schema folder declares."""
    if is_head and request.schema.exists() and compare_from(InChain(folder), request).plan.is_empty:
        return None
    with ground(InChain(folder, last), request) as found:
        major = found.connection.info.server_version // 10000
        return written_of(found.catalog, request.scope, major, found.owner)


def _no_edits(plans: Sequence[ChainedPlan]) -> None:
    edited = [f"  {one.link.file_name}: {one.plan.edited}" for one in plans if one.plan.edited is not None]
    if edited:
        raise Blocked(
            "\n".join(["what was written by hand would be lost:", *edited]),
            hint="squash up to the plan before it",
        )


def _loses_no_more(plan: Plan, squashed: Sequence[ChainedPlan]) -> None:
    """One step from the first to the last state knows nothing of what was between: a renamed column would be
    dropped and made again."""
    known = {hazard.object for one in squashed for _, hazard in one.plan.hazards if hazard.code in _LOSES}
    new = [
        f"  step {step.number} ({step.label}): {hazard.message}"
        for step, hazard in plan.hazards
        if hazard.code in _LOSES and hazard.object not in known
    ]
    if new:
        raise Blocked(
            "\n".join(["one plan would lose what the plans that it replaces keep:", *new]),
            hint="squash up to the plan before it, or leave `rename_from` in the schema folder",
        )


def _leads_there(catalog: Catalog, squashed: Sequence[ChainedPlan]) -> None:
    expected = {id: touch.after for one in squashed for id, touch in one.plan.touches.items()}
    kinds = registry()
    differing = [
        str(id)
        for id, digest in expected.items()
        if not kinds.of(id).managed_with_ownership
        and (there.digest() if (there := catalog.get(id)) else None) != digest
    ]
    if differing:
        raise NotConverged(
            f"one plan would not lead where the plans lead: {', '.join(differing[:10])}",
            hint="nothing was changed; is a plan of the chain of another major?",
        )
