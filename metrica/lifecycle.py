"""The lifecycle of a node, with ROS 2's states and transitions.

unconfigured ──configure──▶ inactive ──activate──▶ active
      ◀────────cleanup──────   ◀──────deactivate─────
any of them ──shutdown──▶ finalized
"""

from __future__ import annotations

from enum import StrEnum

from metrica.errors import LifecycleError
from metrica.node import Node


class State(StrEnum):
    """Where in its life a node is."""

    UNCONFIGURED = "unconfigured"
    INACTIVE = "inactive"
    ACTIVE = "active"
    FINALIZED = "finalized"


class Lifecycle:
    """Takes one node through its states. A transition that the state does not allow raises LifecycleError;
    an error inside the node's own hook leaves the state as it was."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.state = State.UNCONFIGURED

    def configure(self) -> None:
        self._require(State.UNCONFIGURED, "configured")
        self.node.check()
        self.node.on_configure()
        self.state = State.INACTIVE

    def activate(self) -> None:
        self._require(State.INACTIVE, "activated")
        self.node.on_activate()
        self.state = State.ACTIVE

    def deactivate(self) -> None:
        self._require(State.ACTIVE, "deactivated")
        self.node.on_deactivate()
        self.state = State.INACTIVE

    def cleanup(self) -> None:
        self._require(State.INACTIVE, "cleaned up")
        self.node.on_cleanup()
        self.state = State.UNCONFIGURED

    def shutdown(self) -> None:
        """From any state: deactivate and clean up as needed, then the last call. Safe to call twice."""
        if self.state is State.FINALIZED:
            return
        try:
            if self.state is State.ACTIVE:
                self.deactivate()
            if self.state is State.INACTIVE:
                self.cleanup()
        finally:
            self.state = State.FINALIZED
            self.node.on_shutdown()

    def _require(self, state: State, done: str) -> None:
        if self.state is not state:
            raise LifecycleError(f"{self.node.name} is {self.state} and cannot be {done}: it must be {state}")
