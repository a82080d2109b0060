"""Keep a live camera open: open it, notice when it is gone, and open it again, for ever."""

from __future__ import annotations

import time
from dataclasses import dataclass

from metrica.backoff import Backoff
from metrica.node import Node
from metrica.nodes.capture.address import Address
from metrica.nodes.capture.live import Connection, Ended, Picture, Transport, no_picture_yet, not_open_yet
from metrica.nodes.capture.patience import OpeningTime
from metrica.nodes.capture.probe import Refusal
from metrica.rate import RateGate

_NAP = 0.05  # seconds; the longest that a callback waits on purpose
_STEADY = 10.0  # seconds of pictures after which the back-off starts anew
_LONGEST_WAIT = 3.0  # seconds; a camera that is back must not wait long for the next attempt
_SLOW = 5.0  # seconds without an answer or a first picture, after which that is said


@dataclass(frozen=True, slots=True)
class Waits:
    """How long to wait for a camera, seconds: the parameters of the camera node with these names."""

    retry_first: float
    retry_slowest: float
    open_timeout: float
    read_timeout: float


class CameraLink:
    """The pictures of one live camera. It counts, logs and reports for its node.

    A sentence is logged once until the camera works again. When an open camera is lost, the log says so once; why it
    cannot be opened again is said in the health only, unless it is the password.
    """

    def __init__(self, node: Node, address: Address, transport: Transport, gate: RateGate, waits: Waits) -> None:
        self._node, self._address, self._gate, self._waits = node, address, gate, waits
        self._transport: Transport = transport
        self._backoff = Backoff(waits.retry_first, min(waits.retry_slowest, _LONGEST_WAIT))
        self._opening_time = OpeningTime(waits.open_timeout)
        self._connection: Connection | None = None
        self._retry_at = self._lost_at = self._began_at = 0.0
        self._well_at: float | None = None  # when the back-off starts anew; None while there is no picture
        self._was_open = False
        self._trusted = True
        self._logged: set[str] = set()

    def next(self) -> Picture | None:
        """The next picture that shows something, or that is blank; None if there is none in a moment."""
        now = self._now()
        if self._connection is None:
            if now < self._retry_at:
                time.sleep(min(self._retry_at - now, _NAP))
                return None
            limit = self._opening_time.next()
            self._connection = Connection(
                self._address, self._transport, self._gate, self._node.clock, limit, self._waits.read_timeout
            )
        found = self._connection.next(_NAP)
        if found is None:
            self._still_waiting(self._connection)
        elif isinstance(found, Ended):
            self._ended(found.refusal)
        else:
            return self._picture(self._connection, found)
        return None

    def close(self, wait: float = 0.0) -> None:
        """Close the camera; wait for that so many seconds at most."""
        if self._connection:
            self._connection.close(wait)
        self._connection = None
        self._well_at = None

    def _picture(self, connection: Connection, picture: Picture) -> Picture | None:
        now = self._now()
        if self._well_at is None:
            self._opened(connection, now)
        elif now > self._well_at:
            self._backoff.reset()
        if self._trusted and not picture.trusted:
            self._node.log.warning(
                "the camera's pictures come ever later: its clock is wrong, or this machine is too slow"
            )
        self._trusted = picture.trusted
        if picture.skipped:
            self._node.count(picture.skipped)
        return picture if picture.skipped in ("", "blank") else None

    def _opened(self, connection: Connection, now: float) -> None:
        self._well_at = now + _STEADY
        if connection.reached_at is not None and connection.opened_at is not None:
            self._opening_time.opened(connection.opened_at - connection.reached_at)
        if self._was_open:
            self._node.count("reopened")
            self._node.log.info(f"the camera {self._address} is back after {now - self._lost_at:.0f} s")
        else:
            self._node.log.info(f"the camera {self._address} is open")
        self._was_open = self._trusted = True
        self._logged.clear()
        self._node.trouble("")

    def _ended(self, refusal: Refusal | None) -> None:
        had_pictures = self._well_at is not None
        self.close()
        if refusal is None:
            refusal = Refusal(f"the camera {self._address} sends no more pictures; it is tried again until it is back")
        if had_pictures:
            self._lost_at = self._now()
        else:
            self._node.count("refused")
        wait = self._backoff.next()
        self._retry_at = self._now() + (self._waits.retry_slowest if refusal.password else wait)
        self._complain(refusal, log=had_pictures or refusal.password or not self._was_open)

    def _still_waiting(self, connection: Connection) -> None:
        """Say what is being waited for, if it takes long."""
        if self._well_at is not None or connection.reached_at is None:
            return
        if connection.opened_at is not None:
            if self._now() - connection.opened_at > _SLOW:
                self._complain(no_picture_yet(self._address, self._waits.read_timeout), log=not self._was_open)
        elif self._now() - connection.reached_at > _SLOW:
            self._complain(not_open_yet(self._address, connection.open_timeout), log=not self._was_open)

    def _complain(self, refusal: Refusal, *, log: bool) -> None:
        self._node.trouble(refusal.sentence)
        if log and refusal.sentence not in self._logged:
            self._logged.add(refusal.sentence)
            self._node.log.warning(refusal.sentence)

    def _now(self) -> float:
        return self._node.clock.monotonic() / 1e9
