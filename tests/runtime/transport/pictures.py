"""Small frames for the tests of the ring."""

from __future__ import annotations

import numpy as np

from metrica.messages import Frame, Header

HEIGHT, WIDTH = 48, 64
SIZE = HEIGHT * WIDTH * 3


def picture(value: int, height: int = HEIGHT, width: int = WIDTH) -> Frame:
    image = np.full((height, width, 3), value, np.uint8)
    return Frame(header=Header(seq=value, camera="door"), image=image)
