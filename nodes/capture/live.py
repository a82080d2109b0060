"""Live cameras: one connection, opened and read in a thread of its own, because either can take long."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2

from metrica.messages import Image
from metrica.nodes.capture.address import Address, Kind
from metrica.nodes.capture.blank import BlankCheck
from metrica.nodes.capture.freshness import Freshness
from metrica.nodes.capture.interlaced import is_interlaced
from metrica.nodes.capture.patience import Patience
from metrica.nodes.capture.probe import Refusal, not_reachable, why_refused
from metrica.nodes.capture.video import open_capture, retrieve
from metrica.rate import RateGate
from metrica.runtime import Clock

Transport = Literal["tcp", "udp"]
"""How the packets of an RTSP camera's video travel."""
Skipped = Literal["", "stale", "dropped_by_rate", "damaged", "blank"]

_DEVICE = [cv2.CAP_PROP_BUFFERSIZE, 1]
_READY = 2  # pictures that wait for the node; more would be late


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that has arrived from a camera."""

    image: Image | None
    """None if the picture is not to be published; `skipped` says why."""
    stamp: int
    """When it arrived: UTC, nanoseconds."""
    mono: int
    """The same on the monotonic clock, nanoseconds."""
    skipped: Skipped = ""
    interlaced: bool = False
    """Whether the video is coded as interlaced."""
    trusted: bool = True
    """Whether the camera's timestamps are believed (see `Freshness`)."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a connection: nothing comes after it."""

    refusal: Refusal | None = None
    """Why there was no picture; None if the pictures have just ceased."""


class LiveCamera:
    """An open camera. After any failure, close it and open a new one.

    OpenCV's capture never recovers from a cut, and its `isOpened()` stays true.

    Args:
        address: The camera.
        transport: How the video of an rtsp:// camera travels.
        open_timeout: Longest time for opening, seconds.
        read_timeout: Longest wait for a picture, seconds.
    """

    def __init__(self, address: Address, transport: Transport, open_timeout: float, read_timeout: float) -> None:
        self.freshness = Freshness()
        # Only RTP carries the camera's timestamps; FFmpeg invents those of MJPEG over HTTP from a rate.
        self._has_timestamps = address.scheme.startswith("rtsp")
        if address.kind is Kind.DEVICE:
            self._capture = open_capture(address.device, cv2.CAP_V4L2, _DEVICE)
        else:
            # The small probe opens in 0.3 s instead of 1.9 s. Without N_THREADS 1 a frozen camera takes three times the
            # timeout and then returns stale frames.
            options = f"rtsp_transport;{transport}|analyzeduration;200000|probesize;200000"
            settings = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, round(open_timeout * 1000)]
            settings += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, round(read_timeout * 1000), cv2.CAP_PROP_N_THREADS, 1]
            self._capture = open_capture(address.uri.strip(), cv2.CAP_FFMPEG, settings, options)

    @property
    def is_open(self) -> bool:
        """Whether the camera could be opened. It stays true after a failure."""
        return self._capture.isOpened()

    @property
    def fps(self) -> float:
        """The frame rate that the camera announces; 0 if none."""
        return float(self._capture.get(cv2.CAP_PROP_FPS))

    @property
    def interlaced(self) -> bool:
        """Whether the video is coded as interlaced. Known after the first `grab`."""
        return is_interlaced(self._capture)

    def grab(self) -> bool:
        """Wait for the next picture. Returns False if the camera has gone."""
        return self._capture.grab()

    def is_stale(self, arrival: float) -> bool:
        """Whether the grabbed picture is stale (see `Freshness`). arrival: monotonic seconds."""
        if not self._has_timestamps:
            return False
        return self.freshness.is_stale(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, arrival)

    def picture(self) -> Image | None:
        """The picture of the last `grab`, uint8 [height, width, 3], blue green red; None if it is damaged."""
        return retrieve(self._capture)

    def close(self) -> None:
        self._capture.release()


class Connection:
    """One connection to a camera: a thread opens it, reads it until it ends, and closes it.

    Args:
        address: The camera.
        transport: How the video of an rtsp:// camera travels.
        gate: Which pictures are wanted.
        clock: The node's clock.
        open_timeout: Longest time for opening, seconds.
        read_timeout: Longest wait for a picture, seconds.
    """

    def __init__(
        self,
        address: Address,
        transport: Transport,
        gate: RateGate,
        clock: Clock,
        open_timeout: float,
        read_timeout: float,
    ) -> None:
        self.open_timeout = open_timeout
        self.reached_at: float | None = None
        """When the camera accepted the connection, monotonic seconds; None before."""
        self.opened_at: float | None = None
        """When the camera had been opened, monotonic seconds; None before."""
        self._address, self._gate, self._clock = address, gate, clock
        self._transport: Transport = transport
        self._read_timeout = read_timeout
        self._patience = Patience(read_timeout)
        self._last = self._now()
        self._arrived: queue.Queue[Picture | Ended] = queue.Queue(_READY)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="camera")
        self._thread.start()

    def next(self, timeout: float) -> Picture | Ended | None:
        """The next picture, or the end; None if there is neither within `timeout` seconds.

        An open camera that sends nothing for longer than its own rate explains has ended too.
        """
        try:
            return self._arrived.get(timeout=timeout)
        except queue.Empty:
            if self.opened_at is None or self._now() - self._last < self._patience.limit:
                return None
            return Ended() if self._patience.began else Ended(no_picture_yet(self._address, self._read_timeout))

    def close(self, wait: float = 0.0) -> None:
        """Let the thread end and close the camera; wait for that so many seconds at most."""
        self._closed.set()
        if wait:
            self._thread.join(wait)

    def _now(self) -> float:
        return self._clock.monotonic() / 1e9

    def _run(self) -> None:
        try:
            ended = Ended(self._open_and_read())
        except Exception as error:  # noqa: BLE001 - OpenCV raises several kinds, and a thread has nobody to raise to
            ended = Ended(Refusal(f"the camera {self._address} cannot be opened: {type(error).__name__}"))
        self._hand_over(ended)

    def _open_and_read(self) -> Refusal | None:
        """Returns why there was no picture, or None if there were some."""
        if self._address.kind is Kind.STREAM and (refusal := not_reachable(self._address)):
            return refusal
        began = self.reached_at = self._now()
        camera = LiveCamera(self._address, self._transport, self.open_timeout, self._read_timeout)
        try:
            if not camera.is_open:
                return self._why(self._now() - began)
            self._patience = Patience(self._read_timeout, camera.fps)
            self._last = self.opened_at = self._now()
            return self._read(camera)
        finally:
            camera.close()

    def _read(self, camera: LiveCamera) -> Refusal | None:
        pictures = 0
        blank = BlankCheck(interlaced=False)
        is_http = self._address.scheme.startswith("http")
        # Asked again after the wait: a closed connection must not use up the gate of the next one.
        while not self._closed.is_set() and camera.grab() and not self._closed.is_set():
            stamp, mono = self._clock.now(), self._clock.monotonic()
            pictures += 1
            self._patience.picture(mono / 1e9)
            self._last = mono / 1e9
            if pictures == 1:
                blank = BlankCheck(interlaced=camera.interlaced)
                if is_http:
                    continue  # the address of a still picture gives one, and no more
            image, skipped = self._judge(camera, blank, mono / 1e9)
            trusted = camera.freshness.trusted
            self._hand_over(Picture(image, stamp, mono, skipped, blank.interlaced, trusted))
        if self._closed.is_set() or pictures > 1 or (pictures == 1 and not is_http):
            return None
        if pictures == 0 and self._now() - self._last >= 0.9 * self._read_timeout:
            return no_picture_yet(self._address, self._read_timeout)
        return why_no_picture(self._address, pictures)

    def _judge(self, camera: LiveCamera, blank: BlankCheck, now: float) -> tuple[Image | None, Skipped]:
        if camera.is_stale(now):
            return None, "stale"
        if not self._gate.wants(now):
            return None, "dropped_by_rate"
        image = camera.picture()
        if image is None:
            return None, "damaged"
        return (None, "blank") if blank.is_blank(image) else (image, "")

    def _why(self, seconds: float) -> Refusal:
        refusal = why_no_picture(self._address, 0)
        if seconds < 0.9 * self.open_timeout or refusal.status != 200:
            return refusal
        return not_open_yet(self._address, self.open_timeout)

    def _hand_over(self, what: Picture | Ended) -> None:
        """Wait until the node takes it, or has closed this connection."""
        while not self._closed.is_set():
            try:
                self._arrived.put(what, timeout=0.1)
            except queue.Full:
                continue
            return


def not_open_yet(address: Address, timeout: float) -> Refusal:
    """Why a camera is not open that somebody answers for."""
    return Refusal(
        f"the camera {address} accepts the connection, but does not answer or sends no picture yet: it is given "
        f"{timeout:g} s (open_timeout)"
    )


def no_picture_yet(address: Address, timeout: float) -> Refusal:
    """Why an open camera gives no picture."""
    return Refusal(
        f"the camera {address} answers, but has sent no key frame yet: it is given {timeout:g} s (read_timeout); set "
        "its key frame interval (GOP) to one or two seconds"
    )


def why_no_picture(address: Address, pictures: int) -> Refusal:
    """Ask why a camera gives no picture, or only so many."""
    if address.kind is Kind.STREAM:
        return why_refused(address, pictures=pictures)
    device = Path(f"/dev/video{address.device}")
    if not device.exists():
        return Refusal(f"there is no camera {device}: check that it is plugged in (v4l2-ctl --list-devices lists them)")
    return Refusal(f"the camera {device} gives no picture: another program may be using it, or it may not be a camera")
