"""Which frame sizes are in use: each costs memory, so only those that a camera has now are kept ready."""

from __future__ import annotations

Size = tuple[int, int]
"""Width and height of a frame, pixels."""
_SPARE = 2
"""Sizes that are kept though no camera has them now: one may come back."""
_MOST_CAMERAS = 256


class SizesInUse:
    """The latest frame size of each camera, and the last two that were in use before."""

    def __init__(self) -> None:
        self._latest: dict[str, Size] = {}
        self._kept: dict[Size, None] = {}

    @property
    def in_use(self) -> list[Size]:
        """The sizes that a camera has now."""
        return list(dict.fromkeys(self._latest.values()))

    def see(self, camera: str, size: Size) -> list[Size]:
        """Take in the size of a camera's frame. Returns the sizes that are not to be kept any longer."""
        if self._latest.get(camera) == size:
            return []
        self._latest.pop(camera, None)
        self._latest[camera] = size
        if len(self._latest) > _MOST_CAMERAS:
            del self._latest[next(iter(self._latest))]
        self._kept.pop(size, None)
        self._kept[size] = None
        spare = [kept for kept in self._kept if kept not in self._latest.values()]
        gone = spare[: max(0, len(spare) - _SPARE)]
        for old in gone:
            del self._kept[old]
        return gone
