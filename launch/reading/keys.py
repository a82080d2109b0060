"""The keys of topics that have a tcp:// address: whose key it is, and whether it is there."""

from __future__ import annotations

from metrica.errors import KeysError, MetricaError
from metrica.launch.reading.graph import Graph, Topic
from metrica.launch.reading.problems import Problems
from metrica.messages import Frame
from metrica.transport import KeyFolder


def publisher_key(graph: Graph, topic: Topic) -> str:
    """The public key of a topic's publisher; empty for a topic in the run folder. Raises KeysError."""
    if topic.name not in graph.document.endpoints:
        return ""
    keys = KeyFolder(graph.document.data_dir)
    own = keys.own().public  # also to read: a publisher lets in only whom it knows
    return own if topic.publisher else keys.publisher_at(graph.document.endpoints[topic.name].value)


def check_keys(graph: Graph, problems: Problems) -> None:
    """Add a problem for each topic with a tcp:// address that could not be encrypted."""
    for name, endpoint in graph.document.endpoints.items():
        topic = graph.topics[name]
        try:
            publisher_key(graph, topic)
        except KeysError as error:
            what = "pictures" if _carries_pictures(graph, topic) else "messages"
            message = f"the {what} of {name} would travel over tcp unencrypted: {error}"
            problems.add(endpoint.place, message, f"with --launch {graph.document.source.name}")
        except MetricaError as error:
            problems.add(endpoint.place, str(error))


def _carries_pictures(graph: Graph, topic: Topic) -> bool:
    kinds = [topic.message] if topic.message else []
    kinds += [i.node.cls.subscriptions[i.port].message for i in graph.listeners(topic) if i.node.cls]
    return any(issubclass(kind, Frame) for kind in kinds)
