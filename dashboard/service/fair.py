"""A queue in which who asks much waits for himself, and not everybody for him."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Gives the items of different askers in turn, and those of one asker in the order in which they came."""

    def __init__(self) -> None:
        self._items: dict[str, deque[T]] = {}

    def __bool__(self) -> bool:
        return bool(self._items)

    def put(self, asker: str, item: T) -> None:
        """Add an item to those of its asker."""
        self._items.setdefault(asker, deque()).append(item)

    def get(self) -> T:
        """Take the next item: that of the asker who has waited for longest since his last. The queue is not empty."""
        asker = next(iter(self._items))
        items = self._items.pop(asker)
        item = items.popleft()
        if items:
            self._items[asker] = items  # behind all others
        return item
