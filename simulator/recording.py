"""The recording that `capture` reads for an address like `sim://entrance?seed=7&visitors_per_hour=240`."""

from __future__ import annotations

import math

import cv2

from metrica.messages import Image
from metrica.simulator.address import read_sim_address
from metrica.simulator.scene import Scene


class SimulatedRecording:
    """The pictures of a sim:// address, as a recording that ends after the address's `seconds`; with 0, never.

    Raises ParameterError for an address that cannot be simulated.
    """

    live = True

    def __init__(self, uri: str) -> None:
        cv2.setNumThreads(1)  # the pictures are small: more threads would only slow the detector
        settings = read_sim_address(uri)
        self.index = -1
        self.announced = math.ceil(settings.seconds * settings.fps)
        self._scene = Scene(settings, remember=False)
        self._scene.prepare()
        self._fps = settings.fps

    @property
    def step(self) -> float:
        return 1 / self._fps

    @property
    def complaint(self) -> str:
        return ""

    def grab(self) -> float | None:
        if self.announced and self.index + 1 >= self.announced:
            return None
        self.index += 1
        return self.index / self._fps

    def picture(self) -> Image | None:
        return self._scene.frame(self.index)[0]

    def close(self) -> None:
        """Nothing is open."""
