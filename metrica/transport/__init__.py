"""Topics over ZeroMQ, and frames in shared memory.

Each topic has one endpoint. Its publisher binds the endpoint, subscriptions connect to it; there is no broker.

| profile  | publisher (XPUB)                  | subscription                                   |
|----------|-----------------------------------|------------------------------------------------|
| LATEST   | high-water mark 8                 | SUB, CONFLATE: the newest message only         |
| STREAM   | high-water mark 10                | SUB, high-water mark 10; losses seen in `seq`  |
| EVENTS   | NODROP, a send that stalls raises | SUB, high-water mark 1000                      |
| LATCHED  | last message to each new one      | SUB                                            |
| LOSSLESS | waits for acknowledgements        | XSUB, acknowledges each message                |

Frames on an ipc endpoint go through shared memory; over tcp they are sent whole.

| file | what is in it |
|---|---|
| `publisher_socket`, `subscriber_socket` | one topic each, with its QoS |
| `flow_control` | how a publisher waits for LOSSLESS subscriptions |
| `frames`, `frame_reader` | the ring of frames in shared memory: its writer and its reader |
| `node_spec` | `NodeSpec`: what the launcher tells a node process, with the endpoints of its topics |
"""

from metrica.transport.node_spec import Bindings, Connections, NodeSpec, TopicEndpoint
from metrica.transport.publisher_socket import RING_SLOTS, PublisherSocket
from metrica.transport.subscriber_socket import SubscriberSocket

__all__ = [
    "RING_SLOTS",
    "Bindings",
    "Connections",
    "NodeSpec",
    "PublisherSocket",
    "SubscriberSocket",
    "TopicEndpoint",
]
