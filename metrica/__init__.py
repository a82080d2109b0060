"""Metrica: a node graph that turns cameras into counts of people.

This module holds what the class of a node needs:

    from metrica import Node, param, publisher, subscription, timer

The messages are in `metrica.messages`, the test bench is in `metrica.testing`, the exceptions are in `metrica.errors`.
"""

from metrica.context import Context
from metrica.messages import Header, Message, message
from metrica.node import Node
from metrica.params import param
from metrica.ports import Publisher, publisher, subscription, timer
from metrica.qos import EVENTS, LATCHED, LATEST, LOSSLESS, STREAM, QoS
from metrica.version import __version__

__all__ = [
    "EVENTS",
    "LATCHED",
    "LATEST",
    "LOSSLESS",
    "STREAM",
    "Context",
    "Header",
    "Message",
    "Node",
    "Publisher",
    "QoS",
    "__version__",
    "message",
    "param",
    "publisher",
    "subscription",
    "timer",
]
