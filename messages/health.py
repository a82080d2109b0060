"""How a node is: its heartbeat."""

from __future__ import annotations

from dataclasses import field

from metrica.messages.message import Message, message


@message
class Health(Message):
    """A node's sign of life, about once a second; silence means that a callback hangs."""

    node: str
    """The node's full name, such as /door/tracker."""
    state: str
    """Its lifecycle state: unconfigured, inactive, active or finalized."""
    counters: dict[str, int] = field(default_factory=dict[str, int])
    """What it has done since it started: messages in and out, losses, decode errors, …"""
    gauges: dict[str, float] = field(default_factory=dict[str, float])
    """What it is doing now: frames per second, CPU seconds, …"""
    subscribers: dict[str, int] = field(default_factory=dict[str, int])
    """How many subscriptions each topic that it publishes has."""
    detail: str = ""
    """One sentence about what is wrong, empty if nothing is."""
