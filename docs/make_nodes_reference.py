"""Write docs/nodes.md: every installed node type with its parameters and topics, as its class declares them.

python docs/make_nodes_reference.py
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from metrica import Node
from metrica.params import ParamSpec
from metrica.ports import Publisher, SubscriptionSpec
from metrica.registry import load_node_type, node_types

FILE = Path(__file__).with_name("nodes.md")
ORDER = (
    "capture",
    "openvino_detector",
    "sort",
    "bytetrack",
    "ocsort",
    "line_counter",
    "zone_counter",
    "uploader",
    "watching_uploader",
    "mqtt",
    "ingest",
    "dashboard",
)
"""The way of a picture; types that are not named here follow by name."""
_HEAD = """# The nodes

<!-- Written by docs/make_nodes_reference.py from the node classes: change those, and run it again. -->

What stands under `type:` in a [launch file](launch-file.md). A parameter without a default must be given. Topics are
relative to the node's namespace (its camera) until they are remapped; [QoS](writing-a-node.md#choosing-a-qos) and
[messages](messages.md) have pages of their own.
"""


def reference() -> str:
    """The whole page."""
    names = sorted(node_types(), key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    return "\n".join([_HEAD, *(_node(name, load_node_type(name)) for name in names)])


def _node(name: str, cls: type[Node]) -> str:
    parts = [f"## {name}\n\n{inspect.cleandoc(cls.__doc__ or '')}\n"]
    if cls.params:
        rows = [_parameter(spec) for spec in cls.params.values()]
        parts.append(_table(("parameter", "what it takes", "default", ""), rows))
    ports = [_subscription(spec) for spec in cls.subscriptions.values()]
    ports += [_publisher(port) for port in cls.publishers.values()]
    if ports:
        parts.append(_table(("topic", "", "message", "QoS", ""), ports))
    return "\n".join(parts)


def _parameter(spec: ParamSpec) -> tuple[str, ...]:
    limits = [f"{words} {spec.limits[key]:g}" for key, words in _LIMITS.items() if key in spec.limits]
    takes = ", ".join([spec.describe_type(), *limits])
    unit = f" ({spec.unit})" if spec.unit else ""
    default = "required" if spec.required else f"`{_shown(spec.initial())}`"
    secret = "never shown" if spec.secret else ""
    return f"`{spec.name}`", takes + unit, default, "; ".join(filter(None, [spec.help, secret]))


def _subscription(spec: SubscriptionSpec) -> tuple[str, ...]:
    return f"`{spec.name}`", "in", spec.message.__name__, spec.qos.name, spec.help


def _publisher(port: Publisher[Any]) -> tuple[str, ...]:
    per_camera = "one topic per camera" if port.per_camera else ""
    return (
        f"`{port.name}`",
        "out",
        port.message.__name__,
        port.qos.name,
        "; ".join(filter(None, [port.help, per_camera])),
    )


_LIMITS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def _shown(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(map(_shown, value))}]"
    return '""' if value == "" else f"{value:g}" if isinstance(value, float) else str(value)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(reference(), encoding="utf-8")
