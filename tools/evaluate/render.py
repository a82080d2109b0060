"""Write a short video around each mistake, to show what went wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from metrica.errors import NodeError
from metrica.files.video import VideoWriter
from metrica.messages import Crossing, Header, Image, Tracks
from metrica.nodes.capture.unreadable import open_video, why_unreadable
from metrica.nodes.capture.video import frame_rate
from metrica.nodes.geometry.lines import Line
from metrica.nodes.preview.overlay import DARK, WHITE, Overlay
from metrica.tools.evaluate.match import TimedCrossing
from metrica.tools.evaluate.report import clock, moment

AROUND = 3.0
"""Seconds before and after the mistake."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A crossing that was missed, or one that was counted and did not happen."""

    kind: str
    """`missed` or `extra`."""
    event: TimedCrossing
    """The crossing, as it was labelled (`missed`) or counted (`extra`)."""

    def file_name(self, number: int) -> str:
        when = clock(self.event.time).replace(":", "m", 1) if self.event.time < 3600 else clock(self.event.time)
        return f"{number:03d}-{self.kind}-{self.event.direction}-{when.replace(':', '-').replace('.', 's')}.mp4"


def cut(video: Path, mistakes: Sequence[Mistake], folder: Path, plain: PlainOverlay | None = None) -> list[Path]:
    """Write one .mp4 for each mistake into a folder; returns the files.

    video: a rendered video, or the clip itself together with a `plain` overlay that draws the lines. It is read once.
    Raises NodeError if it cannot be read or a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    container, source = open_video(video)
    rate = frame_rate(source)
    if not source.isOpened():
        raise NodeError(why_unreadable(video, container), permanent=True)
    files = [folder / mistake.file_name(n) for n, mistake in enumerate(mistakes, 1)]
    open_files: dict[int, VideoWriter] = {}
    last = max((m.event.time for m in mistakes), default=-1.0) + AROUND
    index = -1
    with contextlib.ExitStack() as closing:  # closes every file, also when one of them fails
        closing.callback(source.release)
        while (index + 1) / rate <= last:
            good, image = source.read()
            if not good:
                break
            index += 1
            seconds = index / rate
            near = [n for n, m in enumerate(mistakes) if abs(m.event.time - seconds) <= AROUND]
            picture = np.asarray(image, np.uint8)
            if plain:
                plain.draw(picture, seconds, show=bool(near))
            for n in near:
                if n not in open_files:
                    open_files[n] = VideoWriter(files[n], rate, (picture.shape[1], picture.shape[0]))
                    closing.callback(open_files[n].close)
                open_files[n].write(_captioned(picture, mistakes[n], seconds))
            for n in open_files.keys() - set(near):
                open_files.pop(n).close()
    return [file for file in files if file.is_file()]


class PlainOverlay:
    """Draws lines and totals over a clip, from recorded crossings; there are no tracks to draw."""

    def __init__(self, lines: Sequence[Line], counted: Sequence[TimedCrossing]) -> None:
        self._overlay = Overlay(lines, "bottom_center")
        self._coming = sorted(counted, reverse=True)

    def draw(self, image: Image, seconds: float, *, show: bool) -> None:
        """Count the crossings up to this time, and draw them in place if the picture is to be shown."""
        stamp = round(seconds * 1e9)
        while self._coming and self._coming[-1].time <= seconds:
            event = self._coming.pop()
            self._overlay.crossed(
                Crossing(
                    header=Header(stamp=stamp), id="", line=event.line, direction=event.direction, track=0, time=stamp
                )
            )
        if show:
            nobody = Tracks(
                header=Header(stamp=stamp),
                boxes=np.zeros((0, 4), np.float32),
                ids=np.zeros(0, np.int64),
                scores=np.zeros(0, np.float32),
                ages=np.zeros(0, np.int32),
                size=(image.shape[1], image.shape[0]),
            )
            self._overlay.draw(image, nobody)


def _captioned(image: Image, mistake: Mistake, seconds: float) -> Image:
    picture = image.copy()
    size = max(14, round(20 * min(image.shape[:2]) / 480))
    height = 2 * size
    picture[-height:] = (picture[-height:] * 0.25 + np.array(DARK) * 0.75).astype(np.uint8)
    now = ">> " if abs(seconds - mistake.event.time) <= 0.25 else ""
    text = f"{now}{mistake.kind} {moment(mistake.event)}   now {clock(seconds)}"
    cv2.putText(picture, text, (size // 2, image.shape[0] - size // 2), WHITE, cv2.FontFace("sans"), size, 600)
    return picture
