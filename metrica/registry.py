"""Find a node class: by the name of its entry point, or as `package.module:Class`."""

from __future__ import annotations

import importlib
from importlib.metadata import EntryPoint, entry_points

from metrica.errors import MetricaError
from metrica.node import Node
from metrica.params import did_you_mean

GROUP = "metrica.nodes"


class UnknownNodeType(MetricaError):
    """There is no node type of that name, or it is not a node."""


def node_types() -> dict[str, EntryPoint]:
    """Every installed node type by name."""
    return {e.name: e for e in entry_points(group=GROUP)}


def load_node_type(name: str) -> type[Node]:
    """The class behind a `type:` of a launch file; imports its module. Raises UnknownNodeType."""
    if ":" in name:
        return _load_class(name)
    known = node_types()
    if name not in known:
        raise UnknownNodeType(f"there is no node type '{name}'{did_you_mean(name, list(known))}")
    return _load_class(known[name].value)


def _load_class(reference: str) -> type[Node]:
    module_name, _, class_name = reference.partition(":")
    try:
        cls = getattr(importlib.import_module(module_name), class_name)
    except ModuleNotFoundError as error:
        raise UnknownNodeType(f"'{reference}' cannot be imported: there is no module '{error.name}'") from None
    except AttributeError:
        raise UnknownNodeType(f"module '{module_name}' has no class '{class_name}'") from None
    except ImportError as error:
        raise UnknownNodeType(f"'{reference}' cannot be imported: {error}") from None
    if not (isinstance(cls, type) and issubclass(cls, Node)):
        raise UnknownNodeType(f"'{reference}' is not a node: it must be a class derived from metrica.Node")
    return cls
