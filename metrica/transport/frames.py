"""Frames in shared memory: a ring of slots in one file under /dev/shm, with one writer and any number of readers.

    page 0 …        the header, then one generation (uint64) per slot, each on a cache line of its own
    page-aligned    slot 0, slot 1, … each `slot_bytes` long, rounded up to whole pages

The writer fills the slots in turn and never waits. Each slot has a generation, which works as a seqlock: odd while the
slot is being written, even when the frame is complete. It is a 64-bit number that starts at the ring's creation time,
so two rings never have the same value. A reader looks at the pixels in place and compares the generation with the one
in its FrameRef, before *and after*. If they differ, the pixels may be of two frames, and the result is not used.

Only the user can open the file (mode 0600). The writer holds a lock on it (flock) until its process ends, in whatever
way: a ring without a lock has no writer, and `remove_stale` removes it. The code uses `mmap`, not
`multiprocessing.shared_memory`, because the resource tracker of the latter unlinks the segments of other processes.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import stat
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from metrica.errors import FrameRingError
from metrica.messages import Frame, FrameRef
from metrica.transport.frame_reader import (
    HEADER,
    LINE,
    MAGIC,
    VERSION,
    FrameLostError,
    FrameRingReader,
    Pixels,
    fence,
    word,
)

_MIB = 1 << 20


class Slot(NamedTuple):
    """Where `FrameRingWriter.write` put a frame."""

    slot: int
    """Which slot of the ring, from 0."""
    generation: int
    """The slot's generation while it holds this frame."""


def ring_path(directory: Path, prefix: str) -> Path:
    """A path for a new ring that no other ring has had: `<prefix>.<pid>.<creation time>` in `directory`."""
    return directory / f"{prefix}.{os.getpid()}.{time.time_ns():x}"


class FrameRingWriter:
    """The writer of a ring. Use it from one thread at a time.

    Creating it reserves every page, so a lack of memory shows now and not while frames are written.

    Args:
        path: The ring's file. It must not exist: see `ring_path`.
        slots: Number of slots, at least 2.
        slot_bytes: Size of the largest frame, bytes.

    Raises:
        FrameRingError: The ring cannot be made; in most cases /dev/shm is too small.
    """

    def __init__(self, path: Path, slots: int, slot_bytes: int) -> None:
        if slots < 2 or slot_bytes < 1:
            raise FrameRingError(
                f"a frame ring needs two slots or more of at least one byte, not {slots} of {slot_bytes}"
            )
        self.path = path
        self.slots = slots
        self.slot_bytes = slot_bytes
        first = _pages(LINE * (slots + 1))
        stride = _pages(slot_bytes)
        size = first + stride * slots
        header = HEADER.pack(MAGIC, VERSION, slots, slot_bytes, first, stride, os.getpid())
        self._fd = _create(path, header, size)
        try:
            # MAP_POPULATE: otherwise the first frame in each slot causes 1500 page faults (at 1080p).
            self._map = mmap.mmap(self._fd, size, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)
        except OSError as error:
            path.unlink(missing_ok=True)
            os.close(self._fd)
            raise FrameRingError(f"the frame ring {path} cannot be mapped: {error.strerror}") from None
        self._generations = memoryview(self._map)[:first].cast("Q")
        self._pixels = [np.frombuffer(self._map, np.uint8, slot_bytes, first + stride * i) for i in range(slots)]
        self._next = 0
        born = time.time_ns() & ~1
        for slot in range(slots):
            self._generations[word(slot)] = born

    def fits(self, image: npt.NDArray[Any]) -> bool:
        """Whether `write` can take this image: uint8, and no larger than a slot."""
        return image.dtype == np.uint8 and 0 < image.nbytes <= self.slot_bytes

    def write(self, image: Pixels) -> Slot:
        """Copy an image of any shape into the next slot, over the oldest frame.

        Raises:
            FrameRingError: The image does not fit, or the ring is closed.
        """
        if not self.fits(image):
            raise FrameRingError(
                f"a frame of {image.dtype} {list(image.shape)} does not fit into a slot of {self.slot_bytes} bytes"
            )
        if not self._pixels:
            raise FrameRingError(f"the frame ring {self.path} is closed")
        slot, at = self._next, word(self._next)
        self._next = (slot + 1) % self.slots
        writing = self._generations[at] | 1  # already odd if an exception interrupted the last write
        self._generations[at] = writing
        fence()
        np.copyto(self._pixels[slot][: image.nbytes].reshape(image.shape), image)
        fence()
        self._generations[at] = writing + 1
        return Slot(slot, writing + 1)

    def close(self) -> None:
        """Unlink the file. Readers that have mapped it can go on reading. Closing again does nothing."""
        if not self._pixels:
            return
        self.path.unlink(missing_ok=True)
        self._pixels.clear()
        self._generations.release()
        self._map.close()
        os.close(self._fd)

    def __enter__(self) -> FrameRingWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def write_frame(ring: FrameRingWriter, frame: Frame) -> FrameRef:
    """Put a frame's picture into the ring, and return the message to send in its place. Raises FrameRingError."""
    slot, generation = ring.write(frame.image)
    shape = tuple(int(n) for n in frame.image.shape)
    return FrameRef(
        header=frame.header, ring=str(ring.path), slot=slot, generation=generation, shape=shape, dtype="uint8"
    )


def read_frame(reader: FrameRingReader, ref: FrameRef) -> Frame:
    """The frame that a reference names; its picture is a view of the ring. Raises FrameLostError or FrameRingError."""
    if len(ref.shape) != 3 or ref.shape[2] != 3:
        raise FrameRingError(f"a frame is [height, width, 3], not {list(ref.shape)}")
    image, intact = reader.view(ref)
    return Frame(header=ref.header, image=image, intact=intact)


def remove_stale(directory: Path, prefix: str) -> list[Path]:
    """Remove the rings whose name begins with `prefix` and whose writer has ended. Returns their paths.

    Rings that their writer has locked stay, and so do files that are not rings.

    Raises:
        FrameRingError: A ring without a writer cannot be removed.
    """
    removed: list[Path] = []
    for path in sorted(directory.glob("*")):
        if path.name.startswith(prefix) and _remove_if_dead(path):
            removed.append(path)
    return removed


def _create(path: Path, header: bytes, size: int) -> int:
    """Create a file of `size` bytes, lock it and reserve its pages. Returns its descriptor."""
    try:
        fd = _create_locked(path)
        try:
            os.pwrite(fd, header, 0)
            os.posix_fallocate(fd, 0, size)
        except OSError:
            path.unlink(missing_ok=True)
            os.close(fd)
            raise
    except OSError as error:
        raise FrameRingError(_why(path, size, error)) from None
    return fd


def _create_locked(path: Path) -> int:
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
        if os.fstat(fd).st_nlink:
            return fd
        os.close(fd)  # between the two calls, remove_stale found the file without a lock and removed it


def _why(path: Path, size: int, error: OSError) -> str:
    if error.errno != errno.ENOSPC:
        return f"the frame ring {path} cannot be created: {error.strerror}"
    room = os.statvfs(path.parent)
    return (
        f"{path.parent} has {room.f_bavail * room.f_frsize / _MIB:.1f} MiB left, but a frame ring of "
        f"{size / _MIB:.1f} MiB must fit: make it larger (for a container: --shm-size) or free some space"
    )


def _remove_if_dead(path: Path) -> bool:
    """Remove the file if it is a ring of this user whose writer has ended. Returns whether it was."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False  # removed meanwhile, or another user's
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        found = os.fstat(fd)
        # An empty file is a ring whose writer died before it wrote the header.
        ours = stat.S_ISREG(found.st_mode) and (not found.st_size or os.pread(fd, len(MAGIC), 0) == MAGIC)
        if ours:
            path.unlink(missing_ok=True)
        return ours
    except BlockingIOError:
        return False  # its writer is running
    except OSError as error:
        raise FrameRingError(f"the stale frame ring {path} cannot be removed: {error.strerror}") from None
    finally:
        os.close(fd)


def _pages(size: int) -> int:
    """`size` bytes, rounded up to whole pages."""
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE


__all__ = [
    "FrameLostError",
    "FrameRingReader",
    "FrameRingWriter",
    "Slot",
    "read_frame",
    "remove_stale",
    "ring_path",
    "write_frame",
]
