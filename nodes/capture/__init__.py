"""From a camera, a video file, a folder of pictures or a simulation to frames."""

from metrica.nodes.capture.node import Capture

__all__ = ["Capture"]
