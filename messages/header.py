"""The header that every message starts with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """When and where the picture that a message is about was taken, and the number of the message on its topic.

    A derived message (detections, tracks, crossings) copies the header of the frame that it comes from. Each publisher
    writes its own `seq` and `epoch` as the message leaves.
    """

    stamp: int = 0
    """Capture time, nanoseconds since 1970-01-01 UTC."""
    mono: int = 0
    """Capture time on this machine's monotonic clock, nanoseconds: to measure latency, not to tell the date."""
    seq: int = 0
    """One more than in the message before on the same topic: a gap means that messages were lost."""
    epoch: int = 0
    """When the publisher started, nanoseconds since 1970-01-01 UTC: a new value means that it was restarted and has
    lost its state."""
    camera: str = ""
    """The camera's name in the launch file."""
