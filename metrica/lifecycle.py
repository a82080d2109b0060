"""The lifecycle of a node, with the states and transitions of ROS 2's managed nodes.

unconfigured ──configure──▶ inactive ──activate──▶ active
      ◀────────cleanup──────   ◀──────deactivate─────
any of them ──shutdown──▶ finalized
"""

from __future__ import annotations

from enum import StrEnum

from metrica.errors import LifecycleError, ParameterError
from metrica.node import Node


class State(StrEnum):
    """The state of a node."""

    UNCONFIGURED = "unconfigured"
    """Made, or cleaned up: it holds no resources."""
    INACTIVE = "inactive"
    """Configured: it holds its resources, but no message or timer comes."""
    ACTIVE = "active"
    """Messages and timers come."""
    FINALIZED = "finalized"
    """Shut down, for good."""


class Lifecycle:
    """Takes one node through its states by calling its hooks.

    A transition that the state does not allow raises LifecycleError. An error that a hook raises leaves the state as
    it was.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self.state = State.UNCONFIGURED

    def configure(self) -> None:
        """From unconfigured to inactive: call `check` and `on_configure`."""
        self._require(State.UNCONFIGURED, "configured")
        try:
            self.node.check()
        except ParameterError as error:
            if not error.may_pass:  # whether the node can do without it, `on_configure` finds out
                raise
        self.node.on_configure()
        self.state = State.INACTIVE

    def activate(self) -> None:
        """From inactive to active: call `on_activate`."""
        self._require(State.INACTIVE, "activated")
        self.node.on_activate()
        self.state = State.ACTIVE

    def deactivate(self) -> None:
        """From active to inactive: call `on_deactivate`."""
        self._require(State.ACTIVE, "deactivated")
        self.node.on_deactivate()
        self.state = State.INACTIVE

    def cleanup(self) -> None:
        """From inactive to unconfigured: call `on_cleanup`."""
        self._require(State.INACTIVE, "cleaned up")
        self.node.on_cleanup()
        self.state = State.UNCONFIGURED

    def shutdown(self) -> None:
        """From any state to finalized: deactivate and clean up as needed, then call `on_shutdown`.

        Calling it again does nothing.
        """
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
