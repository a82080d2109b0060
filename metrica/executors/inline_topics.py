"""The topics of an inline graph: which node publishes each, and the order of the nodes."""

from __future__ import annotations

from collections.abc import Mapping

from metrica.errors import TopicError
from metrica.node import Node
from metrica.params import did_you_mean


def topic_publishers(nodes: Mapping[str, Node]) -> dict[str, Node]:
    """The node that publishes each topic.

    Raises TopicError if two nodes publish one topic, or a subscription has no publisher of its name and message.
    """
    found: dict[str, Node] = {}
    for name, node in nodes.items():
        for topic in node.publishers:
            if topic in found:
                raise TopicError(f"two nodes publish '{topic}', the second is '{name}'")
            found[topic] = node
    for name, node in nodes.items():
        for topic, spec in node.subscriptions.items():
            if topic not in found:
                raise TopicError(f"nobody publishes '{topic}' for '{name}'{did_you_mean(topic, list(found))}")
            offered = found[topic].publishers[topic].message
            if offered is not spec.message:
                raise TopicError(f"'{topic}' carries {offered.__name__}, but '{name}' takes {spec.message.__name__}")
    return found


def upstream_first(nodes: Mapping[str, Node], publishers: dict[str, Node]) -> list[str]:
    """The nodes' names, publishers before their subscribers. Nodes in a cycle keep the order of `nodes`."""
    names = {id(node): name for name, node in nodes.items()}
    needs = {name: {names[id(publishers[t])] for t in node.subscriptions} - {name} for name, node in nodes.items()}
    order: list[str] = []
    while rest := [name for name in nodes if name not in order]:
        order.append(next((n for n in rest if needs[n] <= set(order)), rest[0]))
    return order
