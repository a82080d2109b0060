"""Small nodes for the tests of the runtime; some fail on purpose. Their node type is `tests.runtime.nodes:Name`."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import ClassVar

import numpy as np

from metrica import EVENTS, LATEST, Node, Publisher, param, publisher, subscription, timer
from metrica.errors import LifecycleError, NodeError, ParameterError
from metrica.messages import Crossing, Detections, Frame, Header


def seen(camera: str, n: int) -> Detections:
    return Detections(
        header=Header(camera=camera), boxes=np.zeros((0, 4), np.float32), scores=np.zeros(0, np.float32), size=(n, n)
    )


class Source(Node):
    """Publishes `total` numbered messages as fast as it can, then finishes, or idles if it `stays`."""

    total: int = param(default=10)
    stays: bool = param(default=False)
    detections: ClassVar[Publisher[Detections]] = publisher(Detections)

    def on_configure(self) -> None:
        self.sent = 0

    @timer(seconds=0)
    def go(self) -> None:
        if self.sent < self.total:
            self.sent += 1
            self.detections.publish(seen(self.context.camera, self.sent))
        elif self.stays:
            time.sleep(0.01)
        else:
            self.finish()


class Pictures(Node):
    """Publishes `total` numbered pictures as fast as it can, then finishes."""

    total: int = param(default=10)
    frames: ClassVar[Publisher[Frame]] = publisher(Frame, qos=LATEST)

    def on_configure(self) -> None:
        self.sent = 0

    @timer(seconds=0)
    def go(self) -> None:
        if self.sent == self.total:
            self.finish()
            return
        self.sent += 1
        image = np.full((90, 160, 3), self.sent % 256, np.uint8)
        self.frames.publish(Frame(header=Header(stamp=self.sent, camera=self.context.camera), image=image))


class Looker(Node):
    """Looks at every picture for some seconds, and publishes a message for each that was not overwritten meanwhile."""

    seconds: float = param(default=0.0)
    detections: ClassVar[Publisher[Detections]] = publisher(Detections)

    @subscription(Frame)
    def frames(self, msg: Frame) -> None:
        time.sleep(self.seconds)
        if (msg.image == msg.header.stamp % 256).all() and msg.intact():
            self.detections.publish(seen(msg.header.camera, msg.header.stamp))


class Writer(Node):
    """Writes the number of each message to a file, slowly, and publishes the last three when it is deactivated."""

    path: Path = param()
    seconds: float = param(default=0.0)
    crossings: ClassVar[Publisher[Crossing]] = publisher(Crossing)

    def on_configure(self) -> None:
        self.path.touch()
        self.held: list[Detections] = []

    @subscription(Detections)
    def detections(self, msg: Detections) -> None:
        time.sleep(self.seconds)
        with self.path.open("a") as file:
            file.write(f"{msg.size[0]}\n")
        self.held.append(msg)

    def on_deactivate(self) -> None:
        for msg in self.held[-3:]:
            n = msg.size[0]
            self.crossings.publish(
                Crossing(header=msg.header, id=f"held-{n}", line="a", direction="in", track=n, time=n)
            )


class Events(Node):
    """Publishes an event for each message; `dies_after` kills its own process right after that event."""

    dies_after: int = param(default=0)
    crossings: ClassVar[Publisher[Crossing]] = publisher(Crossing, qos=EVENTS)

    @subscription(Detections)
    def detections(self, msg: Detections) -> None:
        n = msg.size[0]
        self.crossings.publish(Crossing(header=msg.header, id=f"event-{n}", line="a", direction="in", track=n, time=n))
        if n == self.dies_after:
            os.kill(os.getpid(), signal.SIGKILL)


class Fails(Node):
    """Fails in the hook or timer `where`, in the way `how`, with a thread that would keep its process alive."""

    where: str = param(default="on_configure")
    how: str = param(default="exception")
    token: str = param(default="", secret=True)
    detections: ClassVar[Publisher[Detections]] = publisher(Detections)

    def check(self) -> None:
        self._fail("check")

    def on_configure(self) -> None:
        threading.Thread(target=lambda: time.sleep(600)).start()
        self._fail("on_configure")

    def on_activate(self) -> None:
        self._fail("on_activate")

    @timer(seconds=0.01)
    def tick(self) -> None:
        self._fail("tick")

    def _fail(self, where: str) -> None:
        if where != self.where:
            return
        if self.how == "node error":
            raise NodeError("the camera does not answer")
        if self.how == "permanent":
            raise NodeError("there is no such file", permanent=True)
        if self.how == "parameter":
            raise ParameterError("uri", "'uri' names a file that is not a video")
        if self.how == "message":
            wrong = np.zeros((0, 4))
            self.detections.publish(Detections(boxes=wrong, scores=np.zeros(0, np.float32), size=(1, 1)))  # type: ignore[arg-type]
        if self.how == "thread":
            self._publish_from_a_thread()
        raise ValueError("broken")

    def _publish_from_a_thread(self) -> None:
        caught: list[Exception] = []

        def publish() -> None:
            try:
                self.detections.publish(seen("door", 1))
            except LifecycleError as error:
                caught.append(error)

        thread = threading.Thread(target=publish)
        thread.start()
        thread.join()
        raise caught[0]


class Threaded(Node):
    """Answers each message from a thread, as an inference engine does, even those that come last."""

    detections: ClassVar[Publisher[Detections]] = publisher(Detections)

    def on_configure(self) -> None:
        self.threads: list[threading.Thread] = []

    @subscription(Frame)
    def frames(self, msg: Frame) -> None:
        n = msg.header.stamp
        self.threads.append(threading.Thread(target=self._infer, args=(msg.header.camera, n)))
        self.threads[-1].start()

    def on_deactivate(self) -> None:
        for thread in self.threads:
            thread.join()

    def _infer(self, camera: str, n: int) -> None:
        time.sleep(0.2)
        self.call_soon(self.detections.publish, seen(camera, n))


class PerCamera(Node):
    """One node for all cameras, which also publishes for a camera that is not in the graph."""

    detections: ClassVar[Publisher[Detections]] = publisher(Detections, per_camera=True)

    @timer(seconds=0.05)
    def tick(self) -> None:
        for camera in ("door", "back", "nowhere"):
            self.detections.publish(seen(camera, 1))
