"""The camera: publishes frames from a stream, a device, a video file, a folder of pictures or a simulation."""

from __future__ import annotations

import time
from typing import ClassVar, Literal

from metrica.errors import NodeError, ParameterError
from metrica.files.pictures import list_pictures
from metrica.messages import Frame, Header, Image
from metrica.node import Node
from metrica.nodes.capture.address import Address, Kind, read_address
from metrica.nodes.capture.blank import BlankCheck, BlankTime, blank_sentence
from metrica.nodes.capture.files import PictureFolder, VideoFile
from metrica.nodes.capture.link import CameraLink, Waits
from metrica.nodes.capture.live import Transport
from metrica.nodes.capture.recording import Recording
from metrica.params import param
from metrica.ports import Publisher, publisher, timer
from metrica.qos import LATEST
from metrica.rate import RateGate, RateMeter

_NAP = 0.05  # seconds; no callback sleeps longer than this
_GOODBYE = 0.5  # seconds for closing a live camera at the end
_LATE = 0.5  # seconds; a simulated picture that is later than this is skipped


class Capture(Node):
    """Publishes the pictures of one camera, each with the time it was taken.

    A camera that is lost is opened again, with back-off, for as long as the node runs. A file or folder ends the node,
    unless `loop` is set. The time of a picture from a file is the time at which the file was started plus the position
    in it.
    """

    uri: str = param(
        secret=True,
        help="rtsp://USER:PASSWORD@HOST/PATH, a video file, a folder of pictures, a device such as 0 or /dev/video0, "
        "or a simulated camera such as sim://entrance?seed=7",
    )
    fps: float = param(
        default=0.0,
        ge=0,
        unit="frames per second",
        help="how many pictures to publish, evenly spaced; 0 publishes every one",
    )
    pace: Literal["realtime", "fast"] = param(
        default="realtime", help="a file in its own time, or as fast as the machine allows; cameras have their own"
    )
    loop: bool = param(default=False, help="begin a file or folder again at its end")
    folder_fps: float = param(
        default=10.0, gt=0, unit="frames per second", help="at what rate the pictures of a folder were taken"
    )
    rtsp_transport: Transport = param(default="tcp", help="how the video of an rtsp:// camera travels")
    retry_first: float = param(
        default=0.5, gt=0, unit="s", help="wait before opening a lost camera again, doubled each time"
    )
    retry_slowest: float = param(
        default=30.0, gt=0, unit="s", help="the wait after a refused password; other such waits are at most 3 s"
    )
    open_timeout: float = param(
        default=30.0, gt=0, unit="s", help="how long a camera that accepts the connection may take to open"
    )
    read_timeout: float = param(
        default=30.0,
        gt=0,
        unit="s",
        help="how long to wait for a camera's first picture (its next key frame), and at most for any other; from "
        "its own pictures follows how long within this, 2 s or more",
    )

    frames: ClassVar[Publisher[Frame]] = publisher(Frame, qos=LATEST, help="the pictures")

    def check(self) -> None:
        address = read_address(self.uri)
        if address.kind is Kind.FILE and not address.path.is_file():
            raise ParameterError("uri", f"there is no file {address.path}: check the name, and that the disk is there")
        if address.kind is Kind.SIM:
            from metrica.simulator import check_address

            check_address(address.uri)
        if address.kind is Kind.FOLDER and not list_pictures(address.path):
            raise ParameterError("uri", f"the folder {address.path} holds no pictures (.jpg, .png, …)")

    def on_configure(self) -> None:
        self._address: Address = read_address(self.uri)
        self._gate = RateGate(self.fps)
        self._measured = RateMeter()
        self._recording: Recording | None = None
        waits = Waits(self.retry_first, self.retry_slowest, self.open_timeout, self.read_timeout)
        self._link = CameraLink(self, self._address, self.rtsp_transport, self._gate, waits)
        self._blank = BlankCheck(interlaced=False)
        self._blank_time = BlankTime()
        self._waiting: float | None = None  # position (s) of the grabbed picture that is not due yet
        self._position = 0.0  # of the last picture, seconds from the start
        self._loop_start = 0.0  # position at which this round through the file began
        self._began: tuple[int, int] | None = None  # UTC and monotonic time of position 0, ns
        if self._address.kind in (Kind.FILE, Kind.FOLDER, Kind.SIM):
            self._recording = self.open_recording()
            self._blank = BlankCheck(interlaced=isinstance(self._recording, VideoFile) and self._recording.interlaced)

    def on_activate(self) -> None:
        # After a pause a file continues at its position, with the present time.
        self._began = None

    def on_deactivate(self) -> None:
        self._link.close(wait=_GOODBYE)

    def on_cleanup(self) -> None:
        if self._recording:
            self._recording.close()

    def open_recording(self) -> Recording:
        """Open the file or folder of `uri` from its beginning.

        Raises NodeError if `uri` is a camera, or if it cannot be read.
        """
        address = read_address(self.uri)
        if address.kind is Kind.FOLDER:
            return PictureFolder(address.path, self.folder_fps)
        if address.kind is Kind.FILE:
            return VideoFile(address.path)
        if address.kind is Kind.SIM:
            from metrica.simulator import SimulatedRecording  # a live camera's process has no use for the simulator

            return SimulatedRecording(address.uri)
        raise NodeError(f"{address} is a camera, not a recording", permanent=True)

    @property
    def recording(self) -> Recording | None:
        """The file or folder that is read; None for a camera."""
        return self._recording

    @timer(seconds=0)
    def read(self) -> None:
        if self._recording:
            self._read_recording(self._recording)
        else:
            self._read_camera()

    # --- files and folders

    def _read_recording(self, recording: Recording) -> None:
        if self._waiting is None:
            in_file = recording.grab()
            if in_file is None:
                self._at_end(recording)
                return
            position = self._position = self._loop_start + in_file
            if not self._gate.wants(position):
                self.count("dropped_by_rate")
                return
            self._waiting = position
        if self._began is None:
            into = round(self._waiting * 1e9)
            self._began = (self.clock.now() - into, self.clock.monotonic() - into)
        if self.pace == "realtime" and not self._is_time(self._waiting, self._began[1]):
            return
        position, self._waiting = self._waiting, None
        if recording.live and self.pace == "realtime" and self._late(position, self._began[1]) > _LATE:
            self.count("late")
            return
        image = recording.picture()
        if image is None:
            self.count("damaged")
            return
        if self._blank.is_blank(image):
            self.count("blank")
            self._note_blank(position, interlaced=self._blank.interlaced)
            return
        self._publish(image, self._began[0] + round(position * 1e9), self.clock.monotonic())

    def _is_time(self, position: float, began: int) -> bool:
        """Whether it is time to publish the picture at this position; sleeps a little if not."""
        left = position - (self.clock.monotonic() - began) / 1e9
        if left > 0:
            time.sleep(min(left, _NAP))
            left = position - (self.clock.monotonic() - began) / 1e9
        return left <= 0.0005

    def _late(self, position: float, began: int) -> float:
        """How late a picture at this position is, in seconds."""
        return (self.clock.monotonic() - began) / 1e9 - position

    def _at_end(self, recording: Recording) -> None:
        if recording.complaint:
            self.log.warning(recording.complaint)
            self.trouble(recording.complaint)
        if self._blank_time.only():
            self._say_blank(interlaced=self._blank.interlaced)
        if not self.loop:
            self.finish()
            return
        self.count("loops")
        self._loop_start = self._position + recording.step
        recording.close()
        self._recording = self.open_recording()

    # --- live cameras

    def _read_camera(self) -> None:
        picture = self._link.next()
        if picture is None:
            return
        if picture.image is None:
            self._note_blank(picture.mono / 1e9, interlaced=picture.interlaced)
            return
        self._publish(picture.image, picture.stamp, picture.mono)

    # --- both

    def _note_blank(self, time: float, *, interlaced: bool) -> None:
        """A picture that shows nothing is not published. Say so if there is nothing else for long."""
        if self._blank_time.blank(time):
            self._say_blank(interlaced=interlaced)

    def _say_blank(self, *, interlaced: bool) -> None:
        sentence = blank_sentence(self._address, interlaced=interlaced)
        if sentence != self.present_trouble:
            self.log.warning(sentence)
        self.trouble(sentence)

    def _publish(self, image: Image, stamp: int, mono: int) -> None:
        if self._blank_time.picture():
            self.trouble("")
        header = Header(stamp=stamp, mono=mono, camera=self.context.camera)
        self.frames.publish(Frame(header=header, image=image))
        self.count("frames")
        self.gauge("fps", self._measured.tick(mono / 1e9))
