"""Which device the detector uses: the wanted one, or the CPU while that one does not work."""

from __future__ import annotations

import math

from metrica.backoff import Backoff

CPU = "CPU"
"""The device that every machine has."""
_FIRST_TRY, _LAST_TRY = 60.0, 3600.0
"""Seconds until the wanted device is tried again: after the first failure, and at most."""
_STEADY = 600.0
"""Seconds for which a device has to work until its next failure is a first one again."""
_TOO_MANY = 3
"""Failed inferences in a row, after which the device does not work."""


class Fallback:
    """Decides when to leave a device and when to try it again. All times are monotonic seconds."""

    def __init__(self, wanted: str, backoff: Backoff | None = None) -> None:
        self.wanted = self.device = wanted
        self._backoff = backoff or Backoff(_FIRST_TRY, _LAST_TRY)
        self._failures = 0
        self._retry_at, self._back_at = 0.0, math.inf
        self._reason = ""

    @property
    def away(self) -> bool:
        """Whether another device does the work of the wanted one."""
        return self.device != self.wanted

    @property
    def sentence(self) -> str:
        """What is wrong, for the health; empty if nothing is."""
        return (self.away and f"{CPU} does the work of the device {self.wanted}, slower: {self._reason}") or ""

    def worked(self) -> None:
        """Note an inference that worked."""
        self._failures = 0

    def failed(self) -> bool:
        """Note an inference that failed. Returns whether the device is to be left: only if there is another one."""
        self._failures += 1
        return self._failures >= _TOO_MANY and self.device != CPU

    def remember(self, failures: int) -> None:
        """Take in how often the device has failed before this process: its next failure is one more."""
        self._backoff.failures = max(self._backoff.failures, failures)

    def leave(self, reason: str, now: float) -> float:
        """Use the CPU, or go on using it. Returns the seconds until the wanted device is tried again."""
        if not self.away and now - self._back_at > _STEADY:
            self._backoff.reset()
        self.device, self._reason, self._failures = CPU, reason, 0
        wait = self._backoff.next()
        self._retry_at = now + wait
        return wait

    def is_due(self, now: float) -> bool:
        """Whether it is time to try the wanted device again."""
        return self.away and now >= self._retry_at

    def come_back(self, now: float) -> None:
        """Use the wanted device again."""
        self.device, self._reason, self._failures = self.wanted, "", 0
        self._back_at = now
