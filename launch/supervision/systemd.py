"""Notifications to systemd (sd_notify(3)): datagrams to the socket that systemd names; without a socket, nothing."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

from metrica.launch.supervision.console import Console
from metrica.secrets import hide

_EXTENSION = 120.0
"""Seconds for which systemd is asked to wait for the next notification. The launcher's loop turns every ten seconds."""


class Notifier:
    """Tells systemd that the launch is ready, alive or stopping. Never fails: systemd notices silence by itself."""

    def __init__(self, environment: Mapping[str, str], console: Console) -> None:
        self._console = console
        self._address = environment.get("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):
            self._address = "\0" + self._address[1:]
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) if self._address else None
        self._period = _watchdog_period(environment)
        self._next_sign = self._next_request = 0.0

    def ready(self) -> None:
        self._send("READY=1")

    def not_ready(self, now: float) -> None:
        """Ask for more time, where the launch may take longer than systemd's time limit for a start.

        Called on every turn of the launcher's loop until the launch is ready.
        """
        if now >= self._next_request:
            self._send(f"EXTEND_TIMEOUT_USEC={_EXTENSION * 1_000_000:.0f}")
            self._next_request = now + _EXTENSION / 4

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def status(self, sentence: str) -> None:
        """Set the line that `systemctl status` shows."""
        self._send(f"STATUS={hide(sentence)}")

    def alive(self, now: float) -> float:
        """Send a sign of life if one is due. Called on every turn of the launcher's loop.

        Returns when it must be called again, monotonic seconds.
        """
        if self._socket is None or self._period is None:
            return now + 3600
        if now >= self._next_sign:
            self._send("WATCHDOG=1")
            self._next_sign = now + self._period
        return self._next_sign

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, text: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(text.encode(), socket.MSG_DONTWAIT, self._address)
        except BlockingIOError:
            return  # systemd's queue is full; it gets the next notification
        except OSError as error:
            self._console.warning(f"systemd cannot be told anything at {self._address!r}: {error.strerror}")
            self.close()


def _watchdog_period(environment: Mapping[str, str]) -> float | None:
    """Half of systemd's watchdog time, in seconds; None if systemd does not watch this process."""
    microseconds, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not microseconds.isdigit() or int(microseconds) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(microseconds) / 2e6
