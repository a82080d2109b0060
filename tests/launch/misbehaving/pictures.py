"""A camera whose pictures hold a text, and a viewer that writes down what it sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from metrica import LATEST, Node, param, publisher, subscription, timer
from metrica.messages import Frame, Header

MARK = b"this stands in every picture"


class Camera(Node):
    frames = publisher(Frame, qos=LATEST)

    def on_activate(self) -> None:
        self.sent = 0

    @timer(seconds=0.05)
    def tick(self) -> None:
        self.sent += 1
        image = np.full((48, 64, 3), self.sent % 256, np.uint8)
        image.reshape(-1)[: len(MARK)] = np.frombuffer(MARK, np.uint8)
        self.frames.publish(Frame(header=Header(stamp=self.sent), image=image))


class Viewer(Node):
    file: str = param()

    @subscription(Frame, qos=LATEST)
    def frames(self, msg: Frame) -> None:
        right = msg.image.tobytes().startswith(MARK) and (msg.image[1:] == msg.header.stamp % 256).all()
        with Path(self.file).open("a") as file:
            file.write(f"{msg.header.stamp if right else 'wrong'}\n")
