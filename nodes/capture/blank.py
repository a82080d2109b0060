"""Tell the pictures that show something from those that show nothing."""

from __future__ import annotations

import numpy as np

from metrica.messages import Image
from metrica.nodes.capture.address import Address, Kind

_STEP = 16  # pixels; one in so many is looked at first, which settles it for almost every picture


class BlankCheck:
    """Finds the blank pictures of one camera or recording: what a decoder gives when it has decoded nothing.

    A picture is blank if all its pixels have the same colour. A dark room is not: a real sensor has noise. A picture of
    an interlaced video is blank also if it equals the one before in every byte: it has not been converted
    (see `interlaced`).

    Args:
        interlaced: Whether the video is coded as interlaced.
    """

    def __init__(self, *, interlaced: bool) -> None:
        self.interlaced = interlaced
        self._previous: Image | None = None

    def is_blank(self, image: Image) -> bool:
        """Whether this picture shows nothing. Call it once for each picture, in order."""
        if not self.interlaced:
            return is_flat(image)
        # The first picture of an interlaced video cannot be judged yet, so it counts as blank.
        previous, self._previous = self._previous, image
        return previous is None or _is_same(image, previous) or is_flat(image)


def is_flat(image: Image) -> bool:
    """Whether all pixels have the same colour."""
    first = image[0, 0]
    return not (image[::_STEP, ::_STEP] != first).any() and not (image != first).any()


def _is_same(image: Image, other: Image) -> bool:
    if image.shape != other.shape:
        return False
    return np.array_equal(image[::_STEP, ::_STEP], other[::_STEP, ::_STEP]) and np.array_equal(image, other)


class BlankTime:
    """How long there has been nothing but blank pictures. Pure: all times are arguments, in seconds."""

    LONG = 3.0
    """After so many seconds of blank pictures only, something is wrong."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._seen = False

    def blank(self, time: float) -> bool:
        """Note a blank picture. Returns whether there has been nothing else for long."""
        if self._since is None or time < self._since:
            self._since = time
        return time - self._since >= self.LONG

    def picture(self) -> bool:
        """Note a picture that shows something. Returns whether there was nothing but blank ones for long before it."""
        ended, self._since, self._seen = self._since is not None, None, True
        return ended

    def only(self) -> bool:
        """Whether all pictures so far were blank, and there were some."""
        return self._since is not None and not self._seen


def blank_sentence(address: Address, *, interlaced: bool) -> str:
    """What to say about a camera or a recording that gives nothing but blank pictures."""
    live = address.kind in (Kind.STREAM, Kind.DEVICE)
    what = f"the camera {address}" if live else f"{address}"
    cure = (
        "set the camera's (or the recorder's) video to progressive, such as 1080p or 25p instead of 1080i or 50i"
        if live
        else f"make it progressive (ffmpeg -i {address} -vf yadif NEW.mp4)"
    )
    if interlaced:
        return f"{what} gives interlaced video, which cannot be used here, so that nothing is counted: {cure}"
    return (
        f"{what} gives pictures of one flat colour only, so that nothing is counted: look whether its lens is covered; "
        f"if its video is interlaced, {cure}"
    )
