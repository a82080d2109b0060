"""Which nodes a count depends on: the chain from a camera's pictures to the node that counts."""

from __future__ import annotations

from collections.abc import Collection

from metrica.launch.reading.graph import Graph
from metrica.launch.reading.nodes import LaunchNode
from metrica.messages import Crossing, Occupancy, Visit

_COUNTS = (Crossing, Visit, Occupancy)
"""What a node publishes that counts."""


def counting_chains(graph: Graph) -> dict[str, set[str]]:
    """The names of the nodes that each counting node depends on, itself included.

    It is empty for a graph that counts nothing. A detector that serves several cameras listens to all of them, but a
    count at one camera needs no other camera.
    """
    counters = [node for node in graph.nodes if node.cls and _counts(node)]
    return {counter.name: _needed(graph, counter) for counter in counters}


def not_counting(chains: dict[str, set[str]], down: Collection[str]) -> list[str]:
    """The counting nodes that cannot count while these nodes are down."""
    return [counter for counter, needed in chains.items() if needed & set(down)]


def undecided(chains: dict[str, set[str]], up: Collection[str], given_up: Collection[str]) -> list[str]:
    """The counting nodes that do not count yet, but may soon: not all that they need are up, and none is given up."""
    return [counter for counter, needed in chains.items() if needed - set(up) and not needed & set(given_up)]


def _counts(node: LaunchNode) -> bool:
    assert node.cls
    return any(issubclass(publisher.message, _COUNTS) for publisher in node.cls.publishers.values())


def _needed(graph: Graph, counter: LaunchNode) -> set[str]:
    publishers = [(a, b) for a, b in graph.edges() if not (a.camera and counter.camera and a.camera != counter.camera)]
    needed, new = {counter.name}, [counter.name]
    while new:
        new = list({a.name for a, b in publishers if b.name in new} - needed)
        needed.update(new)
    return needed
