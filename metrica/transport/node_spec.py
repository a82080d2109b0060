"""What the launcher tells one node process: its class, its parameters, the endpoints of its topics.

The launcher resolves namespaces, remaps and wildcards. A node process only binds the endpoints of its publishers and
connects its subscriptions to the endpoints of others, as it is told. The whole description goes to the standard input
of the process as one JSON document: parameters hold passwords, and every user of the machine can read a command line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from metrica.context import JOURNAL_DAYS, Context


class _Frozen(BaseModel):
    # Parameters hold passwords: an error must not show them.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class TopicEndpoint(_Frozen):
    """One topic and the ZeroMQ endpoint that its publisher binds."""

    topic: str
    """The topic's absolute name, such as /door/tracks."""
    endpoint: str
    """The endpoint: `ipc://…` in the run folder, or the `tcp://…` that the launch file gives."""
    publisher_key: str = ""
    """The public key of the publisher at a `tcp://…`, in Z85; empty: the one that the data folder holds for it."""

    @property
    def needs_keys(self) -> bool:
        """Whether others than this user can reach the endpoint, so that it needs keys."""
        return not self.endpoint.startswith(("ipc://", "inproc://"))


class Connections(_Frozen):
    """The endpoints that one subscription of a node connects to."""

    qos: str
    """Name of a profile of `metrica.qos`, lower case."""
    endpoints: tuple[TopicEndpoint, ...]
    """One for each topic; a subscription with a wildcard has several."""


class Bindings(_Frozen):
    """The endpoints that one publisher of a node binds: one, or one for each camera."""

    qos: str
    """Name of a profile of `metrica.qos`, lower case."""
    endpoints: dict[str, TopicEndpoint]
    """By camera; a publisher that is not `per_camera` has one, under the empty name."""


class NodeSpec(_Frozen):
    """Everything that one node process needs to know."""

    name: str
    """The node's full name, such as /door/tracker."""
    type: str
    """The node's class: an entry point of the group `metrica.nodes`, or package.module:Class."""
    params: dict[str, Any] = Field(default_factory=dict)
    """The parameters that the launch file gives, by name."""
    bindings: dict[str, Bindings] = Field(default_factory=dict)
    """What each publisher binds, by the publisher's name in the class."""
    connections: dict[str, Connections] = Field(default_factory=dict)
    """What each subscription connects to, by the subscription's name in the class."""
    health: TopicEndpoint
    """The topic of the node's own heartbeat."""
    control: str
    """Endpoint of the launcher's control socket."""
    run_dir: Path
    """Folder of the sockets and locks; the launcher removes it."""
    frame_dir: Path | None
    """Folder of the frame rings, under /dev/shm; the launcher removes it. None: frames are sent whole, which costs
    several times as much."""
    store: str
    """The store's id."""
    timezone: str
    """The store's IANA time zone."""
    camera: str = ""
    """The camera that the node is started for; empty for a node that is started once."""
    data_dir: Path
    """Folder of the store's files: journal, database, token."""
    journal_days: int = JOURNAL_DAYS
    """How long the journal keeps events at most, days."""
    hangs: int = 0
    """How often the launcher has killed this node in the last day because it hung."""
    log_level: str = "INFO"
    """The least severe log level that the node writes."""

    @property
    def needs_keys(self) -> bool:
        """Whether a topic of the node has an endpoint that others can reach."""
        mine = [self.health]
        mine += [endpoint for binds in self.bindings.values() for endpoint in binds.endpoints.values()]
        mine += [endpoint for connects in self.connections.values() for endpoint in connects.endpoints]
        return any(endpoint.needs_keys for endpoint in mine)

    def context(self) -> Context:
        """The same surroundings as the node sees them."""
        return Context(
            store=self.store,
            timezone=self.timezone,
            camera=self.camera,
            data=self.data_dir,
            journal_days=self.journal_days,
            run_dir=self.run_dir,
            hangs=self.hangs,
        )
