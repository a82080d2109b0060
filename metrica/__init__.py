"""Metrica: a node graph that turns cameras into counts of people.

from metrica import Node, param, publisher, subscription, timer
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
