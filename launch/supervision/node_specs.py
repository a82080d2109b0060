"""From a checked graph to the description that each node process gets: its parameters and the address of each topic."""

from __future__ import annotations

from pathlib import Path

from metrica.executors.control import control_endpoint
from metrica.launch.reading.folders import endpoint, frame_dir
from metrica.launch.reading.graph import HEALTH, Graph, Topic
from metrica.launch.reading.keys import publisher_key
from metrica.launch.reading.nodes import LaunchNode
from metrica.transport import Bindings, Connections, NodeSpec, TopicEndpoint


def node_specs(graph: Graph, run_dir: Path, *, log_level: str = "INFO") -> list[NodeSpec]:
    """One description per node, in the order of the graph."""
    return [_spec(graph, node, run_dir, log_level) for node in graph.nodes]


def _spec(graph: Graph, node: LaunchNode, run_dir: Path, log_level: str) -> NodeSpec:
    def topic_endpoint(topic: Topic) -> TopicEndpoint:
        address = endpoint(graph, topic, run_dir)
        return TopicEndpoint(topic=topic.name, endpoint=address, publisher_key=publisher_key(graph, topic))

    assert node.cls
    bindings: dict[str, Bindings] = {}
    for port, publisher in node.cls.publishers.items():
        mine = [topic for topic in graph.published if topic.publisher is node and topic.port == port]
        endpoints = {topic.camera if publisher.per_camera else "": topic_endpoint(topic) for topic in mine}
        bindings[port] = Bindings(qos=publisher.qos.name.lower(), endpoints=endpoints)
    return NodeSpec(
        name=node.name,
        type=node.type_name,
        params=node.params,
        bindings=bindings,
        connections={
            i.port: Connections(qos=i.qos.name.lower(), endpoints=tuple(topic_endpoint(topic) for topic in i.topics))
            for i in graph.inputs_of(node)
        },
        health=topic_endpoint(graph.topics[f"{node.name}/{HEALTH}"]),
        control=control_endpoint(run_dir),
        run_dir=run_dir,
        frame_dir=frame_dir(run_dir),
        store=graph.document.store,
        timezone=graph.document.timezone,
        camera=node.camera,
        data_dir=graph.document.data_dir,
        journal_days=graph.document.journal_days,
        log_level=log_level,
    )
