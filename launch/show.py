"""The graph as text, as a Mermaid flowchart, and as JSON for programs."""

from __future__ import annotations

import json

from metrica.launch.reading.graph import Graph, Topic
from metrica.launch.supervision.order import levels


def summary(graph: Graph) -> str:
    """The size of a graph in words, such as `7 nodes, 5 topics`."""
    nodes, topics = len(graph.nodes), len(graph.published)
    return f"{nodes} node{'s' * (nodes != 1)}, {topics} topic{'s' * (topics != 1)}"


def as_text(graph: Graph) -> str:
    """Each node with what it listens to and what it publishes, sources first."""
    lines = [f"store {graph.document.store} ({graph.document.timezone}): {summary(graph)}"]
    by_name = {node.name: node for node in graph.nodes}
    for name in (name for level in levels(graph) for name in level):
        node = by_name[name]
        lines += ["", f"{name}  {node.type_name}"]
        for i in graph.inputs_of(node):
            heard = ", ".join(topic.name for topic in i.topics)
            lines.append(f"    in   {i.port}: {heard}  ({str(i.qos).lower()})")
        for topic in (t for t in graph.published if t.publisher is node):
            listeners = ", ".join(i.node.name for i in graph.listeners(topic)) or "nobody"
            lines.append(f"    out  {topic.name}  {_type(topic)} ({str(topic.qos).lower()}) to {listeners}")
    return "\n".join(lines)


def as_mermaid(graph: Graph) -> str:
    """A flowchart: nodes as boxes, topics on the arrows; a topic that nobody listens to ends in a dot."""
    ids = {node.name: f"n{i}" for i, node in enumerate(graph.nodes)}
    lines = ["flowchart LR"]
    lines += [f'    {ids[node.name]}["{node.name}<br/><i>{node.type_name}</i>"]' for node in graph.nodes]
    for i, topic in enumerate(graph.topics.values()):
        listeners = graph.listeners(topic)
        if topic.is_heartbeat and not listeners:
            continue
        origin = ids[topic.publisher.name] if topic.publisher else f't{i}[/"elsewhere"/]'
        ends = [ids[i.node.name] for i in listeners] or [f"t{i}(( ))"]
        lines += [f"    {origin} -->|{topic.name}| {end}" for end in ends]
    return "\n".join(lines)


def as_json(graph: Graph) -> str:
    """The store, its cameras and every node with all of its parameters; the value of a secret is null."""
    document = graph.document
    nodes = [
        {
            "name": node.name,
            "type": node.type_name,
            "camera": node.camera,
            "params": {
                name: None if spec.secret else node.params.get(name, None if spec.required else spec.initial())
                for name, spec in (node.cls.params if node.cls else {}).items()
            },
        }
        for node in graph.nodes
    ]
    listed = {"store": document.store, "timezone": document.timezone, "cameras": list(document.cameras), "nodes": nodes}
    return json.dumps(listed, ensure_ascii=False, indent=1, default=str)


def _type(topic: Topic) -> str:
    return topic.message.__name__ if topic.message else "?"
