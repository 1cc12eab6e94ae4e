"""What an ancestor brings along or takes away needs no statement of its own (partitions, inheritance)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from reconciler.core.catalog import Entry, compared
from reconciler.core.errors import Blocked
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
    beside_type,
    differing,
    disturbances_of,
    old_of,
)
from reconciler.engine.compare.inheritance import below, lines, parting, table_of, twins


def leave_out_carried(work: Work) -> None:
    """Leave out what an ancestor brings along or takes away; alter what then differs."""
    settled: dict[ObjectId, Change] = {}
    for id, found in work.changes.items():
        change = _beside_ancestor(work, found)
        if _is_carried(work, change):
            continue
        if isinstance(change, Create) and (brought := _brought_otherwise(work, change.entry)):
            fields = differing(brought, change.entry)
            settled[id] = Alter(brought, change.entry, fields, implied=True)
        elif isinstance(change, Alter):
            settled[id] = _own(work, change)
        elif isinstance(change, Replace) and _is_taken_along(work, change.old):
            settled[id] = Create(change.new)
        else:
            _refuse_to_drop_inherited(work, change)
            settled[id] = change
    settled.update(_said_again(work))
    work.changes = settled


def _refuse_to_drop_inherited(work: Work, change: Change) -> None:
    """Raise Blocked where a column would be dropped and made again that an ancestor has and keeps."""
    if not isinstance(change, Replace) or not work.registry.of(change.old).is_structural:
        return
    left = parting(work.changes, change.old.parent).left
    for twin in twins(work.current, change.old, work.registry):
        if twin.parent not in left and not isinstance(work.changes.get(twin.id), Drop | Replace):
            label, above = (work.registry.of(entry).label(entry) for entry in (change.old, twin))
            raise Blocked(
                f"{label}: it must be dropped and made again ({change.because}), and PostgreSQL drops no "
                f"column that is inherited, here from {above}",
                hint="leave it as it is, or end the inheritance in one plan and join again in the next",
            )


def _said_again(work: Work) -> Iterator[tuple[ObjectId, Change]]:
    """What a partition or heir has otherwise than its ancestor, and what changes there takes from it: SET
    DEFAULT and DROP DEFAULT reach them all, and so do DROP NOT NULL and SET STATISTICS."""
    for id, change in work.changes.items():
        kind = work.registry.of(id)
        if kind.is_overridden_by_partitions and not isinstance(change, Follow | Rename):
            yield from _set_again(work, id, change)
        elif kind.is_structural and kind.is_required_in_children and isinstance(change, Alter | Follow):
            for entry in _staying(work, change.new):
                if entry.id not in work.changes:
                    again = _after_ancestor(work, Alter(entry, entry, ()), change)
                    if again.fields:
                        yield entry.id, dataclasses.replace(again, implied=True)


def _set_again(work: Work, id: ObjectId, change: Change) -> Iterator[tuple[ObjectId, Change]]:
    new = work.desired.get(id)
    for entry in _below_heirs(work, old_of(change) if new is None else new):
        own = dataclasses.replace(entry, carrier=id)
        brought = own if new is None else work.registry.of(entry).inherited_form(own, new)
        fields = tuple(dict(compared(own.state))) if new is None else differing(brought, own)
        if fields:
            yield entry.id, Alter(brought, own, fields, implied=True)


def _below_heirs(work: Work, entry: Entry) -> Iterator[Entry]:
    """What hangs in its place on the heirs of what it hangs on."""
    holder = work.desired.get(entry.parent)
    for heir in _staying(work, holder) if holder is not None else ():
        for child in work.desired.children.get(heir.id, ()):
            if child.id.kind == entry.id.kind:
                yield child
                yield from _below_heirs(work, child)


def _staying(work: Work, entry: Entry) -> Iterator[Entry]:
    """What is one with the entry on heirs of its table that were its heirs before."""
    for other in below(work.desired, entry, work.registry):
        if entry.parent is None or entry.parent not in parting(work.changes, other.parent):
            yield other


def rename_parts(work: Work) -> None:
    """A partition's part of an index that stays cannot be dropped by itself: it gets its new name, or the
    whole index is made anew."""
    made = {
        (change.entry.id.kind, change.entry.parent, change.entry.carrier): change.entry
        for change in work.changes.values()
        if isinstance(change, Create) and change.entry.carrier is not None
    }
    for id, change in list(work.changes.items()):
        if not isinstance(change, Drop | Replace) or not work.registry.of(id).is_attachable:
            continue
        old = old_of(change)
        carrier = work.desired.get(old.carrier)
        if carrier is None or carrier.id in work.changes or not _is_attached(work, old):
            continue
        new = made.get((id.kind, old.parent, carrier.id))
        if isinstance(change, Drop) and new is not None and new.state == old.state:
            del work.changes[id]
            work.changes[new.id] = Rename(old, new)
        elif carrier.id in work.current:
            work.put(carrier.id, Replace(work.current[carrier.id], carrier, f"its part {id} goes"))


def keep_names(work: Work) -> None:
    """What PostgreSQL makes for a partition it names by itself: when the partition is made, and again when a
    column's type changes, where it forgets the name that was there. It gets its own name afterwards."""
    for entry in work.desired:
        if (carrier := work.desired.get(entry.carrier)) is None:
            continue
        kind = work.registry.of(entry)
        if not kind.is_attachable or carrier.id in work.changes:
            continue
        given = kind.attached_name(entry, carrier)
        retyped = _retyped(work, carrier)
        is_remade = retyped if entry.id not in work.changes else _is_new_with_its_table(work, entry, carrier)
        if (
            is_remade
            and given != entry.id.path[-1]
            and kind.inherited_form(entry, carrier).state == entry.state
        ):
            old = dataclasses.replace(entry, id=ObjectId(entry.id.kind, (*entry.id.path[:-1], given)))
            new = dataclasses.replace(entry, needs=entry.needs | retyped)
            work.changes[entry.id] = Rename(old, new)


def _retyped(work: Work, carrier: Entry) -> frozenset[ObjectId]:
    """The columns of a partitioned table's index whose type changes."""
    return frozenset(
        id
        for id in carrier.needs
        if isinstance(change := work.changes.get(id), Alter)
        and Disturbance.RETYPED in disturbances_of(change, work.registry)
    )


def _is_new_with_its_table(work: Work, entry: Entry, carrier: Entry) -> bool:
    """Whether a partition is made and has it from the start, because the partitioned table has it."""
    holder = work.changes.get(entry.parent) if entry.parent else None
    return (
        carrier.id in work.current
        and isinstance(work.changes.get(entry.id), Create | Replace)
        and isinstance(holder, Create | Replace)
    )


def _is_attached(work: Work, part: Entry) -> bool:
    """Whether the part's table stays a partition: one that is detached takes its parts along."""
    before, after = work.current.get(part.parent), work.desired.get(part.parent)
    return before is not None and after is not None and before.parent == after.parent


def _own(work: Work, change: Alter) -> Alter:
    """The part of an alteration that does not happen by itself when the carrier is altered."""
    if change.implied:
        return change
    if _is_apart(work, change.old) or _is_apart(work, change.new):
        return change
    if change.old.carrier is None or change.new.carrier is None:
        return dataclasses.replace(change, fields=_own_beside_twins(work, change))
    carrier = work.changes.get(change.new.carrier)
    if isinstance(carrier, Replace):
        brought = work.registry.of(change.new).altered_along(change.new, carrier.new)
        return Alter(brought, change.new, differing(brought, change.new), implied=True)
    return _after_ancestor(work, change, carrier) if isinstance(carrier, Alter | Follow) else change


def _after_ancestor(work: Work, change: Alter, above: Alter | Follow) -> Alter:
    """The alteration from what that of an ancestor makes of the object."""
    kind = work.registry.of(change.new)
    ancestor = beside_type(above, work.registry) if isinstance(above, Follow) else above
    brought = kind.altered_along(change.old, ancestor.new).state
    reached = {
        name: getattr(brought, name)
        for name in ancestor.fields
        if kind.altered_with_carrier(name, change.new)
    }
    old = dataclasses.replace(change.old, state=dataclasses.replace(change.old.state, **reached))
    follows = reached.keys() - kind.child_specific_fields
    return Alter(old, change.new, tuple(name for name in differing(old, change.new) if name not in follows))


def _is_apart(work: Work, entry: Entry) -> bool:
    """Whether its table leaves or joins the one that it has the object from."""
    carrier = work.current.get(entry.carrier) or work.desired.get(entry.carrier)
    above = _table_of(work, carrier) if carrier is not None else None
    moves = parting(work.changes, _table_of(work, entry))
    return above is not None and (above in moves or above in lines(work.current, moves.left))


def _table_of(work: Work, entry: Entry) -> ObjectId | None:
    there = table_of(entry, work.current, work.registry)
    return there or table_of(entry, work.desired, work.registry)


def _own_beside_twins(work: Work, change: Alter) -> tuple[str, ...]:
    """The fields that do not change by themselves when those of an ancestor do that declares the object too:
    PostgreSQL refuses to retype what is inherited."""
    kind = work.registry.of(change.new)
    taken: set[str] = set()
    joined = parting(work.changes, change.new.parent).joined
    for twin in twins(work.desired, change.new, work.registry):
        other = work.changes.get(twin.id)
        if isinstance(other, Alter) and twin.parent not in joined:
            taken.update(
                name
                for name in other.fields
                if getattr(twin.state, name) == getattr(change.new.state, name)
                and kind.altered_with_carrier(name, change.new)
                and not kind.is_taken_over(name, change.new)
            )
    return tuple(name for name in change.fields if name not in taken)


def _brought_otherwise(work: Work, entry: Entry) -> Entry | None:
    """What an ancestor makes of a structural object before it is altered to what is declared."""
    carrier = work.desired.get(entry.carrier)
    if carrier is None or not work.registry.of(entry).is_structural or not _is_made(work, entry, carrier):
        return None
    return _given(work, entry, carrier)


def _given(work: Work, entry: Entry, carrier: Entry) -> Entry:
    """What the entry is made as: by CREATE of its table, or along with its carrier."""
    kind = work.registry.of(entry)
    is_new_table = isinstance(work.changes.get(entry.parent) if entry.parent else None, Create | Replace)
    return kind.inherited_form(entry, carrier) if is_new_table else kind.altered_along(entry, carrier)


def _is_carried(work: Work, change: Change) -> bool:
    match change:
        case Create(entry):
            return _comes_along(work, entry)
        case Drop(entry):
            return _is_taken_along(work, entry)
        case Alter():
            return not _own(work, change).fields
        case Replace(old, new, _):
            return (
                old.carrier is not None
                and new.carrier is not None
                and isinstance(work.changes.get(new.carrier), Replace)
                and not _is_apart(work, old)
                and not _is_apart(work, new)
            )
        case Follow() | Rename():
            return False


def _beside_ancestor(work: Work, change: Change) -> Change:
    """What moves to a new type with its ancestor has only the rest for itself."""
    if not isinstance(change, Follow) or change.old.carrier is None:
        return change
    is_moved = isinstance(work.changes.get(change.old.carrier), Follow)
    return beside_type(change, work.registry) if is_moved else change


def _comes_along(work: Work, entry: Entry) -> bool:
    carrier = work.desired.get(entry.carrier)
    if carrier is None or not _is_made(work, entry, carrier):
        return False
    kind = work.registry.of(entry)
    if kind.is_structural:
        return bool(_given(work, entry, carrier).state == entry.state)
    return not kind.deviates(entry, carrier)


def _is_made(work: Work, entry: Entry, carrier: Entry) -> bool:
    """Whether this plan makes what brings the entry along: its carrier, or the table that inherits."""
    kind = work.registry.of(entry)
    if (kind.is_required_in_children or kind.is_overridden_by_partitions) and _is_apart(work, entry):
        return False  # it is there when its table joins
    return any(isinstance(work.changes.get(id), Create | Replace) for id in (entry.parent, carrier.id) if id)


def _is_taken_along(work: Work, entry: Entry) -> bool:
    """Whether what the object comes from takes it along when it goes."""
    change = work.changes.get(entry.carrier) if entry.carrier else None
    if not isinstance(change, Drop | Replace) or _is_apart(work, entry):
        return False
    if work.registry.of(entry).is_overridden_by_partitions and _is_dropped(work, old_of(change).parent):
        return _is_dropped(work, entry.parent)  # a default goes with its own column
    return not (isinstance(change, Drop) and change.alone)


def _is_dropped(work: Work, id: ObjectId | None) -> bool:
    return id is not None and isinstance(work.changes.get(id), Drop)
