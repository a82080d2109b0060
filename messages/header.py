"""The header that every message starts with."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """When and where the picture behind a message was taken, and which message of its publisher this is.

    A derived message (detections, tracks, crossings) copies the header of the frame it comes from;
    `seq` and `epoch` are written anew by each publisher as the message leaves.
    """

    stamp: int = 0
    """Capture time, nanoseconds since 1970-01-01 UTC."""
    mono: int = 0
    """Capture time on this machine's monotonic clock, nanoseconds: for latency, never for the calendar."""
    seq: int = 0
    """One more than the publisher's last message: a gap is a loss."""
    epoch: int = 0
    """When the publisher started, nanoseconds UTC: a new value means that it lost its state."""
    camera: str = ""
    """The camera's name in the launch file."""
