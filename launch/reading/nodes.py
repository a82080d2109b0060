"""The nodes of a launch file: cameras times `per_camera`, plus `nodes`, each with its class and checked parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from metrica.errors import MetricaError, ParameterError, TopicError
from metrica.launch.reading.document import Document, check_keys, read_mapping, read_text
from metrica.launch.reading.overrides import NODE_KEYS, Override, check_targets
from metrica.launch.reading.problems import Problems, suggest
from metrica.launch.reading.reader import hide
from metrica.launch.reading.source import Place
from metrica.launch.reading.substitute import Scope
from metrica.launch.reading.tree import KeyValue, Mapping, Text, Tree, place_at, to_python
from metrica.node import Node
from metrica.params import InvalidValue, ParamSpec, closest
from metrica.qos import PROFILES, QoS
from metrica.registry import load_node_type
from metrica.topics import check_topic


@dataclass(eq=False)
class LaunchNode:
    """One node to start, as the launch file describes it."""

    name: str
    """Full name, such as /door/tracker."""
    place: Place
    """Where the node's name stands in the file, for errors."""
    camera: str = ""
    """Name of the node's camera; empty for a node under `nodes`."""
    type_name: str = ""
    """The node's type as the file gives it; empty if it could not be read."""
    cls: type[Node] | None = None
    """The node's class; None if it cannot be found, and then that problem has been recorded already."""
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    """The parameters as the file gives them, not converted yet: texts, lists, mappings."""
    remap: dict[str, Text] = field(default_factory=dict[str, Text])
    """Name of an input or output -> the topic that it uses instead of its own."""
    qos: dict[str, QoS] = field(default_factory=dict[str, QoS])
    """Name of an input -> the QoS that it uses instead of the declared one."""
    qos_places: dict[str, Place] = field(default_factory=dict[str, Place])
    """Name of an input -> where its QoS stands in the file, for errors."""
    restart: bool = True
    """Whether the launcher starts the node again after a failure."""
    incomplete: bool = False
    """Whether a name in `remap` could not be read; that problem has been recorded already."""

    @property
    def namespace(self) -> str:
        return f"/{self.camera}" if self.camera else ""

    @property
    def is_source(self) -> bool:
        """Whether the node publishes and has no subscription: a camera, for example."""
        return self.cls is not None and bool(self.cls.publishers) and not self.cls.subscriptions


def read_nodes(document: Document, overrides: Sequence[Override], scope: Scope) -> list[LaunchNode]:
    """Every node that the document starts, in the order of the file, camera by camera."""
    problems = scope.problems
    entries = [
        (f"/{camera}/{group}", group, entry, Scope(scope.environment, camera, values, problems), camera)
        for camera, values in document.cameras.items()
        for group, entry in document.per_camera.items()
    ]
    entries += [(f"/{group}", group, entry, scope, "") for group, entry in document.nodes.items()]
    targets = [*document.per_camera, *(name.removeprefix("/") for name, *_ in entries)]
    check_targets(overrides, list(dict.fromkeys(targets)), problems)
    return [
        _Reader(LaunchNode(name, entry.key.place, camera), own_scope).read(
            _overridden(name, group, entry, overrides, problems)
        )
        for name, group, entry, own_scope, camera in entries
    ]


def _overridden(name: str, group: str, entry: KeyValue, overrides: Sequence[Override], problems: Problems) -> KeyValue:
    body = Mapping(entry.value.place, read_mapping(entry, f"node '{group}'", problems))
    for override in overrides:
        if override.concerns(name, group):
            body = override.applied(body, problems)
    return KeyValue(entry.key, body) if body.entries else entry


class _Reader:
    """Reads the entry of one node."""

    def __init__(self, node: LaunchNode, scope: Scope) -> None:
        self.node, self.scope, self.problems = node, scope, scope.problems

    def read(self, entry: KeyValue) -> LaunchNode:
        body = entry.value.entries if isinstance(entry.value, Mapping) else {}
        check_keys(body, NODE_KEYS, "a node", self.problems)
        self._type(entry, body)
        for key, read in (("remap", self._remap), ("qos", self._qos)):
            if key in body:
                read(read_mapping(body[key], f"'{key}'", self.problems))
        if "restart" in body:
            self._restart(body["restart"])
        self._params(
            read_mapping(body["params"], "'params'", self.problems) if "params" in body else {}, body.get("type")
        )
        return self.node

    def _type(self, entry: KeyValue, body: dict[str, KeyValue]) -> None:
        if "type" not in body:
            if body or to_python(entry.value) is None:  # no mapping: recorded as a problem already
                self.problems.add(entry.key.place, f"node '{entry.key.value}' has no type", "add 'type: …'")
        elif text := self._text(body["type"], "the type of a node"):
            self.node.type_name = text
            try:
                self.node.cls = load_node_type(text)
            except MetricaError as error:
                self.problems.add(body["type"].value.place, str(error))
            except (Exception, SystemExit) as error:  # noqa: BLE001 - the module's own code runs here, whatever it does
                reason = f"{type(error).__name__}: {error}"
                self.problems.add(body["type"].value.place, f"'{text}' cannot be imported: {reason}")

    def _restart(self, entry: KeyValue) -> None:
        text = self._text(entry, "'restart'")
        if text not in (None, "true", "false"):
            self.problems.add(entry.value.place, f"'restart' must be true or false, not '{text}'")
        self.node.restart = text != "false"

    def _remap(self, entries: dict[str, KeyValue]) -> None:
        for port, entry in entries.items():
            self._check_port(port, entry)
            if (text := self._text(entry, "a topic")) is None:
                self.node.incomplete = True
                continue
            try:
                listens = self.node.cls is None or port in self.node.cls.subscriptions
                self.node.remap[port] = Text(entry.value.place, check_topic(text, wildcard=listens))
            except TopicError as error:
                hint = "'*' is for inputs" if "*" in text and "is not a topic" in str(error) else ""
                self.problems.add(entry.value.place, str(error), hint)
                self.node.incomplete = True

    def _qos(self, entries: dict[str, KeyValue]) -> None:
        for port, entry in entries.items():
            self._check_port(port, entry)
            if self.node.cls and port in self.node.cls.publishers:
                message = f"'{port}' is an output: its QoS is what {self.node.type_name} declares"
                self.problems.add(entry.key.place, message)
                continue
            text = self._text(entry, "a QoS profile")
            if text in PROFILES:
                self.node.qos[port], self.node.qos_places[port] = PROFILES[text], entry.value.place
            elif text is not None:
                hint = suggest(text.lower(), list(PROFILES)) or f"there are {', '.join(PROFILES)}"
                self.problems.add(entry.value.place, f"there is no QoS profile '{text}'", hint)

    def _check_port(self, port: str, entry: KeyValue) -> None:
        if cls := self.node.cls:
            ports = [*cls.subscriptions, *cls.publishers]
            if port not in ports:
                hint = suggest(port, ports) or (f"it has {', '.join(ports)}" if ports else "it has none")
                self.problems.add(entry.key.place, f"{self.node.type_name} has no input or output '{port}'", hint)

    def _params(self, entries: dict[str, KeyValue], type_entry: KeyValue | None) -> None:
        resolved = {name: (entry, self.scope.resolve(entry.value)) for name, entry in entries.items()}
        if (cls := self.node.cls) is None:
            return
        good = all(value is not None for _, value in resolved.values())
        for name, (entry, value) in resolved.items():
            if name not in cls.params:
                self._unknown(name, entry, cls.params)
                good = False
            elif value is not None:
                good &= self._read(cls.params[name], value)
        for name, spec in cls.params.items():
            misspelt = any(closest(given, list(cls.params)) == name for given in entries if given not in cls.params)
            if spec.required and name not in entries and not misspelt:
                what = f"{self.node.type_name} needs its parameter '{name}' ({spec.describe_type()})"
                self.problems.add(self.node.place, what, f"add 'params: {{{name}: …}}'")
                good = False
        if good:
            given: dict[str, Tree] = {name: value for name, (_, value) in resolved.items() if value is not None}
            self.node.params = {name: to_python(value) for name, value in given.items()}
            self._check_together(cls, given, type_entry)

    def _unknown(self, name: str, entry: KeyValue, known: dict[str, ParamSpec]) -> None:
        if any(spec.secret for spec in known.values()):
            hide(entry.value)  # it may be the secret under a wrong name
        keys = NODE_KEYS if entry.key.place.source.argument else ()  # --set NODE.typ=… may mean either
        hint = suggest(name, [*known, *keys]) or (f"it has {', '.join(known)}" if known else "it has none")
        self.problems.add(entry.key.place, f"{self.node.type_name} has no parameter '{name}'", hint)

    def _read(self, spec: ParamSpec, value: Tree) -> bool:
        if spec.secret:
            hide(value, place_only=True)
        try:
            spec.read(to_python(value))
        except InvalidValue as error:
            self.problems.add(place_at(value, error.path), str(error))
            return False
        return True

    def _check_together(self, cls: type[Node], given: dict[str, Tree], type_entry: KeyValue | None) -> None:
        """Run the node's own `check`, which looks at its parameters together: a line without length, a missing file."""
        fallback = type_entry.value.place if type_entry else self.node.place
        try:
            cls(**self.node.params).check()
        except ParameterError as error:
            place = given[error.parameter].place if error.parameter in given else fallback
            self.problems.add(place, str(error), may_pass=error.may_pass)
        except MetricaError as error:
            self.problems.add(fallback, str(error))
        except Exception as error:  # noqa: BLE001 - somebody's own check; whatever it raises is said with its place
            self.problems.add(fallback, f"the check of {self.node.type_name} failed: {type(error).__name__}: {error}")

    def _text(self, entry: KeyValue, what: str) -> str | None:
        value = self.scope.resolve(entry.value)
        return None if value is None else read_text(KeyValue(entry.key, value), what, self.problems)
