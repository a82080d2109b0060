"""The layout of a frame ring in memory, and its reading side. `metrica.transport.frames` describes the whole ring."""

from __future__ import annotations

import math
import mmap
import os
import stat
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metrica.errors import FrameRingError
from metrica.messages import FrameRef

Pixels = npt.NDArray[np.uint8]

MAGIC = b"METRICAR"
"""The first bytes of a ring."""
VERSION = 1
"""Version of the layout."""
HEADER = struct.Struct("<8sIIQQQQ")
"""The header: magic, version, number of slots, bytes in a slot, offset of the first slot, bytes from one slot to the
next, process id of the writer."""
LINE = 64
"""Bytes from one generation to the next: a cache line."""


class FrameLostError(FrameRingError):
    """The frame was overwritten before it was read: the reader is too slow, or the ring too short."""


class FrameRingReader:
    """Reads frames from the rings that FrameRefs name, without copying. It keeps one ring mapped for each topic."""

    def __init__(self) -> None:
        self._rings: dict[str, _Ring] = {}

    def view(self, ref: FrameRef) -> tuple[Pixels, Callable[[], bool]]:
        """A read-only view of the frame's pixels, and a function that says whether they still are that frame's.

        Call the function *after* the pixels have been used: False means that they may have changed in between. The
        memory of the view stays valid as long as the view exists, even when the ring or this reader is closed.

        Raises:
            FrameLostError: The frame has been overwritten.
            FrameRingError: There is no such ring or slot.
        """
        ring = self._rings.get(ref.ring)
        if ring is None or (not ring.holds(ref) and ring.replaced(ref.ring)):
            ring = self._map(ref.ring)
        return ring.view(ref)

    def close(self) -> None:
        """Forget all rings. The memory of a ring is released with the last view of it, so this never fails."""
        self._rings.clear()

    def __len__(self) -> int:
        """How many rings are mapped."""
        return len(self._rings)

    def __enter__(self) -> FrameRingReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _map(self, path: str) -> _Ring:
        ring = _open(path)
        # A topic has one publisher: when it makes a new ring, it no longer uses the old one.
        for old in [known for known in self._rings if _topic(known) == _topic(path)]:
            del self._rings[old]
        self._rings[path] = ring
        return ring


def word(slot: int) -> int:
    """Index of a slot's generation in the ring, counted in words of 8 bytes."""
    return (slot + 1) * (LINE // 8)


def fence() -> None:
    """A memory fence: memory accesses before this call happen before those after it, on every processor.

    An x86 processor keeps stores in order, and loads in order. ARM keeps neither in order, and Python offers no fence.
    Releasing a lock and acquiring it again works as one on ARM, too: a load-acquire is never moved before an earlier
    store-release. The lock is new each time, because several threads may call `intact`. It costs 0.25 µs.
    """
    lock = threading.Lock()
    lock.acquire()
    lock.release()
    lock.acquire()


@dataclass(frozen=True, slots=True)
class _Ring:
    """One mapped ring. Its memory is released with the last view of it; no code closes it."""

    memory: mmap.mmap
    generations: memoryview
    inode: tuple[int, int]
    slots: int
    slot_bytes: int
    first: int
    stride: int

    def holds(self, ref: FrameRef) -> bool:
        """Whether the slot still holds the frame."""
        return 0 <= ref.slot < self.slots and self.generations[word(ref.slot)] == ref.generation

    def replaced(self, path: str) -> bool:
        """Whether another ring has this path now."""
        try:
            found = os.stat(path)  # noqa: PTH116 - making a Path costs more than the call
        except OSError:
            return False
        return (found.st_dev, found.st_ino) != self.inode

    def view(self, ref: FrameRef) -> tuple[Pixels, Callable[[], bool]]:
        length = math.prod(ref.shape)
        if ref.dtype != "uint8" or min(ref.shape, default=0) < 1 or length > self.slot_bytes:
            raise FrameRingError(
                f"{ref.ring} has slots of {self.slot_bytes} bytes, which hold no {ref.dtype} {list(ref.shape)}"
            )
        if not 0 <= ref.slot < self.slots:
            raise FrameRingError(f"{ref.ring} has {self.slots} slots and no number {ref.slot}")
        if not self.holds(ref):
            raise FrameLostError(f"the frame in slot {ref.slot} of {ref.ring} was overwritten before it was read")
        fence()
        pixels = np.frombuffer(self.memory, np.uint8, length, self.first + self.stride * ref.slot)
        generations, at, generation = self.generations, word(ref.slot), ref.generation

        def intact() -> bool:
            fence()
            return generations[at] == generation

        return pixels.reshape(ref.shape), intact


def _open(path: str) -> _Ring:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise FrameRingError(
            f"the frame ring {path} cannot be opened ({reason}): has its publisher stopped, or does it run elsewhere?"
        ) from None
    try:
        return _mapped(path, fd)
    except OSError as error:
        raise FrameRingError(f"the frame ring {path} cannot be mapped: {error.strerror}") from None
    finally:
        os.close(fd)


def _mapped(path: str, fd: int) -> _Ring:
    found = os.fstat(fd)
    head = os.pread(fd, HEADER.size, 0) if stat.S_ISREG(found.st_mode) else b""
    if len(head) < HEADER.size or not head.startswith(MAGIC):
        raise FrameRingError(f"{path} is not a frame ring")
    _, version, slots, slot_bytes, first, stride, _ = HEADER.unpack(head)
    if version != VERSION:
        raise FrameRingError(f"{path} is a frame ring of version {version}, this program reads version {VERSION}")
    if slot_bytes > stride or first % 8 or first < LINE * (slots + 1) or found.st_size < first + stride * slots:
        raise FrameRingError(f"the frame ring {path} is damaged: its header does not match its size")
    memory = mmap.mmap(fd, found.st_size, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE, prot=mmap.PROT_READ)
    generations = memoryview(memory)[:first].cast("Q")
    return _Ring(memory, generations, (found.st_dev, found.st_ino), slots, slot_bytes, first, stride)


def _topic(path: str) -> str:
    """The part of a ring's path that names its topic: all but the pid and the creation time."""
    return path.rsplit(".", 2)[0]
