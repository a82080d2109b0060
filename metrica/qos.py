"""Quality of service (QoS): what a topic promises, in five profiles.

| profile | promise | for |
|---|---|---|
| LATEST | the newest message only | frames into a detector; for looking at a running graph |
| STREAM | every message, in a queue of ten; lost messages are counted | detections, tracks |
| EVENTS | written to the journal before it is sent, never dropped silently | crossings |
| LATCHED | the last message is sent again to every new subscription | facts such as a node's health |
| LOSSLESS | the publisher waits for this subscription, which asks for it | files that are read as fast as possible |
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QoS:
    """A profile of quality of service. Use one of the five constants of this module."""

    name: str
    """The profile's name, in upper case."""
    depth: int
    """How many messages may wait in a queue: ZeroMQ's high-water mark."""

    def __str__(self) -> str:
        return self.name


LATEST = QoS("LATEST", 1)
"""The newest message only; older ones that were not read in time are dropped."""
STREAM = QoS("STREAM", 10)
"""Every message, in a queue of ten; lost messages are counted."""
EVENTS = QoS("EVENTS", 1000)
"""Every message is written to the journal before it is sent; the message needs an `id: str`."""
LATCHED = QoS("LATCHED", 1)
"""The last message is sent again to every new subscription."""
LOSSLESS = QoS("LOSSLESS", 4)
"""No message is lost: the publisher waits until the subscription has handled the messages before."""

PROFILES = {q.name.lower(): q for q in (LATEST, STREAM, EVENTS, LATCHED, LOSSLESS)}
"""The profiles by name, in lower case."""

# Which profiles a subscription may ask for, by the profile that the publisher offers.
_SERVES = {
    LATEST: {LATEST, LOSSLESS},
    STREAM: {LATEST, STREAM, LOSSLESS},
    EVENTS: {LATEST, STREAM, EVENTS},
    LATCHED: {LATEST, STREAM, LATCHED},
    LOSSLESS: {LATEST, STREAM, LOSSLESS},
}


def compatible(offered: QoS, requested: QoS) -> bool:
    """Whether a publisher that offers one profile can serve a subscription that asks for the other."""
    return requested in _SERVES[offered]
