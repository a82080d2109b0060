"""Quality of service: what a topic promises, in five profiles.

LATEST    the newest message only; for frames into a detector and for looking in
STREAM    every message, ten deep, losses counted; for detections and tracks
EVENTS    written to the journal before it is sent, never dropped silently; for crossings
LATCHED   the last message is sent again to every new subscriber; for facts such as a node's health
LOSSLESS  asked for by a subscription: the publisher waits for it; for files read as fast as possible
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QoS:
    """A profile. `depth` is the high-water mark in messages."""

    name: str
    depth: int

    def __str__(self) -> str:
        return self.name


LATEST = QoS("LATEST", 1)
STREAM = QoS("STREAM", 10)
EVENTS = QoS("EVENTS", 1000)
LATCHED = QoS("LATCHED", 1)
LOSSLESS = QoS("LOSSLESS", 4)

PROFILES = {q.name.lower(): q for q in (LATEST, STREAM, EVENTS, LATCHED, LOSSLESS)}

# What a publisher of a profile can be asked for.
_SERVES = {
    LATEST: {LATEST, LOSSLESS},
    STREAM: {LATEST, STREAM, LOSSLESS},
    EVENTS: {LATEST, STREAM, EVENTS},
    LATCHED: {LATEST, STREAM, LATCHED},
    LOSSLESS: {LATEST, STREAM, LOSSLESS},
}


def compatible(offered: QoS, requested: QoS) -> bool:
    """Whether a publisher with the first profile can serve a subscription with the second."""
    return requested in _SERVES[offered]
