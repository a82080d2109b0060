"""Events that a journal cannot take now, on the disk beside it, so that they survive when their node is killed.

A node has one file, `NAME.waiting-PID-TIME`, and holds a lock on it. When the node is gone, the lock is too, and the
next node that has the journal open writes these events to the journal and removes the file.
"""

from __future__ import annotations

import fcntl
import os
import time
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import cast

import msgpack

Event = tuple[str, str, bytes]
"""The id, the kind and the payload of an event."""
_HEAD = 8  # bytes before each event: its length and its checksum


class Spill:
    """The file of one writer. Without events that wait there is none.

    Args:
        journal: The file of the journal.
    """

    def __init__(self, journal: Path) -> None:
        self._path = journal.with_name(f"{journal.name}.waiting-{os.getpid()}-{time.time_ns()}")
        self._fd: int | None = None
        self._ids: set[str] = set()

    def __contains__(self, event_id: str) -> bool:
        return event_id in self._ids

    def add(self, events: Iterable[Event]) -> None:
        """Write the events that are not in the file yet. They are on the disk when this returns.

        Raises:
            OSError: They cannot be written, because the disk is full.
        """
        new = [event for event in events if event[0] not in self._ids]
        if not new:
            return
        if self._fd is None:
            # Locked before it has its name: nobody takes it for a file that was left behind.
            draft = self._path.with_name(f".{self._path.name}")
            self._fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            draft.rename(self._path)
        size = os.fstat(self._fd).st_size
        try:
            _write(self._fd, b"".join(_framed(event) for event in new), size)
            os.fsync(self._fd)
        except OSError:
            os.ftruncate(self._fd, size)  # what comes later must not stand behind half an event
            raise
        self._ids.update(event[0] for event in new)

    def clear(self) -> None:
        """Remove the file: the journal has its events now."""
        if self._fd is not None:
            with suppress(FileNotFoundError):
                self._path.unlink()
        self.let_go()

    def let_go(self) -> None:
        """Close the file, so that another writer may take its events over."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        self._ids.clear()


def left_behind(journal: Path) -> list[Path]:
    """The files of waiting events beside a journal, those of living nodes too."""
    try:
        return sorted(path for path in journal.parent.iterdir() if path.name.startswith(f"{journal.name}.waiting-"))
    except OSError:
        return []


def take_over(journal: Path, append: Callable[[list[Event]], int]) -> int:
    """Append the events that nodes have left behind which are gone, and remove their files. Returns how many were new.

    Raises:
        JournalError: `append` has raised it; the files stay.
    """
    total = 0
    for path in left_behind(journal):
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue  # another node has just taken it over
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(fd).st_nlink:
                total += append(read(path))
                path.unlink()
        except BlockingIOError:
            continue  # its node lives
        finally:
            os.close(fd)
    return total


def read(path: Path) -> list[Event]:
    """The whole events of a file. What a power cut has left half-written at its end is no event, and was not kept."""
    data = path.read_bytes()
    events: list[Event] = []
    at = 0
    while at + _HEAD <= len(data):
        length, checksum = int.from_bytes(data[at : at + 4]), int.from_bytes(data[at + 4 : at + _HEAD])
        body = data[at + _HEAD : at + _HEAD + length]
        if len(body) < length or zlib.crc32(body) != checksum:
            break
        event_id, kind, payload = msgpack.unpackb(body)
        events.append((event_id, kind, payload))
        at += _HEAD + length
    return events


def _framed(event: Event) -> bytes:
    body = cast(bytes, msgpack.packb(event))
    return len(body).to_bytes(4) + zlib.crc32(body).to_bytes(4) + body


def _write(fd: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(fd, view, at)
        view, at = view[count:], at + count
