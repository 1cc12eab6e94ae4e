"""The order of things: one directed graph of what must come before what, folded where a CREATE or DROP covers
its children, and sorted the same way every time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from reconciler.core.catalog import Catalog, Entry
from reconciler.core.ident import ObjectId
from reconciler.core.statement import Mode, Statement
from reconciler.engine.compare.change import Alter, Change, Create, Drop, Follow, Rename, Replace, alteration
from reconciler.engine.plan.graph.digraph import Digraph
from reconciler.engine.plan.graph.edges import link, link_handovers, link_names, link_rules
from reconciler.engine.plan.graph.evaluation import evaluating
from reconciler.engine.plan.graph.folds import DependencyCycle, acyclic, choose_folds
from reconciler.engine.plan.graph.moves import link_moves
from reconciler.engine.plan.graph.node import Node, Verb, Wiring
from reconciler.engine.registry import Registry

__all__ = ["DependencyCycle", "Node", "Ordered", "Verb", "order"]


@dataclass
class Ordered:
    """Nodes in the order of execution, with what was folded into each and what each waits for."""

    nodes: Sequence[Node]
    folded: Mapping[Node, Sequence[Node]]
    requires: Mapping[Node, Sequence[Node]]
    evaluating: frozenset[Node] = frozenset()
    """Nodes whose statements run what people wrote."""


def order(
    current: Catalog,
    desired: Catalog,
    changes: Mapping[ObjectId, Change],
    registry: Registry,
    fold: bool = True,
) -> Ordered:
    """Sort the changes so that each finds what it needs; without `fold` only structural children are clauses.
    Raises DependencyCycle, which names its members."""
    found = [Node(verb, id) for id, change in changes.items() for verb in _verbs(change, registry)]
    wiring = Wiring(current, desired, registry, changes, Digraph(found))
    altering = {
        Node(Verb.ALTER, id): alteration(change, desired, registry)
        for id, change in changes.items()
        if isinstance(change, Alter | Follow)
    }
    wiring.early = {node for node, statements in altering.items() if _commits(statements)}
    in_reading_order = sorted(altering, key=lambda node: (_position(desired[node.id]), node))
    heads = {node: altering[node][0].head for node in in_reading_order if altering[node]}
    wiring.heads = {node: head for node, head in heads.items() if head is not None}
    for node in list(wiring.graph):
        link(wiring, node)
    link_moves(wiring)
    link_rules(wiring)
    link_names(wiring)
    link_handovers(wiring)
    choose_folds(wiring, structural_only=not fold)
    contracted = acyclic(wiring)
    running = evaluating(wiring, contracted)
    rank = _rank(wiring, contracted, running)
    nodes = contracted.sorted(rank)
    folded: dict[Node, list[Node]] = {}
    for inner, outer in wiring.into.items():
        folded.setdefault(outer, []).append(inner)
    requires = {node: sorted(contracted.before(node), key=rank) for node in nodes}
    return Ordered(nodes, folded, requires, running)


def _verbs(change: Change, registry: Registry) -> tuple[Verb, ...]:
    match change:
        case Create():
            return (Verb.CREATE, *_opening(change.entry, registry))
        case Drop():
            return (Verb.DROP,)
        case Alter(old, new) if any(registry.of(new).detach(old, new)):
            return (Verb.LEAVE, Verb.ALTER)
        case Alter() | Follow() | Rename():
            return (Verb.ALTER,)
        case Replace(aside=True):
            return (Verb.ASIDE, Verb.CREATE, Verb.DROP_ASIDE, *_opening(change.new, registry))
        case Replace():
            return (Verb.DROP, Verb.CREATE, *_opening(change.new, registry))


def _opening(entry: Entry, registry: Registry) -> tuple[Verb, ...]:
    return (Verb.OPEN,) if any(registry.of(entry).create_shell(entry)) else ()


def _position(entry: Entry) -> int:
    position: int = getattr(entry.state, "position", 0)
    return position


def _commits(statements: Iterable[Statement]) -> bool:
    """Whether an alteration must be committed before anything can use it."""
    return any(statement.mode is Mode.COMMIT_AFTER for statement in statements)


def _rank(
    wiring: Wiring, graph: Digraph[Node], running: frozenset[Node]
) -> Callable[[Node], tuple[int, int, int, ObjectId]]:
    """Ties are broken by the kinds' ranks. Of two alike, the one that something of a lower rank waits for
    goes first. What runs a function comes last: what the function's text calls is unknown, and must be there,
    with its privileges."""

    def key(node: Node) -> tuple[int, int, int, ObjectId]:
        rank = wiring.registry[node.id.kind].rank
        if node in wiring.early:
            return (-1, rank, 0, node.id)
        if node.verb in (Verb.DROP, Verb.ASIDE):
            return (0, -rank, 0, node.id)
        if node in running and not _is_new_table(wiring, node):
            return (2, rank, 0, node.id)
        waiting = min((wiring.registry[other.id.kind].rank for other in graph.after(node)), default=rank)
        return (1, rank, min(rank, waiting), node.id)

    return key


def _is_new_table(wiring: Wiring, node: Node) -> bool:
    """Whether it makes what will hold rows: it has none yet, and much waits for it."""
    kind = wiring.registry[node.id.kind]
    return node.verb is Verb.CREATE and kind.holds_data and not kind.folds_into
