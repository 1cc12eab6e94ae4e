"""What stands in the graph: things to do to objects, and what is known of them while it is wired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import IntEnum

from reconciler.core.catalog import Catalog
from reconciler.core.dataclass import dataclass
from reconciler.core.ident import ObjectId
from reconciler.engine.compare.change import Change
from reconciler.engine.plan.graph.digraph import Digraph
from reconciler.engine.registry import Registry


class Verb(IntEnum):
    """What a node does; the value breaks ties: what frees names and dependents goes first."""

    DROP = 0
    ASIDE = 1
    CREATE = 2
    ALTER = 3
    DROP_ASIDE = 4
    OPEN = 5
    LEAVE = 6


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """One thing to do to one object."""

    verb: Verb
    id: ObjectId

    def __str__(self) -> str:
        return f"{self.verb.name.lower().replace('_', ' ')} {self.id}"


@dataclass
class Wiring:
    """The graph in the making, with the two catalogs and the changes between them."""

    current: Catalog
    desired: Catalog
    registry: Registry
    changes: Mapping[ObjectId, Change]
    graph: Digraph[Node]
    soft: set[tuple[Node, Node]] = field(default_factory=set)
    into: dict[Node, Node] = field(default_factory=dict)
    """A folded node and the node that covers it."""
    heads: Mapping[Node, str] = field(default_factory=dict)
    """How those alterations begin that others which begin alike can be said in one with."""
    early: set[Node] = field(default_factory=set)
    """What must be committed before the rest (new values of an enum): it stands in nobody's way, and goes
    first so that what is dropped to come back does so within one transaction."""

    def node(self, verb: Verb, id: ObjectId) -> Node | None:
        """The node, if that is to be done."""
        found = Node(verb, id)
        return found if found in self.graph else None


def is_entangled(wiring: Wiring, catalog: Catalog, part: ObjectId, whole: ObjectId) -> bool:
    """Whether the whole, which is made in two goes, needs the part, and the part the whole."""
    entry, other = catalog.get(whole), catalog.get(part)
    return (
        entry is not None
        and other is not None
        and part in entry.needs
        and whole in other.needs
        and any(wiring.registry.of(entry).create_shell(entry))
    )
