"""Tables that leave ancestors and join others: what they have in common is altered when they have none.

A table that left is nobody's heir: no change of an ancestor reaches it, and all that it has is its own. It
joins when it and its new ancestors have what they shall have.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.catalog import Entry
from reconciler.core.ident import ObjectId
from reconciler.engine.compare.change import is_implied, old_of
from reconciler.engine.compare.inheritance import Parting, lines, parting, table_of
from reconciler.engine.plan.graph.node import Node, Verb, Wiring


def link_moves(wiring: Wiring) -> None:
    """Add the edges around every table that leaves or joins."""
    for id in wiring.changes:
        moves = parting(wiring.changes, id)
        if not (moves.left or moves.joined):
            continue
        joining = Node(Verb.ALTER, id)
        leaving = wiring.node(Verb.LEAVE, id) or joining
        if moves.left:
            _after_leaving(wiring, leaving, moves)
        if moves.joined:
            _before_joining(wiring, joining, moves)


def is_between(wiring: Wiring, entry: Entry) -> bool:
    """Whether a change of the object comes after its table left, and before it joins."""
    kind = wiring.registry.of(entry)
    if entry.parent is None:
        return False
    moves = parting(wiring.changes, entry.parent)
    return bool(moves.left or moves.joined) and (
        kind.is_required_in_children or _is_from(wiring, entry, moves)
    )


def is_released(wiring: Wiring, entry: Entry) -> bool:
    """Whether the object comes into being when its table leaves: a foreign key that is kept."""
    is_there = entry.id in wiring.current or entry.parent is None
    return not is_there and bool(parting(wiring.changes, entry.parent).left)


def _is_from(wiring: Wiring, entry: Entry, moves: Parting) -> bool:
    """Whether the object is part of one that an ancestor has, and comes free when its table leaves that."""
    if not moves.left:
        return False
    there = wiring.current.get(entry.id) or entry
    left = set(lines(wiring.current, moves.left))
    above = (wiring.current.get(id) for id in (there.carrier, *there.needs))
    return any(other is not None and other.parent in left for other in above)


def _after_leaving(wiring: Wiring, leaving: Node, moves: Parting) -> None:
    for node in _between(wiring, leaving.id):
        wiring.graph.add_edge(leaving, node)
    for above in lines(wiring.current, moves.left):
        for node in _nodes_on(wiring, above):
            wiring.graph.add_edge(leaving, node)


def _before_joining(wiring: Wiring, joining: Node, moves: Parting) -> None:
    for node in _between(wiring, joining.id):
        wiring.graph.add_edge(node, joining)
    for above in lines(wiring.desired, moves.joined):
        for node in _nodes_on(wiring, above):
            kind = wiring.registry[node.id.kind]
            if kind.is_required_in_children or kind.is_overridden_by_partitions:
                wiring.graph.add_edge(node, joining)


def _between(wiring: Wiring, table: ObjectId) -> Iterator[Node]:
    for node in _nodes_on(wiring, table):
        change = wiring.changes[node.id]
        entry = wiring.desired[node.id] if node.verb is Verb.CREATE else old_of(change)
        if is_between(wiring, entry) and (node.verb is Verb.DROP or not is_implied(change)):
            yield node


def _nodes_on(wiring: Wiring, table: ObjectId) -> set[Node]:
    """What is done to all that hangs on a table, not to its partitions."""
    found: set[Node] = set()
    for catalog in (wiring.current, wiring.desired):
        for child in catalog.children.get(table, ()):
            if child.id.kind != table.kind:
                every = (child, *catalog.children.get(child.id, ()))
                ids = [entry.id for entry in every if table_of(entry, catalog, wiring.registry) == table]
                found.update(node for id in ids for verb in Verb if (node := wiring.node(verb, id)))
    return found | _released(wiring, table)


def _released(wiring: Wiring, table: ObjectId) -> set[Node]:
    """The drops of what a table has only once it has left, and neither catalog tells."""
    return {
        Node(Verb.DROP, id)
        for above in lines(wiring.current, parting(wiring.changes, table).left)
        for entry in wiring.current.children.get(above, ())
        for id in (kept.id for kept in wiring.registry.of(entry).entries_after_detach(entry, table))
        if wiring.node(Verb.DROP, id)
    }
