"""A plan back to an earlier state of the chain."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.app.chain.save import snapshot_text
from reconciler.app.kind_discovery import registry
from reconciler.app.plans.target_chain import ChainedPlan, read_plans
from reconciler.app.states.offline_state import ground
from reconciler.app.states.state_comparison import compare_from
from reconciler.app.states.state_name import InChain
from reconciler.core.catalog import Catalog, Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.errors import UsageError
from reconciler.core.ident import ObjectId
from reconciler.core.statement import HazardCode
from reconciler.engine.plan.model import Action
from reconciler.engine.plan.notes import back_to, not_back

if TYPE_CHECKING:
    from reconciler.app.planning.comparison import Compared, Request
    from reconciler.engine.catalog.scope import Scope
    from reconciler.engine.declaration.written import Written


@dataclass(frozen=True, slots=True)
class Undone:
    """A plan that leads back."""

    compared: Compared
    to: int
    plans: tuple[ChainedPlan, ...]
    """The plans whose work it takes back, in their order."""
    lost: tuple[str, ...]
    """What does not come back with it."""


def undo(folder: Path, to: int | None, request: Request, until: int | None = None) -> Undone:
    """The plan from the chain's end (or the plan `until`) to the state after plan `to` (None: after the last
    but one; 0: before the first).

    Raises UsageError where there is no such plan, nothing to undo, or a new object has the name that another
    would be renamed back to; and what replaying the chain raises.
    """
    plans = [one for one in read_plans(folder) if until is None or one.link.number <= until]
    if not plans:
        raise UsageError(f"there are no plans in {folder}", hint="save one first: reconcile plan --save")
    numbers = [0, *(one.link.number for one in plans)]
    number = numbers[-2] if to is None else to
    undone = tuple(one for one in plans if one.link.number > number)
    if not undone:
        raise UsageError(f"the chain in {folder} ends with plan {numbers[-1]:04}: there is nothing to undo")
    with ground(InChain(folder, number), request) as goal:
        major = goal.connection.info.server_version // 10000
        earlier = goal.catalog
        owner = goal.owner
    written = written_of(earlier, request.scope, major, owner)
    written = _with_former_names(written, earlier, undone)
    compared = compare_from(InChain(folder, numbers[-1]), request, written)
    lost = tuple(_lost(undone, earlier))
    plan = dataclasses.replace(
        compared.plan,
        steps=tuple(dataclasses.replace(step, source=None) for step in compared.plan.steps),
        notes=(back_to(number), *lost, *compared.plan.notes),
    )
    return Undone(dataclasses.replace(compared, plan=plan), number, undone, lost)


def written_of(catalog: Catalog, scope: Scope, server: int, owner: str) -> Written:
    """A state as a declaration of itself."""
    from reconciler.engine.chain import snapshot

    return snapshot.load(snapshot_text(catalog, scope, server, owner), "snapshot", registry()).written


def _lost(undone: Sequence[ChainedPlan], earlier: Catalog) -> Iterator[str]:
    """What the plans that are undone have thrown away for good."""
    kinds = registry()
    for one in undone:
        for _, hazard in one.plan.hazards:
            there = earlier.get(hazard.object)
            if hazard.code is HazardCode.DATA_LOSS and there is not None:
                label = kinds.of(there).label(there)
                yield not_back(label, one.link.number, hazard.message)


def _with_former_names(written: Written, earlier: Catalog, undone: Sequence[ChainedPlan]) -> Written:
    """What the plans renamed is renamed back, and not dropped and made again; nothing else is a rename."""
    objects = {
        id: dataclasses.replace(item, declared=dataclasses.replace(item.declared, not_renamed=True))
        for id, item in written.objects.items()
    }
    names: dict[ObjectId, str] = {}
    for one in undone:
        for step in one.plan.steps:
            if step.action is Action.RENAME:
                for id in _renamed_by(step.object, step.label, earlier, names):
                    names[id] = step.object.path[-1]
    made = _made_by(undone)
    for id, name in names.items():
        if id in objects and id.path[-1] != name:
            if id in made:
                raise _taken(id, name)
            declared = dataclasses.replace(written.objects[id].declared, former_names=(name,))
            objects[id] = dataclasses.replace(objects[id], declared=declared)
    return dataclasses.replace(written, objects=objects)


def _made_by(undone: Sequence[ChainedPlan]) -> set[ObjectId]:
    """What the plans created and did not drop again."""
    made: set[ObjectId] = set()
    for one in undone:
        for step in one.plan.steps:
            if step.action is Action.CREATE:
                made.add(step.object)
            elif step.action is Action.DROP:
                made.discard(step.object)
    return made


def _taken(id: ObjectId, name: str) -> UsageError:
    return UsageError(
        f"{name} cannot be renamed back to {id}: the plans made a new object under that name",
        hint=f"leave the new {id} out of the YAML, plan that (`reconcile plan --save`), then undo",
    )


def _renamed_by(
    new: ObjectId, label: str, earlier: Catalog, names: dict[ObjectId, str]
) -> Iterator[ObjectId]:
    """The object of the earlier state that a step renames; the step's label has the name that it had then."""
    kinds = registry()
    for entry in earlier:
        if entry.id.kind == new.kind:
            then = dataclasses.replace(entry, id=ObjectId(new.kind, _path_then(entry, earlier, names)))
            if kinds.of(entry).label(then) == label:
                yield entry.id


def _path_then(entry: Entry, earlier: Catalog, names: dict[ObjectId, str]) -> tuple[str, ...]:
    path, parent = entry.id.path, earlier.get(entry.parent)
    if parent is not None and path[: len(parent.id.path)] == parent.id.path:
        path = (*_path_then(parent, earlier, names), *path[len(parent.id.path) :])
    return (*path[:-1], names.get(entry.id, path[-1]))
