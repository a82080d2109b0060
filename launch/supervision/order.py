"""The order in which nodes are activated and stopped."""

from __future__ import annotations

from metrica.launch.reading.graph import Graph


def levels(graph: Graph) -> list[list[str]]:
    """The names of the nodes in levels, sources first: a node is in a later level than the nodes it listens to.

    A cycle is opened at the node with the fewest missing inputs. Nodes without any topic come last, one by one in the
    order of the file, so that the uploader still sends what the counters write as they end, and the ingest still runs.
    """
    edges = [(a.name, b.name) for a, b in graph.edges()]
    connected = {name for edge in edges for name in edge}
    waits_for = {node.name: set[str]() for node in graph.nodes if node.name in connected}
    for publisher, subscriber in edges:
        if publisher != subscriber:
            waits_for[subscriber].add(publisher)
    ordered: list[list[str]] = []
    while waits_for:
        ready = [name for name, publishers in waits_for.items() if not publishers]
        level = ready or [min(waits_for, key=lambda name: len(waits_for[name]))]
        ordered.append(level)
        for name in level:
            del waits_for[name]
        for publishers in waits_for.values():
            publishers.difference_update(level)
    return ordered + [[node.name] for node in graph.nodes if node.name not in connected]
