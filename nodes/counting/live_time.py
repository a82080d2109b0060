"""Tells frames of a camera from those of a recording, and says when they were taken since the machine's start."""

from __future__ import annotations

from collections import deque

from metrica.messages import Header
from metrica.runtime import Clock

_NEAR = 1_000_000_000
"""Nanoseconds. This machine's clock stamped a frame if the frame's two clocks differ by what the machine's differ, or
nearly: a film that is shown as if it were a camera is a little late, a recording that is read fast is soon far off."""
_EXACT = 20_000_000
"""Nanoseconds. Both clocks of a frame were read at capture if their difference is so exact."""
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
        """What the clock was ahead of the monotonic one, ns, at each of its settings; the last is the present one."""
        self._setting: int | None = None
        """The setting of the clock that stamped the last frame; None if that was not this clock."""

    def read(self, header: Header) -> bool:
        """Read the header of the next frame. Returns whether both of its clocks were surely read at capture."""
        present = self._clock.now() - self._clock.monotonic()
        if self._settings and abs(present - self._settings[-1]) <= _NEAR // 2:
            self._settings.pop()
        self._settings.append(present)
        stamped = header.stamp - header.mono
        nearest = min(self._settings, key=lambda setting: abs(setting - stamped))
        off = abs(nearest - stamped)
        self._setting = nearest if header.mono > 0 and off <= _NEAR else None
        return self._setting is not None and off <= _EXACT

    def uptime(self, time: int) -> int:
        """Nanoseconds from the machine's start to `time`, which is on the clock of the last frame's `stamp`.

        0 if the last frame is none of a camera.
        """
        if self._setting is None:
            return 0
        asleep = self._clock.uptime() - self._clock.monotonic()
        return max(1, time - self._setting + asleep)
