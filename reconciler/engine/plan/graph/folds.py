"""What a CREATE or DROP covers is folded into it, as far as that makes no cycle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.errors import ReconcileError
from reconciler.engine.compare.change import is_implied, new_of, old_of
from reconciler.engine.plan.graph.digraph import Digraph
from reconciler.engine.plan.graph.node import Node, Verb, Wiring, is_entangled

if TYPE_CHECKING:
    from reconciler.core.catalog import Entry


class DependencyCycle(ReconcileError):
    """Changes that each wait for the other."""

    exit_code = 1


def choose_folds(wiring: Wiring, structural_only: bool) -> None:
    """Fold every node into the one that covers it, and alterations of one head into the first of them."""
    for node in wiring.graph:
        if structural_only and not wiring.registry[node.id.kind].is_structural:
            continue
        if outer := _cover(wiring, node):
            wiring.into[node] = outer
    first: dict[str, Node] = {}
    for node, head in wiring.heads.items():
        if first.setdefault(head, node) != node:
            wiring.into[node] = first[head]


def _cover(wiring: Wiring, node: Node) -> Node | None:
    change = wiring.changes[node.id]
    if node.verb is Verb.DROP and is_implied(change):
        return None  # it comes with what is made, not with what was there
    if node.verb is Verb.DROP:
        entry = old_of(change)
        goes_along = entry.parent and wiring.registry.of(entry).drops_with_parent
        if entry.parent and goes_along and (outer := wiring.node(Verb.DROP, entry.parent)):
            return outer
        wholes = (id for id in sorted(entry.needs) if is_entangled(wiring, wiring.current, node.id, id))
        return next((outer for id in wholes if (outer := wiring.node(Verb.DROP, id))), None)
    if node.verb is Verb.DROP_ASIDE or node.verb is Verb.ASIDE:
        return None
    if node.verb is Verb.CREATE:
        entry = new_of(change)
        kind = wiring.registry.of(entry)
        if entry.parent and entry.parent.kind in kind.folds_into and kind.foldable(entry):
            return None if _is_repeated(wiring, entry) else wiring.node(Verb.CREATE, entry.parent)
    return None


def _is_repeated(wiring: Wiring, entry: Entry) -> bool:
    """Whether another clause of the same CREATE would swallow this one."""
    kind = wiring.registry.of(entry)
    if not kind.is_attachable or entry.parent is None:
        return False
    return any(kind.merges_with(entry, other) for other in wiring.desired.children.get(entry.parent, ()))


def acyclic(wiring: Wiring) -> Digraph[Node]:
    """Contract the folds; where that makes a cycle, unfold what is in it; then give up soft edges."""
    while True:
        contracted = _contract(wiring)
        knots = contracted.knots()
        if not knots:
            return contracted
        loosened = [_loosen(wiring, knot) for knot in knots]
        if not any(loosened):
            raise _cycle(contracted, knots[0])


def _contract(wiring: Wiring) -> Digraph[Node]:
    top = {node: _top(wiring, node) for node in wiring.graph}
    contracted = Digraph(top.values())
    for source, target in wiring.graph.edges:
        if top[source] != top[target]:
            contracted.add_edge(top[source], top[target])
    return contracted


def _top(wiring: Wiring, node: Node) -> Node:
    while node in wiring.into:
        node = wiring.into[node]
    return node


def _loosen(wiring: Wiring, knot: set[Node]) -> bool:
    """Unfold the members whose own edges tie the knot; True where something was loosened."""
    tied = [node for node in wiring.into if _top(wiring, node) in knot and _ties(wiring, node, knot)]
    # A table without its columns is no table: columns are taken out only when nothing else helps.
    chosen = [node for node in tied if not wiring.registry[node.id.kind].is_structural] or tied
    highest = max((wiring.registry[node.id.kind].rank for node in chosen), default=0)
    chosen = [node for node in chosen if wiring.registry[node.id.kind].rank == highest]
    for node in chosen:
        del wiring.into[node]
    if chosen:
        return True
    loose = [edge for edge in wiring.soft if _top(wiring, edge[0]) in knot and _top(wiring, edge[1]) in knot]
    for edge in loose:
        wiring.graph.remove_edge(*edge)
    wiring.soft.difference_update(loose)
    return bool(loose)


def _ties(wiring: Wiring, node: Node, knot: set[Node]) -> bool:
    own = _top(wiring, node)
    neighbours = (*wiring.graph.before(node), *wiring.graph.after(node))
    return any((top := _top(wiring, other)) != own and top in knot for other in neighbours)


def _cycle(graph: Digraph[Node], knot: set[Node]) -> DependencyCycle:
    names = " -> ".join(map(str, graph.cycle(knot)))
    return DependencyCycle(
        f"these changes wait for one another: {names}",
        hint="make the change in two plans: first remove one of the dependencies, then add the other",
    )
