"""Draw people with their paths, lines and totals over the pictures of a video."""

from __future__ import annotations

import colorsys
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from metrica.messages import Crossing, Image, Tracks
from metrica.nodes.geometry.anchors import BELOW_CENTRE, Anchor
from metrica.nodes.geometry.lines import Line
from metrica.nodes.geometry.polyline import Polyline

Colour = tuple[int, int, int]
"""Blue, green, red."""

WHITE: Colour = (255, 255, 255)
GREY: Colour = (190, 190, 190)
DARK: Colour = (32, 28, 24)
IN: Colour = (120, 220, 90)
"""Colour of the crossings inwards."""
OUT: Colour = (70, 150, 255)
"""Colour of the crossings outwards."""
LINE: Colour = (255, 200, 60)
"""Colour of a line that nobody has just crossed."""

_TRAIL_SECONDS = 2.5
_FLASH_SECONDS = 0.7
_GOLDEN = 0.618034  # part of the colour wheel between two ids: by the golden ratio, so that near ids look different


@dataclass(slots=True)
class LineTotals:
    """One line, and how many have crossed it so far."""

    line: Line
    """The line that is drawn and counted."""
    entered: int = 0
    """How many people have crossed the line inwards."""
    left: int = 0
    """How many people have crossed the line outwards."""
    flash_until: int = 0
    """Until when the line is drawn bright after a crossing, ns UTC."""
    flash: Colour = IN
    """The line's colour until `flash_until`: that of the last crossing's direction."""


class Overlay:
    """Draws on the pictures of one camera. Pass it every crossing, and every picture in order of time."""

    def __init__(self, lines: Sequence[Line], anchor: Anchor) -> None:
        self.totals = [LineTotals(line) for line in lines]
        self._below_centre = BELOW_CENTRE[anchor]
        self._trails: dict[int, deque[tuple[int, int, int]]] = {}
        self._font = cv2.FontFace("sans")
        self._first: int | None = None

    def crossed(self, crossing: Crossing) -> None:
        """Count a crossing and let its line light up."""
        for totals in self.totals:
            if totals.line.name == crossing.line:
                totals.entered += crossing.direction == "in"
                totals.left += crossing.direction == "out"
                totals.flash = IN if crossing.direction == "in" else OUT
                totals.flash_until = crossing.header.stamp + round(_FLASH_SECONDS * 1e9)

    def draw(self, image: Image, tracks: Tracks) -> None:
        """Draw on a picture, uint8 [height, width, 3], blue green red, in place."""
        stamp = tracks.header.stamp
        self._first = stamp if self._first is None else self._first
        scale = max(0.6, min(image.shape[:2]) / 480)
        self._remember(tracks)
        for totals in self.totals:
            self._draw_line(image, totals, stamp, scale)
        self._draw_trails(image, scale)
        for box, track in zip(tracks.boxes, tracks.ids, strict=True):
            self._draw_person(image, [round(float(v)) for v in box], int(track), scale)
        self._draw_panel(image, (stamp - self._first) / 1e9, scale)

    def _remember(self, tracks: Tracks) -> None:
        stamp = tracks.header.stamp
        for (x1, y1, x2, y2), track in zip(tracks.boxes, tracks.ids, strict=True):
            y = (y1 + y2) / 2 + self._below_centre * (y2 - y1)
            trail = self._trails.setdefault(int(track), deque(maxlen=256))
            trail.append((stamp, round(float((x1 + x2) / 2)), round(float(y))))
        oldest = stamp - round(_TRAIL_SECONDS * 1e9)
        for track, trail in list(self._trails.items()):
            while trail and trail[0][0] < oldest:
                trail.popleft()
            if not trail:
                del self._trails[track]

    def _draw_trails(self, image: Image, scale: float) -> None:
        for track, trail in self._trails.items():
            colour = colour_of(track)
            points = [(x, y) for _, x, y in trail]
            for i in range(1, len(points)):
                fresh = i / len(points)
                faded = (round(colour[0] * fresh), round(colour[1] * fresh), round(colour[2] * fresh))
                cv2.line(image, points[i - 1], points[i], faded, max(1, round(3 * fresh * scale)), cv2.LINE_AA)
            cv2.circle(image, points[-1], max(2, round(4 * scale)), colour, -1, cv2.LINE_AA)

    def _draw_person(self, image: Image, box: list[int], track: int, scale: float) -> None:
        x1, y1, x2, y2 = box
        colour, thick = colour_of(track), max(1, round(2.5 * scale))
        cv2.rectangle(image, (x1, y1), (x2, y2), colour, 1, cv2.LINE_AA)
        arm = max(4, min(x2 - x1, y2 - y1) // 4)
        for x, dx in ((x1, arm), (x2, -arm)):
            for y, dy in ((y1, arm), (y2, -arm)):
                cv2.line(image, (x, y), (x + dx, y), colour, thick, cv2.LINE_AA)
                cv2.line(image, (x, y), (x, y + dy), colour, thick, cv2.LINE_AA)
        size = round(15 * scale)
        width = self._width(str(track), size) + size // 2
        top = max(0, y1 - size - 4)
        cv2.rectangle(image, (x1, top), (x1 + width, top + size + 4), colour, -1)
        self._text(image, str(track), (x1 + size // 4, top + size), DARK, size)

    def _draw_line(self, image: Image, totals: LineTotals, stamp: int, scale: float) -> None:
        colour = totals.flash if stamp < totals.flash_until else LINE
        thick = max(2, round((5 if stamp < totals.flash_until else 3) * scale))
        parts = list(pairwise(map(_whole, totals.line.points)))
        for width, shade in ((thick + max(2, round(2 * scale)), DARK), (thick, colour)):
            for a, b in parts:
                cv2.line(image, a, b, shade, width, cv2.LINE_AA)
        seen = [cv2.clipLine((0, 0, image.shape[1], image.shape[0]), a, b) for a, b in parts]
        if not any(shown for shown, _, _ in seen):
            return
        _, start, end = max(seen, key=lambda part: part[0] * math.dist(part[1], part[2]))
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        right = Polyline(totals.line.points).nearest_point(middle).normal
        tip = _whole((middle[0] + right[0] * 38 * scale, middle[1] + right[1] * 38 * scale))
        for width, shade in ((thick + 3, DARK), (thick, colour)):
            cv2.arrowedLine(image, _whole(middle), tip, shade, width, cv2.LINE_AA, tipLength=0.4)
        size = round(16 * scale)
        beyond = (tip[0] + right[0] * size, tip[1] + right[1] * size)
        place = _whole((beyond[0] - self._width("IN", size) / 2, beyond[1] + size / 3))
        self._text(image, "IN", (place[0] + 1, place[1] + 1), DARK, size)
        self._text(image, "IN", place, colour, size)

    def _draw_panel(self, image: Image, seconds: float, scale: float) -> None:
        size, gap = round(20 * scale), round(9 * scale)
        names = [t.line.name for t in self.totals]
        name_width = max(self._width(name, size) for name in names)
        most = max(max(t.entered, t.left) for t in self.totals)
        number = self._width(f"OUT {'0' * max(2, len(str(most)))}", size) + 2 * gap
        width, row = name_width + 2 * number + 2 * gap, size + gap
        height = row * (len(names) + 1) + gap
        left = top = gap
        area = image[top : top + height, left : left + width]
        area[:] = (area * 0.25 + np.array(DARK) * 0.75).astype(np.uint8)
        y = top + size
        clock = f"{int(seconds) // 3600:d}:{int(seconds) // 60 % 60:02d}:{int(seconds) % 60:02d}"
        self._text(image, clock, (left + gap, y), GREY, round(size * 0.8))
        for totals in self.totals:
            y += row
            x = left + gap
            self._text(image, totals.line.name, (x, y), WHITE, size)
            self._text(image, f"IN {totals.entered}", (x + name_width + gap, y), IN, size)
            self._text(image, f"OUT {totals.left}", (x + name_width + gap + number, y), OUT, size)

    def _text(self, image: Image, text: str, at: tuple[int, int], colour: Colour, size: int) -> None:
        cv2.putText(image, text, at, colour, self._font, size, 600)

    def _width(self, text: str, size: int) -> int:
        return int(cv2.getTextSize((0, 0), text, (0, 0), self._font, size, 600)[2])


def colour_of(track: int) -> Colour:
    """A bright colour for a track, the same each time."""
    red, green, blue = colorsys.hsv_to_rgb(track * _GOLDEN % 1.0, 0.55, 1.0)
    return (round(blue * 255), round(green * 255), round(red * 255))


def _whole(point: tuple[float, float]) -> tuple[int, int]:
    return (round(point[0]), round(point[1]))
