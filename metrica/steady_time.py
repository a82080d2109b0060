"""Frame times that do not jump when the machine's clock is set.

A box without a battery for its clock may start with a time that is wrong by a minute or a year, and a time server then
corrects it while the store is open. A person who crosses a line at that moment must still be counted, and a visit must
not last a year.
"""

from __future__ import annotations

from metrica.messages import Header

_TOGETHER = 20_000_000
"""Nanoseconds. Largest difference between the steps of `stamp` and `mono` from one frame to the next if both clocks are
read at capture. In a recording that is read as fast as possible the difference is larger."""
_SURE = 10
"""Number of frames in a row with so small a difference that show that both clocks are read at capture."""
_STEP = 250_000_000
"""Nanoseconds. Smallest jump of `stamp` that is taken for the clock being set; a smaller one does no harm."""


class SteadyTime:
    """Gives each frame of one camera a time, nanoseconds, that does not jump when the clock is set.

    Of the two clocks in a header, `stamp` can be set and `mono` cannot. While nobody sets it, both advance by the same
    amount; a jump of `stamp` alone is therefore not time that has passed, and is taken out. In a recording, `mono` is
    when a frame was read, not when it was taken, and some headers have no `mono`; then `stamp` is used as it is.
    """

    def __init__(self) -> None:
        self._last: Header | None = None
        self._together = 0
        """For how many frames in a row both clocks have advanced together."""
        self._ahead = 0
        """Sum of all jumps of the clock, nanoseconds: how far it is ahead of the steady time."""

    def read(self, header: Header, *, live: bool = False) -> int:
        """The steady time of a frame, nanoseconds. Call it for every frame, in order.

        live: whether it is known that both clocks were read at capture, so that it need not be found out first.
        """
        last, self._last = self._last, header
        if last is not None and header.mono > last.mono:
            difference = (header.stamp - last.stamp) - (header.mono - last.mono)
            if abs(difference) <= _TOGETHER:
                self._together += 1
            elif abs(difference) >= _STEP and (live or self._together >= _SURE):
                self._ahead += difference
            else:
                self._together = 0
        else:
            self._together = 0
        return header.stamp - self._ahead

    def to_stamp(self, steady: int) -> int:
        """Convert a steady time to UTC, nanoseconds, by the clock as it is set now."""
        return steady + self._ahead
