"""The frame ring between real processes: at full speed, killed, restarted, and where memory runs out."""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from metrica.errors import FrameRingError
from metrica.messages import FrameRef
from metrica.transport.frames import (
    FrameLostError,
    FrameRingReader,
    FrameRingWriter,
    read_frame,
    remove_stale,
    ring_path,
)
from tests.paths import ROOT
from tests.small_disk import small_disk

SHAPE = (360, 640, 3)
SIZE = 360 * 640 * 3
NOTE = struct.Struct("<IQB")  # slot, generation, the value of every byte of the frame
MIB = 1 << 20


def write_for_ever(directory: Path, slots: int, pause: float) -> None:
    """The writing process: writes frames, each of one value, and prints a note for each frame."""
    remove_stale(directory, "door.")
    stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stop.append(number))
    with FrameRingWriter(ring_path(directory, "door"), slots, SIZE) as ring:
        os.write(1, f"{ring.path}\n".encode())
        os.set_blocking(1, False)
        image, value = np.empty(SHAPE, np.uint8), 0
        while not stop:
            value = (value + 1) % 256
            image.fill(value)
            slot, generation = ring.write(image)
            try:
                os.write(1, NOTE.pack(slot, generation, value))
            except BlockingIOError:
                continue  # the reader is slow, which is the point
            time.sleep(pause)


@dataclass
class Writer:
    """A writing process, and the notes that it prints about its frames."""

    process: subprocess.Popen[bytes]
    path: str

    def note(self) -> tuple[FrameRef, int]:
        assert self.process.stdout is not None
        slot, generation, value = NOTE.unpack(self.process.stdout.read(NOTE.size))
        return FrameRef(ring=self.path, slot=slot, generation=generation, shape=SHAPE, dtype="uint8"), value

    def latest(self) -> tuple[FrameRef, int]:
        """The newest note in the pipe."""
        assert self.process.stdout is not None
        rest = self.process.stdout.peek()  # type: ignore[attr-defined]
        for _ in range(len(rest) // NOTE.size):
            self.note()
        return self.note()

    def stop(self) -> str:
        """Stop it regularly, and return what it wrote to stderr."""
        self.process.terminate()
        _, errors = self.process.communicate(timeout=30)
        assert self.process.returncode == 0
        return errors.decode()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()


@contextmanager
def writing(directory: Path, slots: int, pause: float = 0.0) -> Generator[Writer]:
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", __name__, str(directory), str(slots), str(pause)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    writer = Writer(process, process.stdout.readline().decode().strip())
    try:
        yield writer
    finally:
        writer.kill()


@pytest.fixture
def shm() -> Iterator[Path]:
    if not Path("/dev/shm").is_dir():
        pytest.skip("no /dev/shm")
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="metrica-test-") as directory:
        yield Path(directory)


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A file system in memory of one MiB."""
    with small_disk(tmp_path) as disk:
        yield disk


def test_a_torn_frame_is_never_taken_for_a_whole_one(shm: Path) -> None:
    whole = torn = late = 0
    chance = random.Random(3)
    end = time.monotonic() + 60
    with writing(shm, slots=2) as writer, FrameRingReader() as reader:
        while time.monotonic() < end and min(whole, torn, late) < 100:
            ref, value = writer.latest() if chance.random() < 0.7 else writer.note()
            try:
                image, intact = reader.view(ref)
            except FrameLostError:
                late += 1
                continue
            upper = image[:180].copy()
            time.sleep(chance.choice((0, 0, 0.001)))
            lower = image[180:].copy()
            good = bool((upper == value).all() and (lower == value).all())
            if intact():
                assert good, "a frame that is said to be intact is not the one that was written"
                whole += 1
            elif not good:
                torn += 1
    # Otherwise the test has shown nothing.
    assert min(whole, torn, late) > 0, (whole, torn, late)


def test_a_reader_goes_on_after_its_writer_was_killed_and_started_again(shm: Path) -> None:
    with FrameRingReader() as reader:
        with writing(shm, slots=4, pause=0.005) as writer:
            ref, value = writer.latest()
            held = read_frame(reader, ref)
            writer.kill()
        assert Path(ref.ring).exists()
        # The frame is still there, or the writer was about to put another one in its place.
        assert (held.image == value).all() or not held.intact()
        with writing(shm, slots=4, pause=0.005) as writer:
            assert writer.path != ref.ring
            assert not Path(ref.ring).exists()
            for _ in range(20):
                ref, value = writer.latest()
                try:
                    frame = read_frame(reader, ref)
                except FrameLostError:
                    continue
                assert (frame.image == value).all() or not frame.intact()
            assert len(reader) == 1
            # Nothing on stderr, and -W error: no resource tracker, no leaked mapping, no warning at exit.
            assert writer.stop() == ""
    assert list(shm.iterdir()) == []


def test_the_rings_of_killed_writers_are_swept_away_and_those_of_living_ones_stay(shm: Path) -> None:
    with writing(shm, slots=2, pause=0.01) as killed:
        killed.kill()
    (shm / "door.1.empty").touch()
    with FrameRingWriter(ring_path(shm, "door"), 2, SIZE) as own:
        assert remove_stale(shm, "back") == []
        assert remove_stale(shm, "door") == sorted([Path(killed.path), shm / "door.1.empty"])
        assert list(shm.iterdir()) == [own.path]
    with writing(shm, slots=2, pause=0.01) as living:
        assert remove_stale(shm, "") == []
        assert living.stop() == ""


def test_sweeping_while_rings_are_made_never_takes_a_new_one(shm: Path) -> None:
    sweep = (
        "import sys, pathlib, metrica.transport.frames as f\nprint(flush=True)\n"
        "while True: f.remove_stale(pathlib.Path(sys.argv[1]), '')"
    )
    command = [sys.executable, "-c", sweep, str(shm)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as sweeper:
        assert sweeper.stdout is not None
        sweeper.stdout.readline()
        try:
            for _ in range(1000):
                with FrameRingWriter(ring_path(shm, "door"), 2, 100) as ring:
                    assert ring.path.exists()
        finally:
            sweeper.kill()


def test_too_little_shared_memory_is_one_clear_sentence_when_the_ring_is_made(tiny: Path) -> None:
    with pytest.raises(FrameRingError) as caught:
        FrameRingWriter(ring_path(tiny, "door"), 2, MIB)
    assert str(caught.value) == (
        f"{tiny} has 1.0 MiB left, but a frame ring of 2.0 MiB must fit: "
        "make it larger (for a container: --shm-size) or free some space"
    )
    assert list(tiny.iterdir()) == []
    with FrameRingWriter(ring_path(tiny, "door"), 2, MIB // 4) as ring:
        ring.write(np.zeros(MIB // 4, np.uint8))


def test_memory_that_others_fill_up_later_does_not_take_a_frame_from_a_ring_that_exists(tiny: Path) -> None:
    with FrameRingWriter(ring_path(tiny, "door"), 2, MIB // 4) as ring, FrameRingReader() as reader:
        with (tiny / "others").open("wb", buffering=0) as others, pytest.raises(OSError, match="No space left"):
            while True:
                others.write(bytes(4096))
        for value in range(5):  # a page that was not reserved would be a bus error here
            slot, generation = ring.write(np.full(MIB // 4, value, np.uint8))
            ref = FrameRef(ring=str(ring.path), slot=slot, generation=generation, shape=(MIB // 4,), dtype="uint8")
            image, intact = reader.view(ref)
            assert (image == value).all()
            assert intact()


if __name__ == "__main__":
    write_for_ever(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
