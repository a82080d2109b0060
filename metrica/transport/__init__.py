"""Topics over ZeroMQ, and frames in shared memory.

| file | what is in it |
|---|---|
| `sockets` | `PublisherSocket` and `SubscriberSocket`: one topic each, with its QoS |
| `flow_control` | how a publisher waits for LOSSLESS subscriptions |
| `frames`, `frame_reader` | the ring of frames in shared memory: its writer and its reader |
| `node_spec` | `NodeSpec`: what the launcher tells a node process, with the endpoints of its topics |
"""

from metrica.transport.node_spec import Bindings, Connections, NodeSpec, TopicEndpoint
from metrica.transport.sockets import RING_SLOTS, PublisherSocket, SubscriberSocket

__all__ = [
    "RING_SLOTS",
    "Bindings",
    "Connections",
    "NodeSpec",
    "PublisherSocket",
    "SubscriberSocket",
    "TopicEndpoint",
]
