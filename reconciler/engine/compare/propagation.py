"""Who stands in the way of a change gives way and comes back; children go and come with their parents."""

from __future__ import annotations

import dataclasses

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Disturbance
from reconciler.engine.compare.change import (
    Alter,
    Change,
    Create,
    Drop,
    Follow,
    Rename,
    Replace,
    Work,
    disturbances_of,
    old_of,
)
from reconciler.engine.compare.inheritance import below, lines, parting, table_of
from reconciler.engine.compare.stand_ins import stand_ins_of


def spread(work: Work, id: ObjectId, change: Change) -> None:
    """Make children and dependents follow what happens to an object."""
    match change:
        case Drop() | Replace():
            _take_children(work, id, change)
            for dependent in _dependents(work, id):
                _give_way(work, dependent, id, change)
            _outlive(work, id, change)
        case Alter(_, new, _):
            _disturb(work, id, disturbances_of(change, work.registry), f"{_label(work, new)} is altered")
        case Follow(_, new, replaced):
            _disturb(
                work,
                id,
                frozenset({Disturbance.RETYPED}),
                f"{_label(work, new)} moves to the new {_label(work, work.desired[replaced])}",
            )
        case Create() | Rename():
            pass


def _can_follow(work: Work, old: Entry, new: Entry, change: Replace) -> bool:
    stand_ins = stand_ins_of(change.new.id, work.desired, work.registry)
    return work.registry.of(old).move_to_type(old, new, change.new.id, stand_ins) is not None


def _outlive(work: Work, carrier: ObjectId, change: Drop | Replace) -> None:
    """What an ancestor takes along when it goes, and what shall stay on its own or under a name that the
    ancestor would not give it, is made anew; what PostgreSQL lets heirs keep, they keep."""
    if isinstance(change, Drop) and _is_kept_below(work, change.entry):
        work.changes[carrier] = dataclasses.replace(change, alone=True)
        return
    for entry in work.current.carried.get(carrier, ()):
        new = work.desired.get(entry.id)
        if new is None or isinstance(work.changes.get(entry.id), Replace | Create) or _is_freed(work, entry):
            continue
        above = work.desired.get(new.carrier)
        if above is None or (
            work.registry.of(new).is_attachable and work.registry.of(new).deviates(new, above)
        ):
            work.put(entry.id, Create(new))


def _is_kept_below(work: Work, entry: Entry) -> bool:
    """Whether heirs that stay heirs keep what they have of it."""
    if not work.registry.of(entry).is_required_in_children or entry.parent not in work.desired:
        return False
    return any(
        other.id in work.desired and entry.parent not in parting(work.changes, other.parent).left
        for other in below(work.current, entry, work.registry)
    )


def _is_freed(work: Work, entry: Entry) -> bool:
    """Whether its table leaves the one that it has it from first, and takes it along."""
    table = table_of(entry, work.current, work.registry)
    carrier = work.current.get(entry.carrier)
    above = table_of(carrier, work.current, work.registry) if carrier is not None else None
    return above is not None and above in lines(work.current, parting(work.changes, table).left)


def _dependents(work: Work, id: ObjectId) -> list[ObjectId]:
    return [other for other in work.current.dependents.get(id, ()) if other != id]


def _take_children(work: Work, id: ObjectId, change: Drop | Replace) -> None:
    for child in work.current.children.get(id, ()):
        new = work.desired.get(child.id)
        present = work.changes.get(child.id)
        if new is None or isinstance(present, Drop | Replace):
            continue
        if new.parent != child.parent:
            continue  # it leaves this parent by itself (a partition that is detached)
        if isinstance(change, Drop):
            work.put(child.id, Replace(child, new, f"goes with {_label(work, change.entry)}"))
        elif change.aside:
            work.put(child.id, Create(new))
        else:
            work.put(child.id, Replace(child, new, f"comes back with {_label(work, change.old)}"))


def _give_way(work: Work, dependent: ObjectId, id: ObjectId, change: Drop | Replace) -> None:
    present = work.changes.get(dependent)
    if isinstance(present, Drop | Replace | Create):
        return
    old, new = work.current[dependent], work.desired.get(dependent)
    if new is None:
        return
    if id not in new.needs and isinstance(present, Alter | Follow) and not _waits_for_name(work, new, id):
        # Its own change frees it; the order of steps does the rest.
        if isinstance(present, Alter) and (anew := _made_anew(work, id, new)) is not None:
            work.put(dependent, Follow(old, new, anew))
        return
    kind = work.registry.of(old)
    if kind.is_facet and kind.built_in(old):
        return  # what holds by default goes and comes by itself
    verb = "is replaced" if isinstance(change, Replace) else "is dropped"
    if isinstance(change, Replace) and change.aside and _can_follow(work, old, new, change):
        work.put(dependent, Follow(old, new, id))
        return
    if kind.is_facet and isinstance(change, Replace) and old.parent == id:
        return
    label = _label(work, old_of(change))
    work.put(
        dependent, Replace(old, new, f"gives way: {label} {verb}", aside=kind.rename_aside(old) is not None)
    )


def _made_anew(work: Work, gone: ObjectId, new: Entry) -> ObjectId | None:
    """What the object needs in place of what goes, where both are made of one that stands aside meanwhile (a
    domain and its enum): no cast leads from the old one to the new."""
    aside = {
        id
        for id in _made_of(work.current, gone)
        if isinstance(change := work.changes.get(id), Replace) and change.aside
    }
    return next((id for id in sorted(new.needs) if not aside.isdisjoint(_made_of(work.desired, id))), None)


def _made_of(catalog: Catalog, id: ObjectId) -> set[ObjectId]:
    """The object and all that it needs, directly or not."""
    found: set[ObjectId] = set()
    waiting = [id]
    while waiting:
        next_id = waiting.pop()
        if next_id not in found and (entry := catalog.get(next_id)) is not None:
            found.add(next_id)
            waiting.extend(entry.needs)
    return found


def _disturb(work: Work, id: ObjectId, disturbances: frozenset[Disturbance], because: str) -> None:
    if not disturbances:
        return
    for dependent in _dependents(work, id):
        present = work.changes.get(dependent)
        new = work.desired.get(dependent)
        old = work.current[dependent]
        if new is None or isinstance(present, Drop | Replace | Create):
            continue
        kind = work.registry.of(old)
        if any(kind.is_recreated_on(old, disturbance) for disturbance in disturbances):
            work.put(dependent, Replace(old, new, f"gives way: {because}"))


def _waits_for_name(work: Work, new: Entry, gone: ObjectId) -> bool:
    """Whether the altered object needs something that takes the very name that it must first give free."""
    freed = set(work.registry.of(gone).claims_names(work.current[gone]))
    return any(
        isinstance(work.changes.get(needed), Create | Replace)
        and freed & set(work.registry.of(needed).claims_names(work.desired[needed]))
        for needed in new.needs
        if needed in work.desired
    )


def _label(work: Work, entry: Entry) -> str:
    return work.registry.of(entry).label(entry)
