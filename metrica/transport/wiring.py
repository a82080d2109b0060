"""What the launcher tells one node process: which class, which parameters, which addresses.

The launcher resolves names, namespaces and wildcards; a node process only connects what it is told.
The whole description goes to the process's standard input as one JSON document, because parameters
hold passwords and a command line can be read by everybody.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from metrica.context import Context


class _Frozen(BaseModel):
    # Parameters hold passwords: an error must not show what it was given.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Wire(_Frozen):
    """One topic and the ZeroMQ endpoint that its publisher binds."""

    topic: str
    """Absolute name, such as /door/tracks."""
    endpoint: str
    """`ipc://…` in the run folder, or an explicit `tcp://…`."""


class Inlet(_Frozen):
    """What one subscription of a node listens to."""

    qos: str
    """Name of a profile of `metrica.qos`, lower case."""
    wires: tuple[Wire, ...]


class Outlet(_Frozen):
    """Where one publisher of a node sends: one topic, or one for each camera."""

    qos: str
    wires: dict[str, Wire]
    """By camera; a publisher that is not `per_camera` has one, under the empty name."""


class NodeSpec(_Frozen):
    """Everything that one node process needs to know."""

    name: str
    """Full name, such as /door/tracker."""
    type: str
    """Entry point of the group `metrica.nodes`, or package.module:Class."""
    params: dict[str, Any] = Field(default_factory=dict)
    outlets: dict[str, Outlet] = Field(default_factory=dict)
    inlets: dict[str, Inlet] = Field(default_factory=dict)
    health: Wire
    """The topic of the node's own heartbeat."""
    control: str
    """Endpoint of the launcher's control socket."""
    run_dir: Path
    """Sockets and locks; the launcher removes it."""
    frame_dir: Path | None
    """Rings of frames, under /dev/shm; the launcher removes it. None: frames travel whole, several times as dear."""
    store: str
    timezone: str
    camera: str = ""
    data_dir: Path
    log_level: str = "INFO"
    log_format: str = "text"

    def context(self) -> Context:
        return Context(store=self.store, timezone=self.timezone, camera=self.camera, data_dir=self.data_dir)
