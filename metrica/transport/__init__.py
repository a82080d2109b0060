"""Topics over ZeroMQ, and frames in shared memory.

Each topic has one endpoint. Its publisher binds the endpoint, subscriptions connect to it; there is no broker.

| profile  | publisher (XPUB)                  | subscription                                   |
|----------|-----------------------------------|------------------------------------------------|
| LATEST   | high-water mark 8                 | SUB, CONFLATE: the newest message only         |
| STREAM   | high-water mark 10                | SUB, high-water mark 10; losses seen in `seq`  |
| EVENTS   | NODROP, a send that stalls raises | SUB, high-water mark 1000                      |
| LATCHED  | last message to each new one      | SUB                                            |
| LOSSLESS | waits for acknowledgements        | XSUB, acknowledges each message                |

Frames on an ipc endpoint go through shared memory; over tcp they are sent whole. Nothing travels over tcp unencrypted.

| file | what is in it |
|---|---|
| `publisher_socket`, `subscriber_socket` | one topic each, with its QoS |
| `flow_control` | how a publisher waits for LOSSLESS subscriptions |
| `frames`, `frame_reader` | the ring of frames in shared memory: its writer and its reader |
| `keys` | the keys for topics over tcp, in the data folder |
| `curve` | encryption with these keys, and who may read |
| `handshakes` | why a connection over tcp does not come about |
| `node_spec` | `NodeSpec`: what the launcher tells a node process, with the endpoints of its topics |
"""

from metrica.transport.curve import Curve
from metrica.transport.keys import KeyFolder
from metrica.transport.node_spec import Bindings, Connections, NodeSpec, TopicEndpoint
from metrica.transport.publisher_socket import RING_SLOTS, PublisherSocket
from metrica.transport.subscriber_socket import SubscriberSocket

__all__ = [
    "RING_SLOTS",
    "Bindings",
    "Connections",
    "Curve",
    "KeyFolder",
    "NodeSpec",
    "PublisherSocket",
    "SubscriberSocket",
    "TopicEndpoint",
]
