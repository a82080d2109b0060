"""The simplest programs that move frames through three processes: the lower bounds for `transport.py`.

They use pyzmq PUSH/PULL over ipc with the pixels in an mmap ring, or in the messages; there are no types, no checks and
no counting of losses. `transport.py` runs them as `python -m benchmarks.bare MEDIUM ROLE FOLDER WIDTH HEIGHT FPS
COUNT`, with MEDIUM `ring` or `copy` and ROLE `source`, `between` or `sink`.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import zmq

SLOTS = 6
"""Frames that a ring holds."""
WINDOW = 4
"""Frames that may be on their way when the source sends as fast as it can."""
Pixels = npt.NDArray[np.uint8]
Socket = zmq.Socket[bytes]
Context = zmq.Context[Socket]
Report = tuple[float, list[float]]
"""CPU seconds, and the age of each frame at the sink in milliseconds."""
_MESSAGE = struct.Struct("<qq")  # slot or number of the frame, monotonic time of sending in ns


def main() -> None:
    medium, role, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    width, height, fps, count = int(sys.argv[4]), int(sys.argv[5]), float(sys.argv[6]), int(sys.argv[7])
    context = zmq.Context()
    make = Ring if medium == "ring" else Copy
    play = {"source": source, "between": between, "sink": sink}[role]
    cpu, ages = play(context, folder, make, width * height * 3, fps, count)
    (folder / f"{role}.json").write_text(json.dumps({"cpu": cpu, "ages": ages}))


def source(context: Context, folder: Path, make: Maker, size: int, fps: float, count: int) -> Report:
    """Send `count` frames of `size` bytes, at a rate or (0) as fast as the sink takes them."""
    out = context.socket(zmq.PUSH)
    out.bind(f"ipc://{folder}/frames")
    done = context.socket(zmq.PULL)
    done.bind(f"ipc://{folder}/done")
    medium = make(folder / "a.ring", size, True)
    image = np.full(size, 7, np.uint8)
    time.sleep(1)  # until the others have connected
    cpu = time.process_time()
    due = time.monotonic()
    for n in range(count):
        if fps:
            due += 1 / fps
            time.sleep(max(0.0, due - time.monotonic()))
        elif n >= WINDOW:
            done.recv()
        medium.send(out, n, image, time.monotonic_ns())
    return time.process_time() - cpu, []


def between(context: Context, folder: Path, make: Maker, size: int, _fps: float, count: int) -> Report:
    """Pass every frame on."""
    take = context.socket(zmq.PULL)
    take.connect(f"ipc://{folder}/frames")
    out = context.socket(zmq.PUSH)
    out.bind(f"ipc://{folder}/passed")
    mine, theirs = make(folder / "b.ring", size, True), make(folder / "a.ring", size, False)
    cpu = time.process_time()
    for n in range(count):
        image, stamp = theirs.receive(take)
        mine.send(out, n, image, stamp)
    return time.process_time() - cpu, []


def sink(context: Context, folder: Path, make: Maker, size: int, fps: float, count: int) -> Report:
    """Receive every frame, and note its age."""
    take = context.socket(zmq.PULL)
    take.connect(f"ipc://{folder}/passed")
    done = context.socket(zmq.PUSH)
    done.setsockopt(zmq.LINGER, 0)  # the source does not receive the last ones
    done.connect(f"ipc://{folder}/done")
    medium = make(folder / "b.ring", size, False)
    ages: list[float] = []
    cpu = time.process_time()
    for _ in range(count):
        image, stamp = medium.receive(take)
        assert image[0] == 7 and image[-1] == 7
        ages.append((time.monotonic_ns() - stamp) / 1e6)
        if not fps:
            done.send(b"")
    return time.process_time() - cpu, ages


class Ring:
    """Pixels in shared memory; the messages hold slot and time."""

    def __init__(self, path: Path, size: int, mine: bool) -> None:
        self._slots = ring(path, size, create=mine)

    def send(self, socket: Socket, n: int, image: Pixels, stamp: int) -> None:
        self._slots[n % SLOTS][:] = image
        socket.send(_MESSAGE.pack(n % SLOTS, stamp))

    def receive(self, socket: Socket) -> tuple[Pixels, int]:
        slot, stamp = _MESSAGE.unpack(socket.recv())
        return self._slots[slot], stamp


class Copy:
    """Pixels in the messages, without the copies that pyzmq can avoid."""

    def __init__(self, path: Path, size: int, mine: bool) -> None:
        pass

    def send(self, socket: Socket, n: int, image: Pixels, stamp: int) -> None:
        socket.send(_MESSAGE.pack(n, stamp), zmq.SNDMORE)
        socket.send(memoryview(image), copy=False)

    def receive(self, socket: Socket) -> tuple[Pixels, int]:
        _, stamp = _MESSAGE.unpack(socket.recv())
        return np.frombuffer(socket.recv(copy=False).buffer, np.uint8), stamp


Maker = type[Ring] | type[Copy]


def ring(path: Path, size: int, *, create: bool) -> list[Pixels]:
    """SLOTS arrays in one file of shared memory. A reader waits until the writer has made the file."""
    end = time.monotonic() + 10
    while not create and not path.exists() and time.monotonic() < end:
        time.sleep(0.01)
    if create:
        draft = path.with_suffix(".new")
        with draft.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size * SLOTS)
        draft.rename(path)
    with path.open("r+b") as file:
        memory = mmap.mmap(file.fileno(), size * SLOTS, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)
    return [np.frombuffer(memory, np.uint8, size, size * n) for n in range(SLOTS)]


if __name__ == "__main__":
    main()
