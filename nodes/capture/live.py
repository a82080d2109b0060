"""Live cameras: opened in a thread of their own, and closed after a second without a picture."""

from __future__ import annotations

import queue
import threading
from pathlib import Path
from typing import Literal

import cv2

from metrica.messages import Image
from metrica.nodes.capture.address import Address, Kind
from metrica.nodes.capture.freshness import Freshness
from metrica.nodes.capture.probe import Refusal, why_refused
from metrica.nodes.capture.video import open_capture, retrieve

Transport = Literal["tcp", "udp"]
"""How the packets of an RTSP camera's video travel."""

# Without N_THREADS 1 a frozen camera takes three times the timeout and then returns stale frames.
_STREAM = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 3000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 1000, cv2.CAP_PROP_N_THREADS, 1]
_DEVICE = [cv2.CAP_PROP_BUFFERSIZE, 1]


class Opening:
    """One attempt to open a camera, in a thread of its own.

    Opening can take longer than a callback may, for example while a name server does not answer.
    """

    def __init__(self, address: Address, transport: Transport) -> None:
        self._result: queue.SimpleQueue[LiveCamera | Refusal] = queue.SimpleQueue()
        work = threading.Thread(target=self._open, args=(address, transport), daemon=True, name="open camera")
        work.start()

    def result(self, timeout: float) -> LiveCamera | Refusal | None:
        """The camera, or why there is none; None if it is not known yet after `timeout` seconds."""
        try:
            return self._result.get(timeout=timeout)
        except queue.Empty:
            return None

    def _open(self, address: Address, transport: Transport) -> None:
        try:
            camera = LiveCamera(address, transport)
            self._result.put(camera if camera.is_open else _why(address))
        except Exception as error:  # noqa: BLE001 - OpenCV raises several kinds, and a thread has nobody to raise to
            self._result.put(Refusal(f"the camera {address} cannot be opened: {type(error).__name__}"))


class LiveCamera:
    """An open camera. After any failure, close it and open a new one.

    OpenCV's capture never recovers from a cut, and its `isOpened()` stays true.
    """

    def __init__(self, address: Address, transport: Transport = "tcp") -> None:
        self.freshness = Freshness()
        # Only RTP carries the camera's timestamps; FFmpeg invents those of MJPEG over HTTP from a rate.
        self._has_timestamps = address.scheme.startswith("rtsp")
        if address.kind is Kind.DEVICE:
            self._capture = open_capture(address.device, cv2.CAP_V4L2, _DEVICE)
        else:
            # The small probe opens in 0.3 s instead of 1.9 s.
            options = f"rtsp_transport;{transport}|analyzeduration;200000|probesize;200000"
            self._capture = open_capture(address.uri.strip(), cv2.CAP_FFMPEG, _STREAM, options)

    @property
    def is_open(self) -> bool:
        """Whether the camera could be opened. It stays true after a failure."""
        return self._capture.isOpened()

    def grab(self) -> bool:
        """Wait up to a second for the next picture. Returns False if none has come."""
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


def _why(address: Address) -> Refusal:
    if address.kind is Kind.STREAM:
        return why_refused(address)
    device = Path(f"/dev/video{address.device}")
    if not device.exists():
        return Refusal(f"there is no camera {device}: check that it is plugged in (v4l2-ctl --list-devices lists them)")
    return Refusal(f"the camera {device} gives no picture: another program may be using it, or it may not be a camera")
