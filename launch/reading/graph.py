"""Who publishes what to whom: names resolved, wildcards expanded, every input matched with its topics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from metrica.launch.reading.document import Document
from metrica.launch.reading.nodes import LaunchNode
from metrica.launch.reading.problems import Problems, nearest
from metrica.launch.reading.source import Place
from metrica.messages import Health, Message
from metrica.ports import SubscriptionSpec
from metrica.qos import LATCHED, QoS, compatible
from metrica.topics import matching, resolve

HEALTH = "health"
"""The name, below a node's own, of the topic with its heartbeats."""


@dataclass(eq=False)
class Topic:
    """One topic and its publisher."""

    name: str
    """The topic's whole name, such as /door/frames."""
    message: type[Message] | None = None
    """The class of its messages; None for a topic of another machine."""
    qos: QoS | None = None
    """The QoS that its publisher declares; None for a topic of another machine."""
    camera: str = ""
    """Name of the camera that the topic belongs to; empty if it belongs to none."""
    publisher: LaunchNode | None = None
    """The node that publishes it; None for a topic of another machine, of which the file gives the endpoint."""
    port: str = ""
    """Name of the publisher's output; empty for a node's own heartbeat, `/<node>/health`."""

    @property
    def is_heartbeat(self) -> bool:
        """Whether the topic is a node's own heartbeat, `/<node>/health`."""
        return self.publisher is not None and not self.port


@dataclass(frozen=True, eq=False)
class Input:
    """One subscription and the topics that it listens to."""

    node: LaunchNode
    """The node that subscribes."""
    port: str
    """Name of the subscription in the node's class."""
    qos: QoS
    """The QoS that the subscription asks for."""
    topics: tuple[Topic, ...]
    """The topics that it listens to; more than one only if its name holds a wildcard."""


@dataclass(eq=False)
class Graph:
    """The nodes to start, their topics, and which subscription listens to which topics."""

    document: Document
    """The launch file that the graph was built from."""
    nodes: list[LaunchNode]
    """The nodes to start, in the order of the file."""
    topics: dict[str, Topic] = field(default_factory=dict[str, Topic])
    """Topic name -> topic, those of other machines included."""
    inputs: list[Input] = field(default_factory=list[Input])
    """The subscriptions of all nodes."""

    @property
    def published(self) -> list[Topic]:
        """The topics that nodes of this file publish, heartbeats left out."""
        return [topic for topic in self.topics.values() if topic.publisher and topic.port]

    def inputs_of(self, node: LaunchNode) -> list[Input]:
        """The subscriptions of a node."""
        return [i for i in self.inputs if i.node is node]

    def listeners(self, topic: Topic) -> list[Input]:
        """The subscriptions to a topic."""
        return [i for i in self.inputs if topic in i.topics]

    def edges(self) -> Iterator[tuple[LaunchNode, LaunchNode]]:
        """(publisher, subscriber) for each pair of nodes that a topic connects, heartbeats left out."""
        for i in self.inputs:
            for topic in i.topics:
                if topic.publisher and topic.port:
                    yield topic.publisher, i.node


def build_graph(document: Document, nodes: list[LaunchNode], problems: Problems) -> Graph:
    """Connect the nodes by their topics. Whatever does not fit together is added to the problems."""
    return _Builder(Graph(document, nodes), problems).build()


class _Builder:
    def __init__(self, graph: Graph, problems: Problems) -> None:
        self.graph, self.topics, self.problems = graph, graph.topics, problems

    def build(self) -> Graph:
        for name in self.graph.document.endpoints:
            self.topics[name] = Topic(name, camera=_first_part(name))
        for node in self.graph.nodes:
            self._outputs(node)
        self._outputs_per_camera()
        for node in self.graph.nodes:
            if node.cls:
                for spec in node.cls.subscriptions.values():
                    self._input(node, spec)
        self._unused_endpoints()
        return self.graph

    def _outputs(self, node: LaunchNode) -> None:
        self._publish(Topic(f"{node.name}/{HEALTH}", Health, LATCHED, node.camera, node), node.place)
        for port, publisher in (node.cls.publishers if node.cls else {}).items():
            if not publisher.per_camera or node.camera:
                name = resolve(node.namespace, _remapped(node, port))
                self._publish(
                    Topic(name, publisher.message, publisher.qos, node.camera, node, port), _place(node, port)
                )

    def _outputs_per_camera(self) -> None:
        """Add one topic for each camera that a `per_camera` publisher serves.

        Which cameras a node serves follows from the topics it listens to, and those may be per camera too, so this is
        repeated until nothing is added.
        """
        served: dict[str, list[str]] = {}
        while True:
            before = {name: list(cameras) for name, cameras in served.items()}
            for node in self.graph.nodes:
                if node.camera or not node.cls:
                    continue
                for port, publisher in node.cls.publishers.items():
                    if publisher.per_camera:
                        self._publish_per_camera(node, port, served.setdefault(node.name, []))
            if served == before:
                return

    def _publish_per_camera(self, node: LaunchNode, port: str, served: list[str]) -> None:
        assert node.cls
        publisher, name = node.cls.publishers[port], _remapped(node, port)
        if name.startswith("/"):
            self.problems.add(_place(node, port), f"'{port}' has a topic for each camera: give a relative name")
            return
        for camera in self._cameras_served(node):
            topic = Topic(resolve(f"/{camera}", name), publisher.message, publisher.qos, camera, node, port)
            known = self.topics.get(topic.name)
            if known is None or known.publisher is not node or known.port != port:
                self._publish(topic, _place(node, port))
            if camera not in served:
                served.append(camera)

    def _cameras_served(self, node: LaunchNode) -> list[str]:
        """The cameras whose topics the node listens to; all of them for a node that listens to nothing."""
        assert node.cls
        if not node.cls.subscriptions:
            return list(self.graph.document.cameras)
        patterns = [resolve(node.namespace, _remapped(node, port)) for port in node.cls.subscriptions]
        heard = (self.topics[name] for pattern in patterns for name in matching(pattern, self.topics))
        return list(dict.fromkeys(topic.camera for topic in heard if topic.camera))

    def _publish(self, topic: Topic, place: Place) -> None:
        known = self.topics.get(topic.name)
        if known is None or known.publisher is None:
            self.topics[topic.name] = topic
        else:
            assert topic.publisher
            message = f"{topic.name} has two publishers: {known.publisher.name} and {topic.publisher.name}"
            hint = f"rename one: remap: {{{topic.port}: …}}" if topic.port else ""
            self.problems.add(place, message, hint)

    def _input(self, node: LaunchNode, spec: SubscriptionSpec) -> None:
        pattern = resolve(node.namespace, _remapped(node, spec.name))
        heard = [self.topics[name] for name in matching(pattern, self.topics)]
        if not heard:
            self._unheard(node, spec, pattern)
        qos = node.qos.get(spec.name, spec.qos)
        for topic in heard:
            self._check_match(node, spec, qos, topic)
        self.graph.inputs.append(Input(node, spec.name, qos, tuple(heard)))

    def _check_match(self, node: LaunchNode, spec: SubscriptionSpec, qos: QoS, topic: Topic) -> None:
        if topic.publisher is None:
            return
        if topic.message and not issubclass(topic.message, spec.message):
            self.problems.add(
                _place(node, spec.name),
                f"{node.name} wants {spec.message.__name__} on '{spec.name}', "
                f"but {topic.publisher.name} publishes {topic.message.__name__} on {topic.name}",
                self._nearest(spec, topic.name),
            )
        elif topic.qos and not compatible(topic.qos, qos):
            self.problems.add(
                node.qos_places.get(spec.name) or _place(node, spec.name),
                f"{node.name} asks for {str(qos).lower()} on '{spec.name}', "
                f"but {topic.publisher.name} publishes {topic.name} with {str(topic.qos).lower()}",
            )

    def _unheard(self, node: LaunchNode, spec: SubscriptionSpec, pattern: str) -> None:
        if any(self._is_incomplete(other) for other in self.graph.nodes if other is not node):
            return  # the publisher may be a node that is wrong itself
        hint = self._nearest(spec, pattern)
        elsewhere = matching(f"/*/{spec.name}", [topic.name for topic in self.graph.published])
        if elsewhere and not node.camera and spec.name not in node.remap:
            hint = f'{elsewhere[0]} is there: remap: {{{spec.name}: "*/{spec.name}"}}'
        self.problems.add(_place(node, spec.name), f"nobody publishes {pattern}, which {node.name} listens to", hint)

    def _is_incomplete(self, node: LaunchNode) -> bool:
        if node.cls is None or node.incomplete:
            return True
        has_topics_per_camera = any(port.per_camera for port in node.cls.publishers.values())
        return has_topics_per_camera and not node.camera and not self._cameras_served(node)

    def _nearest(self, spec: SubscriptionSpec, wanted: str) -> str:
        """The topic that was probably meant: the most similar name, among topics of the right type if there are any."""
        others = [topic for topic in self.graph.published if topic.name != wanted]
        fitting = [topic for topic in others if topic.message and issubclass(topic.message, spec.message)]
        name = nearest(wanted, [topic.name for topic in fitting or others])
        return f"the nearest topic is {name}" if name else "no node publishes anything"

    def _unused_endpoints(self) -> None:
        for name, endpoint in self.graph.document.endpoints.items():
            topic = self.topics[name]
            if topic.publisher is None and not self.graph.listeners(topic):
                near = nearest(name, [t.name for t in self.graph.published])
                hint = f"the nearest topic is {near}" if near else ""
                self.problems.add(endpoint.place, f"no node publishes {name} or listens to it", hint)


def _remapped(node: LaunchNode, port: str) -> str:
    return node.remap[port].value if port in node.remap else port


def _place(node: LaunchNode, port: str) -> Place:
    return node.remap[port].place if port in node.remap else node.place


def _first_part(topic: str) -> str:
    head, _, rest = topic.strip("/").partition("/")
    return head if rest else ""


def expected_subscribers(graph: Graph, nodes: Iterable[str]) -> dict[str, int]:
    """How many subscriptions each topic must see when the named nodes are connected."""
    names = set(nodes)
    expected = {
        topic.name: sum(1 for i in graph.listeners(topic) if i.node.name in names)
        for topic in graph.published
        if topic.publisher and topic.publisher.name in names
    }
    return {name: count for name, count in expected.items() if count}
