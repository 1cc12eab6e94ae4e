"""What is declared just as it is there, and may read otherwise or be refused: it depends on what changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Disturbance
from reconciler.engine.compare.change import Alter, differing, disturbances_of, why_replaced
from reconciler.engine.declaration.written import Written
from reconciler.engine.registry import Registry


def affected(written: Written, built: Catalog, current: Catalog, registry: Registry) -> frozenset[ObjectId]:
    """What is declared and must be read again because of how the `built` part differs from what is there.

    A foreign key has the same text before and after one of its columns changes its type, and is valid only
    before.
    """
    found: set[ObjectId] = set()
    waiting = [entry.id for entry in built if _reaches_dependents(current.get(entry.id), entry, registry)]
    for id in tuple(waiting):
        waiting.extend(_of_its_row(current, id, registry))
    while waiting:
        for dependent in current.dependents.get(waiting.pop(), ()):
            if dependent not in found:
                found.add(dependent)
                waiting.append(dependent)
    declared = (id for id in found if id in written.objects or id in written.unread)
    return frozenset(id for id in declared if registry.of(id).elaborated)


def _reaches_dependents(old: Entry | None, new: Entry, registry: Registry) -> bool:
    if old is None or old is new:
        return False
    return old.parent != new.parent or disturbs(old, new, registry, frozenset(Disturbance))


def _of_its_row(current: Catalog, id: ObjectId, registry: Registry) -> Iterator[ObjectId]:
    """What depends on the whole row that a column is a part of, such as a function that returns it."""
    parent = current[id].parent
    if parent is not None and registry.of(id).is_structural:
        for dependent in current.dependents.get(parent, ()):
            if current.roots[dependent] != current.roots[parent]:
                yield dependent


def disturbs(old: Entry, new: Entry, registry: Registry, words: Iterable[Disturbance]) -> bool:
    """Whether the change replaces the object, or does one of these things to what depends on it."""
    fields = differing(old, new)
    if why_replaced(old, new, fields, registry) is not None:
        return True
    return not disturbances_of(Alter(old, new, fields), registry).isdisjoint(words)


@dataclass(frozen=True, slots=True)
class Disturbed:
    """Whether what an object needs changes in a way that may change the meaning of its text: `b <> 'x'` has a
    cast once `b` is no longer text. Then the live text says nothing any more."""

    entries: Mapping[ObjectId, Entry]
    current: Catalog
    registry: Registry
    known: dict[ObjectId, bool] = field(default_factory=dict)

    def __call__(self, id: ObjectId) -> bool:
        if id not in self.known:
            self.known[id] = False  # what needs itself is not disturbed by itself
            old, new = self.current.get(id), self.entries.get(id)
            if old is not None and new is not None:
                self.known[id] = disturbs(old, new, self.registry, _OF_MEANING) or any(map(self, old.needs))
            elif old is not None:
                self.known[id] = self._goes(old)
        return self.known[id]

    def _goes(self, old: Entry) -> bool:
        """Whether it is dropped, so that what stays must be made again on something else."""
        kind = self.registry.of(old)
        return kind.elaborated and not kind.is_shared and not kind.built_in(old)


_OF_MEANING = frozenset(word for word in Disturbance if word.changes_meaning)
