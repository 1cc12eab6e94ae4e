"""Which steps run the code of people: it may call by name what no catalog knows that it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from reconciler.core.catalog import Entry
from reconciler.core.ident import ObjectId
from reconciler.core.kind import Kind
from reconciler.engine.compare.change import Alter, Create, Follow, Replace
from reconciler.engine.plan.graph.node import Node, Verb, Wiring

Asked = Callable[[Entry | None, Entry], bool]


def evaluating(wiring: Wiring, tops: Iterable[Node]) -> frozenset[Node]:
    """The nodes among `tops` whose statement runs or plans an expression that leads to a quoted body."""
    callers = _Callers(wiring)
    inner: dict[Node, list[Node]] = {}
    for node, outer in wiring.into.items():
        inner.setdefault(outer, []).append(node)
    return frozenset(node for node in tops if _evaluates(wiring, callers, node, inner))


def _evaluates(wiring: Wiring, callers: _Callers, node: Node, inner: dict[Node, list[Node]]) -> bool:
    every = [node, *inner.get(node, ())]
    every += [deeper for one in every[1:] for deeper in inner.get(one, ())]
    running = [one for one in every if _does(wiring, one, lambda kind: kind.evaluates)]
    if not running:
        return False
    entries = [entry for one in every if (entry := wiring.desired.get(one.id)) is not None]
    return any(map(callers.reached_by, entries)) or any(
        callers.are_beside(wiring.desired[one.id])
        for one in running
        if _does(wiring, one, lambda kind: kind.reads_indexes)
    )


def _does(wiring: Wiring, node: Node, question: Callable[[Kind[Any]], Asked]) -> bool:
    """What the kind says of what the node does to its object."""
    change = wiring.changes[node.id]
    ask = question(wiring.registry[node.id.kind])
    match node.verb, change:
        case Verb.CREATE, Create(entry):
            return ask(None, entry)
        case Verb.CREATE, Replace(_, new):
            return ask(None, new)
        case Verb.ALTER, Alter(old, new) | Follow(old, new):
            return ask(old, new)
    return False


class _Callers:
    """Whether what an object needs, directly or not, calls something by name."""

    def __init__(self, wiring: Wiring) -> None:
        self._desired, self._registry = wiring.desired, wiring.registry
        self._known: dict[ObjectId, bool] = {}

    def reached_by(self, entry: Entry) -> bool:
        """Whether evaluating the object leads to a body that calls by name."""
        return any(map(self._leads, self._parts(entry)))

    def are_beside(self, entry: Entry) -> bool:
        """Whether an expression of an index, or of a check, of one of its tables leads there."""
        needs = (self._desired.get(id) for id in entry.needs)
        tables = {entry.parent, *(needed.parent for needed in needs if needed is not None)}
        beside = (child for id in tables if id is not None for child in self._desired.children.get(id, ()))
        return any(
            self._registry.of(child).evaluates(None, child) and self.reached_by(child) for child in beside
        )

    def _parts(self, entry: Entry) -> set[ObjectId]:
        """What it is made of. Its table is no part of it: what else stands there is not evaluated."""
        return set(entry.needs) - {entry.parent}

    def _leads(self, id: ObjectId) -> bool:
        if id not in self._known:
            self._known[id] = False  # what needs itself leads nowhere by that
            entry = self._desired.get(id)
            if entry is not None:
                own = self._registry.of(entry).calls_by_name(entry)
                self._known[id] = own or any(map(self._leads, self._parts(entry)))
        return self._known[id]
