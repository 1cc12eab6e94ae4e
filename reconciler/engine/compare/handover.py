"""Where one object stops counting and another one goes on: a sequence and a column's identity."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import ObjectId
from reconciler.core.sequence_counting import position_store
from reconciler.engine.compare.change import Alter, Change, Create, Drop
from reconciler.engine.registry import Registry


@dataclass(frozen=True, slots=True)
class Handover:
    """What loses its counter, and what gets one that goes on."""

    source: ObjectId
    target: ObjectId


def handovers(
    current: Catalog, desired: Catalog, changes: Mapping[ObjectId, Change], registry: Registry
) -> Iterator[Handover]:
    """The pairs among the changes: an altered object on one side, and on the other what its children need
    (the default of a column, which asks a sequence)."""
    for id, change in changes.items():
        if not isinstance(change, Alter):
            continue
        kind = registry.of(change.new)
        had, has = kind.counter(change.old), kind.counter(change.new)
        if has and not had:
            other = _asked(current, id, changes, Drop, registry)
            if other is not None:
                yield Handover(other, id)
        elif had and not has:
            other = _asked(desired, id, changes, Create, registry)
            if other is not None:
                yield Handover(id, other)


def _asked(
    catalog: Catalog,
    id: ObjectId,
    changes: Mapping[ObjectId, Change],
    how: type[Change],
    registry: Registry,
) -> ObjectId | None:
    """What the children of an object ask for numbers, if it is dropped or created and is one thing."""
    found = {
        needed
        for child in catalog.children.get(id, ())
        for needed in child.needs
        if isinstance(changes.get(needed), how) and registry.of(catalog[needed]).counter(catalog[needed])
    }
    return next(iter(found)) if len(found) == 1 else None


def with_handovers(
    current: Catalog, desired: Catalog, changes: Mapping[ObjectId, Change], registry: Registry
) -> Mapping[ObjectId, Change]:
    """The changes with a place that keeps the position of each counter that is handed over. A counter that
    several objects asked is handed over once."""
    changed = dict(changes)
    seen: set[ObjectId] = set()
    for each in handovers(current, desired, changes, registry):
        if each.source in seen or each.target in seen:
            continue
        seen |= {each.source, each.target}
        source = current[each.source]
        counter = registry.of(source).counter(source)
        assert counter is not None
        store = position_store(counter)
        for id in (each.source, each.target):
            changed[id] = _keeping(changed[id], store, registry, is_source=id == each.source)
    return changed


def _keeping(change: Change, store: str, registry: Registry, is_source: bool) -> Change:
    def kept(entry: Entry) -> Entry:
        return registry.of(entry).keeping_position(entry, store)

    match change:
        case Create(entry) | Drop(entry):
            return dataclasses.replace(change, entry=kept(entry))
        case Alter(old) if is_source:
            return dataclasses.replace(change, old=kept(old))
        case Alter(_, new):
            return dataclasses.replace(change, new=kept(new))
    return change
