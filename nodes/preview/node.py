"""The live picture of a camera in a browser on this machine, with what is found and counted in it."""

from __future__ import annotations

import html
import re
import secrets
from collections import deque

import cv2
import numpy as np

from metrica.errors import NodeError, ParameterError
from metrica.messages import Crossing, Frame, Image, Tracks
from metrica.node import Node
from metrica.nodes.geometry.anchors import Anchor
from metrica.nodes.geometry.lines import Line, Numbers
from metrica.nodes.preview.overlay import Overlay
from metrica.params import param
from metrica.ports import subscription, timer
from metrica.qos import EVENTS, LATEST, STREAM
from metrica.rate import RateGate
from metrica.secrets import register

_MOST_WAITING = 12  # pictures on their way through the detector
_SILENT = 2.0  # seconds without a picture after which the page shows the reason
_GREY = 48


class Preview(Node):
    """Shows the live picture of one camera in a browser on this machine: people, line and counts. Nothing is kept.

    It listens on 127.0.0.1 only, and a viewer needs the token in its address, which `metrica-launch` shows on a
    terminal and no log holds. Pictures are made only while somebody looks. The counts are those since the node's start.
    """

    port: int = param(default=0, ge=0, le=65535, help="port on 127.0.0.1 to listen on; 0 takes any free one")
    token: str = param(default="", secret=True, help="what the address must hold; empty: a new one at each start")
    line: Numbers | None = param(default=None, unit="px", help="the counter's line: x1, y1, x2, y2, and so on")
    line_name: str = param(default="main", help="the name of the one line")
    lines: dict[str, Numbers] = param(
        default_factory=dict[str, Numbers], unit="px", help="several lines instead, by name"
    )
    anchor: Anchor = param(default="bottom_center", help="the point of a box that leaves a trail")
    fps: float = param(default=10.0, gt=0, unit="frames per second", help="most pictures shown")
    width: int = param(default=1280, ge=64, unit="px", help="wider pictures are made as narrow as this")
    quality: int = param(default=80, ge=1, le=100, help="of the JPEG pictures")

    def check(self) -> None:
        self._lines()
        if not re.fullmatch(r"[A-Za-z0-9_-]*", self.token):
            raise ParameterError("token", "'token' stands in an address: use letters, digits, '-' and '_'")

    def on_configure(self) -> None:
        self._overlay = Overlay(self._lines(), self.anchor)
        self._waiting: deque[tuple[int, Image]] = deque(maxlen=_MOST_WAITING)
        self._gate = RateGate(self.fps)
        self._begun = False
        self._shown_at = 0
        title = html.escape(self.context.camera or self.context.store)
        # Loads aiohttp, which the tools that only draw with this room have no use for.
        from metrica.nodes.preview.server import PreviewServer

        token = self.token or secrets.token_urlsafe(16)
        register(token)
        self._server = PreviewServer(self.port, token, title)
        try:
            self._note = self.context.show_privately(
                self.name.strip("/").replace("/", "."), f"{self.address} (the live picture of {title})"
            )
        except NodeError:
            self._server.stop()
            raise
        where = self.address.partition("?")[0]
        # The launcher shows what stands in the file of the field `open` to whoever sits at its terminal.
        self.log.info(
            f"the live picture is on {where}, its address with the token in {self._note}", open=str(self._note)
        )

    @property
    def address(self) -> str:
        """The address of the page, with the token."""
        return self._server.address

    @property
    def viewers(self) -> int:
        """How many viewers are connected."""
        return self._server.viewers

    def on_cleanup(self) -> None:
        self._server.stop()
        self._note.unlink(missing_ok=True)  # the token is worth nothing any more
        self._waiting.clear()

    @subscription(Frame, qos=LATEST)
    def frames(self, msg: Frame) -> None:
        """The pictures, kept for a moment until their tracks come."""
        if not self.viewers:
            self._waiting.clear()
            return
        image = msg.image.copy()
        if msg.intact():
            self._waiting.append((msg.header.stamp, image))
        else:
            self.count("overwritten")

    @subscription(Crossing, qos=EVENTS)
    def crossings(self, msg: Crossing) -> None:
        """The crossings of the lines, which are counted."""
        self._overlay.crossed(msg)

    @subscription(Tracks, qos=STREAM)
    def tracks(self, msg: Tracks) -> None:
        """The people in each picture."""
        if not self._begun:  # the time beside the counts starts here, also if nobody looks
            self._begun = True
            self._overlay.draw(np.zeros((msg.size[1], msg.size[0], 3), np.uint8), msg)
        while self._waiting and self._waiting[0][0] <= msg.header.stamp:
            stamp, image = self._waiting.popleft()
            if stamp == msg.header.stamp and self._gate.wants(msg.header.stamp / 1e9):
                self._overlay.draw(image, msg)
                self._show(image)

    @timer(seconds=0.5)
    def watch(self) -> None:
        """Tell viewers why no picture comes, and raise if the server has ended, so that the node is restarted."""
        if not self._server.alive:
            raise NodeError("the server of the preview has ended")
        self.gauge("viewers", self.viewers)
        now = self.clock.monotonic()
        if not self.viewers:
            self._shown_at = now  # so a new viewer waits the full `_SILENT` before a reason is shown
        if now - self._shown_at < _SILENT * 1e9:
            return
        if self._waiting:
            image, note = self._waiting.pop()[1], "the detector says nothing about this picture"
            self._waiting.clear()
        else:
            image, note = np.full((360, 640, 3), _GREY, np.uint8), "no picture comes from the camera"
        size = max(12, min(image.shape[:2]) // 18)
        image[-2 * size :] = _GREY
        cv2.putText(image, note, (size, image.shape[0] - size // 2), (255, 255, 255), cv2.FontFace("sans"), size, 600)
        self._show(image, silent=True)

    def _show(self, image: Image, *, silent: bool = False) -> None:
        height, width = image.shape[:2]
        if width > self.width:
            small = (self.width, max(1, round(height * self.width / width)))
            image = np.asarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA), np.uint8)
        jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, self.quality])[1]
        self._server.show(jpeg.tobytes())
        self.count("pictures")
        if not silent:
            self._shown_at = self.clock.monotonic()

    def _lines(self) -> list[Line]:
        """The lines of the parameters. Raises ParameterError."""
        if (self.line is None) == (not self.lines):
            raise ParameterError("line", "give the counter's line: 'line: [x1, y1, x2, y2]', or 'lines' for several")
        given = self.lines if self.line is None else {self.line_name: self.line}
        try:
            return [Line.of(name, numbers) for name, numbers in given.items()]
        except ValueError as error:
            raise ParameterError("lines" if self.line is None else "line", str(error)) from None
