"""Time that goes on evenly while the clock of the machine is set.

A box without a battery clock may wake up a minute or a year off, and a time server corrects it while the shop is open.
Who crosses a line at that moment must not be lost, and a stay must not last a year.
"""

from __future__ import annotations

from metrica.messages import Header

_TOGETHER = 20_000_000
"""Nanoseconds by which the two clocks of a header may go apart from one frame to the next where both are read at
capture; those of a recording that is read as fast as possible go apart by more."""
_SURE = 10
"""So many frames in a row show that they are read at capture."""
_STEP = 250_000_000
"""Nanoseconds by which a clock that was set has jumped at least; less does no harm."""


class SteadyTime:
    """Gives each frame of one camera a time, nanoseconds, that does not jump when the clock does.

    Of the clocks in a header only `stamp` can be set, `mono` cannot. They go together as long as nobody sets it; a jump
    of `stamp` alone is then no time that passed. In recordings, where `mono` says when a frame was read and not when
    it was taken, and where there is no `mono`, `stamp` is what counts.
    """

    def __init__(self) -> None:
        self._last: Header | None = None
        self._together = 0
        self._ahead = 0
        """How far the clock has jumped ahead of the steady time, all its jumps together."""

    def read(self, header: Header) -> int:
        """The steady time of a frame; call it for every frame, in their order."""
        last, self._last = self._last, header
        if last is not None and header.mono > last.mono:
            apart = (header.stamp - last.stamp) - (header.mono - last.mono)
            if abs(apart) <= _TOGETHER:
                self._together += 1
            elif abs(apart) >= _STEP and self._together >= _SURE:
                self._ahead += apart
            else:
                self._together = 0
        else:
            self._together = 0
        return header.stamp - self._ahead

    def to_stamp(self, steady: int) -> int:
        """What the clock, as it is set now, showed or would have shown at a steady time, nanoseconds UTC."""
        return steady + self._ahead
