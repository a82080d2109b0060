"""Do the lines or zones fit the pictures? They are in pixels, so they do not if the camera's resolution has changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from metrica.node import Node

Size = tuple[int, int]
"""Width and height of a picture, pixels."""
_ENOUGH = 0.5
"""A line or zone of which less is inside the picture was drawn for a larger one."""


class PictureCheck:
    """Compares lines or zones with the size of each picture. Without a socket and without a clock.

    kind: "line" or "zone". shares: by name, what tells which share of it lies inside a picture of some size.
    """

    def __init__(self, kind: str, shares: Mapping[str, Callable[[Size], float]]) -> None:
        self._kind, self._shares = kind, dict(shares)
        self._first: Size | None = None
        self._size: Size | None = None
        self.sentence = ""
        """What is wrong, and what to do; empty if nothing is."""
        self.is_blind = False
        """Whether a line or zone lies outside the picture, so that what is there cannot be counted.

        One of several is enough: coverage is that of a camera, and who says that it looked says so of all its lines.
        """

    def look(self, size: Size) -> bool:
        """Take in the size of a picture. Returns whether `sentence` has changed."""
        if size == self._size or min(size) < 1:
            return False
        self._size, before = size, self.sentence
        self._first = self._first or size
        shares = {name: share(size) for name, share in self._shares.items()}
        outside = [name for name, share in shares.items() if share <= 0]
        partly = [name for name, share in shares.items() if 0 < share < _ENOUGH]
        self.is_blind = bool(outside)
        now = f"{size[0]}x{size[1]}"
        if outside:
            where = f"outside the picture of {now}: nobody can be counted there"
            if len(outside) < len(shares):
                where += f", and what the camera's other {self._kind}s count is shown as partial"
            self.sentence = self._say(outside, where)
        elif partly:
            self.sentence = self._say(partly, f"mostly outside the picture of {now}")
        elif size != self._first:
            self.sentence = (
                f"the pictures are {now} now and were {self._first[0]}x{self._first[1]}: the {self._kind}s are in "
                f"pixels and lie elsewhere in them; set the camera back, or draw the {self._kind}s anew"
            )
        else:
            self.sentence = ""
        return self.sentence != before

    @property
    def size(self) -> str:
        """The size of the last picture, in words."""
        return f"{self._size[0]}x{self._size[1]}" if self._size else "no size yet"

    def _say(self, names: list[str], where: str) -> str:
        listed = ", ".join(f"'{name}'" for name in names)
        which = f"the {self._kind} {listed} lies" if len(names) == 1 else f"the {self._kind}s {listed} lie"
        return f"{which} {where}; set the camera back to the resolution that it was drawn for, or draw it anew"


def compare(node: Node, check: PictureCheck, size: Size) -> None:
    """Take in the size of a picture, and say in the node's log and health what has changed.

    A message that comes while a line or zone lies outside the picture is counted as `unwatched.tracks` too: that time
    is no time in which the camera looked (see the uploader).
    """
    if check.look(size):
        node.trouble(check.sentence)
        if check.sentence:
            node.log.warning(check.sentence)
        else:
            node.log.info(f"the pictures are {check.size} again, and nothing lies outside them")
    if check.is_blind:
        node.count("unwatched.tracks")
