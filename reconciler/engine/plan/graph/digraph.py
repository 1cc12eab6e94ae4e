"""A directed graph of what comes before what.

The standard library sorts it. networkx unties its knots, and is imported for that alone: to import it takes
longer than to order a small plan (docs/adr/0015).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import networkx

N = TypeVar("N", bound=Hashable)


class Digraph(Generic[N]):
    """Nodes in the order in which they were added, each with what comes right before and right after it."""

    def __init__(self, nodes: Iterable[N] = ()) -> None:
        self._after: dict[N, dict[N, None]] = {node: {} for node in nodes}
        self._before: dict[N, dict[N, None]] = {node: {} for node in self._after}

    def __iter__(self) -> Iterator[N]:
        return iter(self._after)

    def __contains__(self, node: N) -> bool:
        return node in self._after

    def add_edge(self, earlier: N, later: N) -> None:
        """Say that `earlier` comes before `later`; both are in the graph."""
        self._after[earlier][later] = None
        self._before[later][earlier] = None

    def remove_edge(self, earlier: N, later: N) -> None:
        """Say so no more."""
        self._after[earlier].pop(later, None)
        self._before[later].pop(earlier, None)

    @property
    def edges(self) -> Iterator[tuple[N, N]]:
        """All pairs of what comes before what."""
        return ((earlier, later) for earlier, after in self._after.items() for later in after)

    def before(self, node: N) -> Iterable[N]:
        """What comes right before it."""
        return self._before[node]

    def after(self, node: N) -> Iterable[N]:
        """What comes right after it."""
        return self._after[node]

    def sorted(self, key: Callable[[N], Any]) -> list[N]:
        """All nodes, each after what comes before it; of those that may come next the least by `key`, and of
        equals the one added first. Raises graphlib.CycleError where there are knots."""
        sorter = TopologicalSorter(self._before)
        sorter.prepare()
        place = {node: number for number, node in enumerate(self)}
        ready: list[tuple[Any, int, N]] = []
        found: list[N] = []
        while sorter.is_active():
            for node in sorter.get_ready():
                heappush(ready, (key(node), place[node], node))
            found.append(heappop(ready)[2])
            sorter.done(found[-1])
        return found

    def knots(self) -> list[set[N]]:
        """The sets of nodes that all come before one another."""
        try:
            TopologicalSorter(self._before).prepare()
        except CycleError:
            import networkx

            return [knot for knot in networkx.strongly_connected_components(self._graph()) if len(knot) > 1]
        return []

    def cycle(self, knot: Iterable[N]) -> list[N]:
        """A way through a knot that ends where it begins; its start is told once."""
        import networkx

        return [edge[0] for edge in networkx.find_cycle(self._graph().subgraph(knot))]

    def _graph(self) -> networkx.DiGraph[N]:
        import networkx

        graph: networkx.DiGraph[N] = networkx.DiGraph()
        graph.add_nodes_from(self)
        graph.add_edges_from(self.edges)
        return graph
