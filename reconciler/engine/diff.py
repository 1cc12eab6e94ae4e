"""What must happen to each object, from two catalogs: derived equality is the diff; who stands in the way
of a change gives way and comes back."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.core.catalog import Catalog, Entry, compared
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Disturbance, InPlace, Recreate
from reconciler.core.statement import Statement
from reconciler.engine.registry import Registry


@dataclass(frozen=True, slots=True)
class Create:
    """Declared, and not there."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Drop:
    """There, and not declared."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Alter:
    """There in another state; ALTER can change it."""

    old: Entry
    new: Entry
    fields: tuple[str, ...]
    implied: bool = False
    """True where the old state comes into being inside this plan (default privileges)."""


@dataclass(frozen=True, slots=True)
class Replace:
    """There, dropped and made again: itself changed, or gives way to something that does."""

    old: Entry
    new: Entry
    because: str
    aside: bool = False
    """True where the old object is renamed and dropped only when everything has moved to the new one."""


@dataclass(frozen=True, slots=True)
class Follow:
    """Stays, and moves from the renamed type to the new one of the same name."""

    old: Entry
    new: Entry
    replaced: ObjectId


@dataclass(frozen=True, slots=True)
class Rename:
    """The same object under another name: part of a partitioned table's index, so it cannot be dropped."""

    old: Entry
    new: Entry


Change = Create | Drop | Alter | Replace | Follow | Rename


@dataclass
class _Work:
    current: Catalog
    desired: Catalog
    registry: Registry
    surroundings: tuple[Entry, ...]
    ownership: bool
    changes: dict[ObjectId, Change] = field(default_factory=dict)
    queue: list[ObjectId] = field(default_factory=list)

    def put(self, id: ObjectId, change: Change) -> None:
        self.changes[id] = change
        self.queue.append(id)


def diff(
    current: Catalog,
    desired: Catalog,
    registry: Registry,
    surroundings: Iterable[Entry] = (),
    ownership: bool = True,
) -> Mapping[ObjectId, Change]:
    """The changes that lead from `current` to `desired`, keyed by id; empty where nothing differs.

    `surroundings` are entries of the live database that are not managed and yet have effects (default
    privileges). Without `ownership` what those give is left where nobody declares otherwise.
    """
    work = _Work(current, desired, registry, tuple(surroundings), ownership)
    for id in sorted({*current.entries, *desired.entries}):
        change = _compare(work, current.get(id), desired.get(id))
        if change is not None:
            work.put(id, change)
    _settle(work)
    _rename_parts(work)
    _settle(work)
    _imply(work)
    _carried(work)
    return {id: work.changes[id] for id in sorted(work.changes)}


def _settle(work: _Work) -> None:
    """Spread every new change until nothing follows from it any more."""
    while work.queue:
        id = work.queue.pop()
        if id in work.changes:
            _spread(work, id, work.changes[id])


def _compare(work: _Work, old: Entry | None, new: Entry | None) -> Change | None:
    if old is None:
        assert new is not None
        return Create(new)
    if new is None:
        return Drop(old)
    if old.state == new.state:
        moved = old.parent != new.parent and not work.registry.of(new).holds_data
        return Replace(old, new, f"it hangs on {new.parent} now") if moved else None
    return _alter_or_replace(work, old, new)


def _alter_or_replace(work: _Work, old: Entry, new: Entry) -> Change:
    kind = work.registry.of(new)
    before, after = dict(compared(old.state)), dict(compared(new.state))
    fields = tuple(name for name in after if before[name] != after[name])
    for name in fields:
        rule = kind.rules[name]
        why = None
        if isinstance(rule, Recreate):
            why = rule.why
        elif isinstance(rule, InPlace) and rule.unless is not None:
            why = rule.unless(old.state, new.state)
        if why is not None:
            return Replace(old, new, why, aside=kind.aside(old) is not None)
    return Alter(old, new, fields)


def _spread(work: _Work, id: ObjectId, change: Change) -> None:
    """Make children and dependents follow what happens to an object."""
    match change:
        case Drop() | Replace():
            _take_children(work, id, change)
            for dependent in _dependents(work, id):
                _give_way(work, dependent, id, change)
            _outlive(work, id)
        case Alter(_, new, fields):
            disturbances = {
                rule.disturbs
                for name in fields
                if isinstance(rule := work.registry.of(new).rules[name], InPlace) and rule.disturbs
            }
            _disturb(work, id, disturbances, f"{_label(work, new)} is altered")
        case Follow(_, new, replaced):
            _disturb(work, id, {Disturbance.RETYPED}, f"{_label(work, new)} moves to the new {replaced}")
        case Create() | Rename():
            pass


def _outlive(work: _Work, carrier: ObjectId) -> None:
    """What an ancestor takes along when it goes, and what shall stay on its own or under a name that the
    ancestor would not give it, is made anew."""
    for entry in work.current.carried.get(carrier, ()):
        new = work.desired.get(entry.id)
        if new is None or isinstance(work.changes.get(entry.id), Replace | Create):
            continue
        above = work.desired.get(new.carrier)
        if above is None or (work.registry.of(new).is_adopted and work.registry.of(new).deviates(new, above)):
            work.put(entry.id, Create(new))


def _dependents(work: _Work, id: ObjectId) -> list[ObjectId]:
    return [other for other in work.current.dependents.get(id, ()) if other != id]


def _take_children(work: _Work, id: ObjectId, change: Drop | Replace) -> None:
    for child in work.current.children.get(id, ()):
        new = work.desired.get(child.id)
        present = work.changes.get(child.id)
        if new is None or isinstance(present, Drop | Replace):
            continue
        if new.parent != child.parent:
            continue  # it leaves this parent by itself (a partition that is detached)
        if isinstance(change, Drop):
            work.put(child.id, Replace(child, new, f"goes with {change.entry.id}"))
        elif change.aside:
            work.put(child.id, Create(new))
        else:
            work.put(child.id, Replace(child, new, f"comes back with {change.old.id}"))


def _give_way(work: _Work, dependent: ObjectId, id: ObjectId, change: Drop | Replace) -> None:
    present = work.changes.get(dependent)
    if isinstance(present, Drop | Replace | Create):
        return
    old, new = work.current[dependent], work.desired.get(dependent)
    if new is None:
        return
    if id not in new.needs and isinstance(present, Alter | Follow):
        return  # its own change frees it; the order of steps does the rest
    kind = work.registry.of(old)
    verb = "is replaced" if isinstance(change, Replace) else "is dropped"
    if isinstance(change, Replace) and change.aside and kind.follow(old, new, id) is not None:
        work.put(dependent, Follow(old, new, id))
        return
    if kind.is_facet and isinstance(change, Replace) and old.parent == id:
        return
    label = _label(work, change.old if isinstance(change, Replace) else change.entry)
    work.put(dependent, Replace(old, new, f"gives way: {label} {verb}", aside=kind.aside(old) is not None))


def _disturb(work: _Work, id: ObjectId, disturbances: set[Disturbance], because: str) -> None:
    if not disturbances:
        return
    for dependent in _dependents(work, id):
        present = work.changes.get(dependent)
        new = work.desired.get(dependent)
        old = work.current[dependent]
        if new is None or isinstance(present, Drop | Replace | Create):
            continue
        kind = work.registry.of(old)
        if any(kind.yields(old, disturbance) for disturbance in disturbances):
            work.put(dependent, Replace(old, new, f"gives way: {because}"))


def _label(work: _Work, entry: Entry) -> str:
    return work.registry.of(entry).label(entry)


def _imply(work: _Work) -> None:
    """Account for entries that appear by themselves when another is made (default privileges)."""
    facets = [kind for kind in work.registry if kind.is_facet]
    for change in list(work.changes.values()):
        if not isinstance(change, Create | Replace):
            continue
        made = change.entry if isinstance(change, Create) else change.new
        for kind in facets:
            for entry in kind.implied(made, work.surroundings or work.current):
                _meet(work, entry)


def _meet(work: _Work, implied: Entry) -> None:
    wanted = work.desired.get(implied.id)
    kind = work.registry.of(implied)
    if wanted is None:
        if work.ownership and not kind.built_in(implied):
            work.changes[implied.id] = Drop(implied)
    elif wanted.state == implied.state:
        work.changes.pop(implied.id, None)
    else:
        work.changes[implied.id] = Alter(implied, wanted, _differing(implied, wanted), implied=True)


def _differing(old: Entry, new: Entry) -> tuple[str, ...]:
    """The compared fields in which two states of one kind differ."""
    return tuple(name for name, value in compared(new.state) if getattr(old.state, name) != value)


def _carried(work: _Work) -> None:
    """Leave out what an ancestor brings along or takes away; alter what then differs."""
    settled: dict[ObjectId, Change] = {}
    for id, change in work.changes.items():
        if _is_carried(work, change):
            continue
        if isinstance(change, Create) and (brought := _brought_otherwise(work, change.entry)):
            fields = _differing(brought, change.entry)
            settled[id] = Alter(brought, change.entry, fields, implied=True)
        elif isinstance(change, Alter):
            settled[id] = dataclasses.replace(change, fields=_own_fields(work, change))
        elif isinstance(change, Replace) and change.old.carrier and _is_gone(work, change.old.carrier):
            settled[id] = Create(change.new)  # its ancestor takes the old one along
        else:
            settled[id] = change
    work.changes = settled


def _rename_parts(work: _Work) -> None:
    """A partition's part of an index that stays cannot be dropped by itself: it gets its new name, or the
    whole index is made anew."""
    made = {
        (change.entry.id.kind, change.entry.parent, change.entry.carrier): change.entry
        for change in work.changes.values()
        if isinstance(change, Create) and change.entry.carrier is not None
    }
    for id, change in list(work.changes.items()):
        if not isinstance(change, Drop | Replace) or not work.registry.of(id).is_adopted:
            continue
        old = change.entry if isinstance(change, Drop) else change.old
        carrier = work.desired.get(old.carrier)
        if carrier is None or carrier.id in work.changes or not _is_attached(work, old):
            continue
        new = made.get((id.kind, old.parent, carrier.id))
        if isinstance(change, Drop) and new is not None and new.state == old.state:
            del work.changes[id]
            work.changes[new.id] = Rename(old, new)
        elif carrier.id in work.current:
            work.put(carrier.id, Replace(work.current[carrier.id], carrier, f"its part {id} goes"))


def _is_attached(work: _Work, part: Entry) -> bool:
    """Whether the part's table stays a partition: one that is detached takes its parts along."""
    before, after = work.current.get(part.parent), work.desired.get(part.parent)
    return before is not None and after is not None and before.parent == after.parent


def _own_fields(work: _Work, change: Alter) -> tuple[str, ...]:
    """The fields of an alteration that do not change by themselves when the carrier's do."""
    carrier = work.changes.get(change.new.carrier) if change.new.carrier else None
    if change.old.carrier is None or change.implied:
        return change.fields
    if isinstance(carrier, Replace):
        return ()
    if not isinstance(carrier, Alter):
        return change.fields
    kind = work.registry.of(change.new)
    return tuple(
        name for name in change.fields if name not in carrier.fields or not kind.comes_with(name, change.new)
    )


def _brought_otherwise(work: _Work, entry: Entry) -> Entry | None:
    """What an ancestor makes of a structural object before it is altered to what is declared."""
    carrier = work.desired.get(entry.carrier)
    if carrier is None or not work.registry.of(entry).is_structural or not _is_made(work, entry, carrier):
        return None
    return work.registry.of(entry).brought(entry, carrier)


def _is_carried(work: _Work, change: Change) -> bool:
    match change:
        case Create(entry):
            return _comes_along(work, entry)
        case Drop(entry):
            return entry.carrier is not None and _is_gone(work, entry.carrier)
        case Alter():
            return not _own_fields(work, change)
        case Replace(old, new, _):
            return (
                old.carrier is not None
                and new.carrier is not None
                and isinstance(work.changes.get(new.carrier), Replace)
            )
        case Follow(old, new, _):
            return old.carrier is not None and isinstance(work.changes.get(old.carrier), Follow)
        case Rename():
            return False


def _comes_along(work: _Work, entry: Entry) -> bool:
    carrier = work.desired.get(entry.carrier)
    if carrier is None or work.registry.of(entry).deviates(entry, carrier):
        return False
    return _is_made(work, entry, carrier)


def _is_made(work: _Work, entry: Entry, carrier: Entry) -> bool:
    """Whether this plan makes what brings the entry along: its carrier, or the table that inherits."""
    made = isinstance(work.changes.get(carrier.id), Create | Replace)
    holder = isinstance(work.changes.get(entry.parent), Create | Replace) if entry.parent else False
    return made or holder


def _is_gone(work: _Work, id: ObjectId) -> bool:
    return isinstance(work.changes.get(id), Drop | Replace)


def render_alter(change: Alter, registry: Registry) -> tuple[Statement, ...]:
    """The statements of an alteration in the order of the kind's rules, each said once."""
    kind = registry.of(change.new)
    statements: dict[Statement, None] = {}
    for name, rule in kind.rules.items():
        if name in change.fields and isinstance(rule, InPlace):
            statements.update(dict.fromkeys(rule.render(change.old, change.new)))
    return tuple(statements)


def with_answers(
    changes: Mapping[ObjectId, Change], answers: Mapping[ObjectId, Entry]
) -> dict[ObjectId, Change]:
    """The changes with the desired entries that the server's answers completed."""
    completed = dict(changes)
    for id, answer in answers.items():
        if isinstance(change := changes[id], Alter):
            completed[id] = dataclasses.replace(change, new=answer)
    return completed
