"""The heartbeat of a node, which says how it is."""

from __future__ import annotations

from dataclasses import field

from metrica.messages.message import Message, message


@message
class Health(Message):
    """The heartbeat of a node, sent about once a second. If none comes, a callback of the node hangs."""

    node: str
    """The node's full name, such as /door/tracker."""
    state: str
    """The node's lifecycle state: unconfigured, inactive, active or finalized."""
    counters: dict[str, int] = field(default_factory=dict[str, int])
    """What the node has counted since it started, by name: messages in and out, losses, decode errors, …"""
    gauges: dict[str, float] = field(default_factory=dict[str, float])
    """Current values, by name: frames per second, CPU seconds, …"""
    subscribers: dict[str, int] = field(default_factory=dict[str, int])
    """How many subscriptions each topic of the node has, by topic."""
    detail: str = ""
    """One sentence about what is wrong; empty if nothing is."""
