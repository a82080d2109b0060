"""Writes a simulated clip: a video file, and its ground truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from metrica.errors import ParameterError
from metrica.files.video import VideoWriter
from metrica.simulator.address import read_sim_address
from metrica.simulator.scene import Scene, SeenPerson
from metrica.simulator.truth import truth_of, write_truth


def write_clip(
    uri: str, seconds: float, out: Path | None, truth: Path | None, progress: Callable[[int, int], None] | None = None
) -> Scene:
    """Draw so many seconds of a sim:// address, and return the scene.

    out: the .mp4 to write; None writes none. truth: the label file to write; None writes none. progress: called after
    each frame with the number of frames done and of all frames.
    Raises ParameterError for an address that cannot be simulated, for a video not called .mp4 and for a missing folder,
    NodeError if the video cannot be written.
    """
    scene = Scene(read_sim_address(uri))
    settings = scene.settings
    if out and out.suffix.lower() != ".mp4":
        raise ParameterError("out", f"the video {out} must be called something.mp4")
    for path in (out, truth):
        if path and not path.resolve().parent.is_dir():
            raise ParameterError("out", f"there is no folder {path.resolve().parent} to write {path.name} into")
    count = round(seconds * settings.fps)
    writer = VideoWriter(out, settings.fps, (settings.width, settings.height)) if out else None
    frames: list[list[SeenPerson]] = []
    try:
        for number in range(count):
            picture, seen = scene.frame(number)
            frames.append(seen)
            if writer:
                writer.write(picture)
            if progress:
                progress(number + 1, count)
    finally:
        if writer:
            writer.close()
    if truth:
        write_truth(truth, truth_of(scene, out.name if out else "sim.mp4", uri, frames))
    return scene
