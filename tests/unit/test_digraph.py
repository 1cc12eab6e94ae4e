"""The graph's own order is the one that networkx gives, knots and all."""

from __future__ import annotations

import random

import networkx
import pytest

from reconciler.engine.plan.graph.digraph import Digraph

pytestmark = pytest.mark.quick

Edges = list[tuple[int, int]]


def _random_edges(seed: int, forwards: bool) -> Edges:
    chance = random.Random(seed)
    pairs = [(chance.randrange(30), chance.randrange(30)) for _ in range(chance.randrange(80))]
    return [(min(pair), max(pair)) if forwards else pair for pair in pairs if pair[0] != pair[1]]


def _both(edges: Edges) -> tuple[Digraph[int], networkx.DiGraph[int]]:
    ours = Digraph(range(30))
    theirs: networkx.DiGraph[int] = networkx.DiGraph()
    theirs.add_nodes_from(range(30))
    theirs.add_edges_from(edges)
    for edge in edges:
        ours.add_edge(*edge)
    return ours, theirs


@pytest.mark.parametrize("seed", range(40))
def test_the_least_of_what_may_come_next_comes_next(seed: int) -> None:
    ours, theirs = _both(_random_edges(seed, forwards=True))
    for key in (lambda node: -node, lambda node: node % 3):
        assert ours.sorted(key) == list(networkx.lexicographical_topological_sort(theirs, key=key))
    assert ours.knots() == []
    assert sorted(ours.edges) == sorted(theirs.edges)


@pytest.mark.parametrize("seed", range(40))
def test_knots_are_found_and_a_way_through_them(seed: int) -> None:
    edges = _random_edges(seed, forwards=False)
    ours, theirs = _both(edges)
    knots = ours.knots()
    expected = [knot for knot in networkx.strongly_connected_components(theirs) if len(knot) > 1]
    assert sorted(map(sorted, knots)) == sorted(map(sorted, expected))
    for knot in knots:
        way = ours.cycle(knot)
        assert set(way) <= knot
        assert all(pair in edges for pair in zip(way, [*way[1:], way[0]], strict=True))


def test_an_edge_that_is_taken_back_orders_nothing() -> None:
    graph = Digraph("ab")
    graph.add_edge("b", "a")
    graph.add_edge("a", "b")
    graph.remove_edge("a", "b")
    assert graph.sorted(ord) == ["b", "a"]
    assert (list(graph.before("a")), list(graph.after("a"))) == (["b"], [])
