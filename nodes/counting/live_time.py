"""Tells frames of a camera from those of a recording, and says when they were taken since the machine's start."""

from __future__ import annotations

from collections import deque

from metrica.messages import Header
from metrica.runtime import Clock

_NEAR = 1_000_000_000
"""Nanoseconds. Both clocks of a frame were read at capture if they differ by what this machine's differ, or nearly."""
_SETTINGS = 16
"""How many settings of the clock are remembered: frames on the way were stamped before the last one."""


class LiveTime:
    """Says for the frames of one camera when something was since the machine's start, whatever the clock says.

    A time on the calendar is wrong while the clock is not set. The machine's uptime is always right, but it tells no
    date; together with how the clock is set later, it does (`metrica.nodes.delivery.dating`).
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._settings = deque[int](maxlen=_SETTINGS)
        """The differences between the clock and the monotonic one that were seen, ns; the present one is the last."""
        self._header = Header()
        self.live = False
        """Whether the last frame was stamped by this machine's clock, as it was set in this process's life."""

    def read(self, header: Header) -> bool:
        """Read the header of the next frame. Returns whether it was stamped by this machine's clock."""
        setting = self._clock.now() - self._clock.monotonic()
        if not self._settings or abs(setting - self._settings[-1]) > _NEAR // 2:
            self._settings.append(setting)
        self._header = header
        stamped = header.stamp - header.mono
        self.live = header.mono > 0 and any(abs(stamped - known) <= _NEAR for known in self._settings)
        return self.live

    def uptime(self, time: int) -> int:
        """Nanoseconds from the machine's start to `time`, which is on the clock of the last frame's `stamp`.

        0 if the last frame is none of a camera.
        """
        if not self.live:
            return 0
        asleep = self._clock.uptime() - self._clock.monotonic()
        return max(1, time - self._header.stamp + self._header.mono + asleep)
