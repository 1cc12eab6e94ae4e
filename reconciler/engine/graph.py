"""The order of things: one directed graph of what must come before what (networkx), folded where a CREATE or
DROP covers its children, and sorted the same way every time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.errors import ReconcileError
from reconciler.core.ident import ObjectId
from reconciler.engine.diff import Alter, Change, Create, Drop, Follow, Rename, Replace
from reconciler.engine.registry import Registry

if TYPE_CHECKING:
    import networkx

    Graph = networkx.DiGraph["Node"]


class Verb(IntEnum):
    """What a node does; the value breaks ties: what frees names and dependents goes first."""

    DROP = 0
    ASIDE = 1
    CREATE = 2
    ALTER = 3
    DROP_ASIDE = 4


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """One thing to do to one object."""

    verb: Verb
    id: ObjectId

    def __str__(self) -> str:
        return f"{self.verb.name.lower().replace('_', ' ')} {self.id}"


class DependencyCycle(ReconcileError):
    """Changes that each wait for the other."""

    exit_code = 1


@dataclass
class Ordered:
    """Nodes in the order of execution, with what was folded into each and what each waits for."""

    nodes: Sequence[Node]
    folded: Mapping[Node, Sequence[Node]]
    requires: Mapping[Node, Sequence[Node]]


@dataclass
class _Plan:
    current: Catalog
    desired: Catalog
    registry: Registry
    changes: Mapping[ObjectId, Change]
    graph: Graph
    soft: set[tuple[Node, Node]] = field(default_factory=set)
    into: dict[Node, Node] = field(default_factory=dict)
    """A folded node and the node that covers it."""

    def node(self, verb: Verb, id: ObjectId) -> Node | None:
        found = Node(verb, id)
        return found if found in self.graph else None


def order(
    current: Catalog,
    desired: Catalog,
    changes: Mapping[ObjectId, Change],
    registry: Registry,
    fold: bool = True,
) -> Ordered:
    """Sort the changes so that each finds what it needs; without `fold` only structural children are clauses.
    Raises DependencyCycle, which names its members."""
    import networkx

    plan = _Plan(current, desired, registry, changes, networkx.DiGraph())
    for id, change in changes.items():
        plan.graph.add_nodes_from(Node(verb, id) for verb in _verbs(change))
    for node in list(plan.graph):
        _link(plan, node)
    _link_names(plan)
    _choose_folds(plan, structural_only=not fold)
    contracted = _acyclic(plan)
    rank = _rank(registry, contracted)
    nodes = list(networkx.lexicographical_topological_sort(contracted, key=rank))
    folded: dict[Node, list[Node]] = {}
    for inner, outer in plan.into.items():
        folded.setdefault(outer, []).append(inner)
    requires = {node: sorted(contracted.predecessors(node), key=rank) for node in nodes}
    return Ordered(nodes, folded, requires)


def _verbs(change: Change) -> tuple[Verb, ...]:
    match change:
        case Create():
            return (Verb.CREATE,)
        case Drop():
            return (Verb.DROP,)
        case Alter() | Follow() | Rename():
            return (Verb.ALTER,)
        case Replace(aside=True):
            return (Verb.ASIDE, Verb.CREATE, Verb.DROP_ASIDE)
        case Replace():
            return (Verb.DROP, Verb.CREATE)


def _rank(registry: Registry, graph: Graph) -> Callable[[Node], tuple[int, int, int, ObjectId]]:
    """Ties are broken by the kinds' ranks. Of two alike, the one that something of a lower rank waits for
    goes first: what a function's text calls is unknown, so functions shall exist before anything evaluates
    one."""

    def key(node: Node) -> tuple[int, int, int, ObjectId]:
        rank = registry[node.id.kind].rank
        if node.verb in (Verb.DROP, Verb.ASIDE):
            return (0, -rank, 0, node.id)
        waiting = min((registry[other.id.kind].rank for other in graph.successors(node)), default=rank)
        return (1, rank, min(rank, waiting), node.id)

    return key


def _link(plan: _Plan, node: Node) -> None:
    change = plan.changes[node.id]
    match node.verb:
        case Verb.CREATE:
            entry = change.entry if isinstance(change, Create) else _new(change)
            _after_needs(plan, node, _wanted(entry) - _attached_later(plan, node, entry))
            for before in (Verb.DROP, Verb.ASIDE):
                if earlier := plan.node(before, node.id):
                    plan.graph.add_edge(earlier, node)
            if entry.carrier and (carrier := plan.node(Verb.CREATE, entry.carrier)):
                plan.graph.add_edge(node, carrier)
            if plan.registry.of(entry).is_adopted and entry.carrier is None:
                _link_own(plan, node, entry)
            former = plan.current.get(node.id)
            if former and former.carrier and (gone := plan.node(Verb.DROP, former.carrier)):
                plan.graph.add_edge(gone, node)
        case Verb.DROP | Verb.ASIDE:
            entry = change.entry if isinstance(change, Drop) else _old(change)
            _before_needs(plan, node, _wanted(entry))
        case Verb.DROP_ASIDE:
            plan.graph.add_edge(Node(Verb.CREATE, node.id), node)
            _before_needs(plan, node, _wanted(_old(change)))
            for dependent in plan.current.dependents.get(node.id, ()):
                if (moved := plan.node(Verb.ALTER, dependent)) and moved != node:
                    plan.graph.add_edge(moved, node)
        case Verb.ALTER:
            _link_alter(plan, node, change)


def _link_own(plan: _Plan, node: Node, entry: Entry) -> None:
    """An index of a partition that shall not become part of the partitioned table's waits for that: an index
    made later would adopt it."""
    holder = plan.desired.get(entry.parent)
    if holder is None or holder.parent is None or holder.parent.kind != holder.id.kind:
        return
    for other in plan.desired.children.get(holder.parent, ()):
        if other.id.kind == entry.id.kind and (earlier := plan.node(Verb.CREATE, other.id)):
            plan.graph.add_edge(earlier, node)


def _link_alter(plan: _Plan, node: Node, change: Change) -> None:
    _after_needs(plan, node, _wanted(_new(change)) - _attached_later(plan, node, _new(change)))
    if isinstance(change, Alter) and change.implied:
        for maker in (change.new.parent, change.new.carrier):
            if maker and (earlier := plan.node(Verb.CREATE, maker)):
                plan.graph.add_edge(earlier, node)
        return
    if (
        isinstance(change, Alter)
        and change.new.carrier
        and (carrier := plan.node(Verb.ALTER, change.new.carrier))
    ):
        plan.graph.add_edge(carrier, node)
    for needed in _wanted(_old(change)):
        for verb in (Verb.DROP, Verb.DROP_ASIDE):
            if later := plan.node(verb, needed):
                plan.graph.add_edge(node, later)


def _attached_later(plan: _Plan, node: Node, entry: Entry) -> set[ObjectId]:
    """The table that becomes a partition: what it must have in common with the partitioned table comes first."""
    holder, before = plan.desired.get(entry.parent), plan.current.get(entry.parent)
    if entry.carrier is None or holder is None or before is None or holder.parent in (None, before.parent):
        return set()
    attaching = plan.node(Verb.ALTER, holder.id)
    if attaching is None or attaching == node:
        return set()
    plan.graph.add_edge(node, attaching)
    return {holder.id}


def _after_needs(plan: _Plan, node: Node, needs: Iterable[ObjectId]) -> None:
    for needed in needs:
        if earlier := plan.node(Verb.CREATE, needed):
            plan.graph.add_edge(earlier, node)
        elif (earlier := plan.node(Verb.ALTER, needed)) and earlier != node:
            plan.graph.add_edge(earlier, node)
            if node.verb is Verb.ALTER:
                plan.soft.add((earlier, node))


def _before_needs(plan: _Plan, node: Node, needs: Iterable[ObjectId]) -> None:
    for needed in needs:
        for verb in (Verb.DROP, Verb.ASIDE, Verb.ALTER):
            later = plan.node(verb, needed)
            if later and later != node and not _implied(plan, later):
                plan.graph.add_edge(node, later)


def _implied(plan: _Plan, node: Node) -> bool:
    change = plan.changes[node.id]
    return isinstance(change, Alter) and change.implied


def _wanted(entry: Entry) -> set[ObjectId]:
    return {*entry.needs, entry.parent} if entry.parent else set(entry.needs)


def _old(change: Change) -> Entry:
    assert isinstance(change, Replace | Alter | Follow | Rename)
    return change.old


def _new(change: Change) -> Entry:
    assert isinstance(change, Replace | Alter | Follow | Rename)
    return change.new


def _link_names(plan: _Plan) -> None:
    """Who takes a name waits for who gives it up."""
    freed: dict[tuple[str, ...], list[Node]] = {}
    taken: list[tuple[tuple[str, ...], Node]] = []
    for node in plan.graph:
        gives, takes = _names(plan, node)
        for name in gives:
            freed.setdefault(name, []).append(node)
        taken.extend((name, node) for name in takes)
    for name, node in taken:
        for earlier in freed.get(name, ()):
            if earlier != node:
                plan.graph.add_edge(earlier, node)


def _names(plan: _Plan, node: Node) -> tuple[set[tuple[str, ...]], set[tuple[str, ...]]]:
    """The names that a node gives up, and those that it takes."""
    change = plan.changes[node.id]
    old = change.entry if isinstance(change, Drop) else None if isinstance(change, Create) else _old(change)
    new = change.entry if isinstance(change, Create) else None if isinstance(change, Drop) else _new(change)
    had = set(plan.registry.of(old).occupies(old)) if old else set()
    has = set(plan.registry.of(new).occupies(new)) if new else set()
    match node.verb:
        case Verb.DROP | Verb.ASIDE:
            return had, set()
        case Verb.CREATE:
            return set(), has
        case Verb.ALTER:
            return had - has, has - had
        case Verb.DROP_ASIDE:
            return set(), set()


def _choose_folds(plan: _Plan, structural_only: bool) -> None:
    for node in plan.graph:
        if structural_only and not plan.registry[node.id.kind].is_structural:
            continue
        if outer := _cover(plan, node):
            plan.into[node] = outer


def _cover(plan: _Plan, node: Node) -> Node | None:
    change = plan.changes[node.id]
    if node.verb is Verb.DROP:
        entry = change.entry if isinstance(change, Drop) else _old(change)
        goes_along = entry.parent and plan.registry.of(entry).drops_with_parent
        return plan.node(Verb.DROP, entry.parent) if entry.parent and goes_along else None
    if node.verb is Verb.DROP_ASIDE or node.verb is Verb.ASIDE:
        return None
    if node.verb is Verb.CREATE:
        entry = change.entry if isinstance(change, Create) else _new(change)
        kind = plan.registry.of(entry)
        if entry.parent and entry.parent.kind in kind.folds_into and kind.foldable(entry):
            return plan.node(Verb.CREATE, entry.parent)
    return None


def _acyclic(plan: _Plan) -> Graph:
    """Contract the folds; where that makes a cycle, unfold what is in it; then give up soft edges."""
    import networkx

    while True:
        contracted = _contract(plan)
        knots = [knot for knot in networkx.strongly_connected_components(contracted) if len(knot) > 1]
        if not knots:
            return contracted
        loosened = [_loosen(plan, knot) for knot in knots]
        if not any(loosened):
            raise _cycle(contracted, knots[0])


def _contract(plan: _Plan) -> Graph:
    import networkx

    contracted: Graph = networkx.DiGraph()
    top = {node: _top(plan, node) for node in plan.graph}
    contracted.add_nodes_from(dict.fromkeys(top.values()))
    for source, target in plan.graph.edges:
        if top[source] != top[target]:
            contracted.add_edge(top[source], top[target])
    return contracted


def _top(plan: _Plan, node: Node) -> Node:
    while node in plan.into:
        node = plan.into[node]
    return node


def _loosen(plan: _Plan, knot: set[Node]) -> bool:
    """Unfold the members whose own edges tie the knot; True where something was loosened."""
    tied = [node for node in plan.into if _top(plan, node) in knot and _ties(plan, node, knot)]
    # A table without its columns is no table: columns are taken out only when nothing else helps.
    chosen = [node for node in tied if not plan.registry[node.id.kind].is_structural] or tied
    for node in chosen:
        del plan.into[node]
    if chosen:
        return True
    loose = [edge for edge in plan.soft if _top(plan, edge[0]) in knot and _top(plan, edge[1]) in knot]
    plan.graph.remove_edges_from(loose)
    plan.soft.difference_update(loose)
    return bool(loose)


def _ties(plan: _Plan, node: Node, knot: set[Node]) -> bool:
    own = _top(plan, node)
    neighbours = (*plan.graph.predecessors(node), *plan.graph.successors(node))
    return any((top := _top(plan, other)) != own and top in knot for other in neighbours)


def _cycle(graph: Graph, knot: set[Node]) -> DependencyCycle:
    import networkx

    edges = networkx.find_cycle(graph.subgraph(knot))
    names = " -> ".join(str(edge[0]) for edge in edges)
    return DependencyCycle(
        f"these changes wait for one another: {names}",
        hint="make the change in two plans: first remove one of the dependencies, then add the other",
    )
