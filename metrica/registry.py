"""Find the class of a node type: by the name of its entry point, or as `package.module:Class`."""

from __future__ import annotations

import importlib
import re
from importlib.metadata import EntryPoint, entry_points

from metrica.errors import MetricaError, NodeError
from metrica.node import Node
from metrica.params import did_you_mean

GROUP = "metrica.nodes"
"""The group of entry points that name node types."""
_REFERENCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


class UnknownNodeType(MetricaError):
    """There is no node type of that name, or it is not a node."""


def node_types() -> dict[str, EntryPoint]:
    """The entry points of all installed node types, by name."""
    return {e.name: e for e in entry_points(group=GROUP)}


def load_node_type(name: str) -> type[Node]:
    """Import and return the class that the `type:` of a launch file names.

    Args:
        name: The name of an entry point, such as "capture", or "package.module:Class".

    Raises:
        UnknownNodeType: There is no such type, it cannot be imported, or it is not a node.
        DeclarationError: The class is written wrongly.
        NodeError: It cannot be imported now: the disk fails, or there is no memory.
    """
    if ":" in name:
        return _load_class(name)
    known = node_types()
    if name not in known:
        raise UnknownNodeType(f"there is no node type '{name}'{did_you_mean(name, list(known))}")
    return _load_class(known[name].value)


def _load_class(reference: str) -> type[Node]:
    module_name, _, class_name = reference.partition(":")
    if not _REFERENCE.fullmatch(reference):
        raise UnknownNodeType(f"'{reference}' is not a node type: write package.module:Class")
    try:
        module = importlib.import_module(module_name)
    except MetricaError:
        raise  # a node class in it is declared wrongly: its own sentence says so
    except ModuleNotFoundError as error:
        raise UnknownNodeType(f"'{reference}' cannot be imported: there is no module '{error.name}'") from None
    except (OSError, MemoryError) as error:  # may pass, unlike what is wrong with a module
        raise NodeError(f"'{reference}' cannot be imported now: {type(error).__name__}: {error}") from error
    except Exception as error:  # somebody else's module may raise anything
        raise UnknownNodeType(f"'{reference}' cannot be imported: {type(error).__name__}: {error}") from error
    cls = getattr(module, class_name, None)
    if cls is None:
        near = did_you_mean(class_name, [name for name, value in vars(module).items() if isinstance(value, type)])
        raise UnknownNodeType(f"module '{module_name}' has no class '{class_name}'{near}")
    if not (isinstance(cls, type) and issubclass(cls, Node)):
        raise UnknownNodeType(f"'{reference}' is not a node: it must be a class derived from metrica.Node")
    return cls
