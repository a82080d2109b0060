"""The frame ring within one process: one clear sentence for each thing that can be wrong."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from metrica.errors import FrameRingError
from metrica.transport.frames import (
    FrameRingReader,
    FrameRingWriter,
    read_frame,
    remove_stale,
    ring_path,
    write_frame,
)
from tests.runtime.transport.pictures import HEIGHT, SIZE, WIDTH, picture


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"slot": 2}, "has 2 slots and no number 2"),
        ({"slot": -1}, "has 2 slots and no number -1"),
        ({"dtype": "float32"}, "hold no float32"),
        ({"dtype": "rubbish"}, "hold no rubbish"),
        ({"shape": (HEIGHT, WIDTH + 1, 3)}, "slots of 9216 bytes, which hold no uint8"),
        ({"shape": (-1, -WIDTH, 3)}, "hold no uint8"),
        ({"shape": (0, WIDTH, 3)}, "hold no uint8"),
        ({"shape": (HEIGHT, WIDTH)}, r"a frame is \[height, width, 3\], not \[48, 64\]"),
        ({"shape": ()}, r"a frame is \[height, width, 3\]"),
        ({"generation": 0}, "overwritten"),
        ({"generation": 1 << 70}, "overwritten"),
        ({"ring": "/dev/shm/there-is-no-such-ring"}, "No such file.* has its publisher stopped"),
        ({"ring": ""}, "cannot be opened"),
        ({"ring": "a\0b"}, "null byte"),
        ({"ring": "/dev/null"}, "/dev/null is not a frame ring"),
        ({"ring": "/"}, "/ is not a frame ring"),
    ],
)
def test_a_reference_that_leads_nowhere_is_one_clear_sentence(
    tmp_path: Path, change: dict[str, object], sentence: str
) -> None:
    with FrameRingWriter(ring_path(tmp_path, "door"), 2, SIZE) as ring, FrameRingReader() as reader:
        ref = write_frame(ring, picture(1))
        with pytest.raises(FrameRingError, match=sentence):
            read_frame(reader, replace(ref, **change))  # type: ignore[arg-type]
        assert read_frame(reader, ref) == picture(1)


@pytest.mark.parametrize(
    ("at", "value", "sentence"),
    [
        (0, b"RUBBISH!", "is not a frame ring"),
        (8, struct.pack("<I", 2), "of version 2, this program reads version 1"),
        (12, struct.pack("<I", 3), "header does not match its size"),
        (16, struct.pack("<Q", 1 << 40), "header does not match its size"),
        (24, struct.pack("<Q", 8), "header does not match its size"),
        (32, struct.pack("<Q", 1 << 62), "header does not match its size"),
    ],
    ids=["magic", "version", "slots", "slot bytes", "first slot", "stride"],
)
def test_a_file_that_is_no_ring_is_never_read_as_one(tmp_path: Path, at: int, value: bytes, sentence: str) -> None:
    with FrameRingWriter(ring_path(tmp_path, "door"), 2, SIZE) as ring, FrameRingReader() as reader:
        ref = write_frame(ring, picture(1))
        with ring.path.open("r+b") as file:
            file.seek(at)
            file.write(value)
        with pytest.raises(FrameRingError, match=sentence):
            reader.view(ref)


def test_a_ring_cut_short_is_never_mapped(tmp_path: Path) -> None:
    with FrameRingWriter(ring_path(tmp_path, "door"), 2, SIZE) as ring, FrameRingReader() as reader:
        ref = write_frame(ring, picture(1))
        for size in (ring.path.stat().st_size - 1, 20, 0):
            cut = tmp_path / f"cut{size}"
            cut.write_bytes(ring.path.read_bytes()[:size])
            with pytest.raises(FrameRingError, match=r"not match its size|not a frame ring"):
                reader.view(replace(ref, ring=str(cut)))


def test_a_ring_is_private_to_its_user(tmp_path: Path) -> None:
    with FrameRingWriter(ring_path(tmp_path, "door"), 2, SIZE) as ring:
        assert ring.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("slots", "size"), [(1, SIZE), (0, SIZE), (2, 0)])
def test_a_ring_too_small_to_work_is_refused(tmp_path: Path, slots: int, size: int) -> None:
    with pytest.raises(FrameRingError, match="two slots or more of at least one byte"):
        FrameRingWriter(tmp_path / "door", slots, size)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_missing_or_a_path_that_is_taken_is_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(FrameRingError, match=r"gone/door cannot be created: No such file or directory"):
        FrameRingWriter(tmp_path / "gone" / "door", 2, SIZE)
    with FrameRingWriter(tmp_path / "door", 2, SIZE):
        with pytest.raises(FrameRingError, match=r"door cannot be created: File exists"):
            FrameRingWriter(tmp_path / "door", 2, SIZE)
        assert (tmp_path / "door").exists()


def test_living_rings_and_the_files_of_others_are_never_stale(tmp_path: Path) -> None:
    (tmp_path / "door.notes").write_text("not a ring")
    (tmp_path / "door.folder").mkdir()
    os.mkfifo(tmp_path / "door.pipe")
    (tmp_path / "door.link").symlink_to(tmp_path / "door.notes")
    with FrameRingWriter(ring_path(tmp_path, "door"), 2, SIZE) as ring:
        assert remove_stale(tmp_path, "door") == []
        assert ring.path.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"door.notes", "door.folder", "door.pipe", "door.link"}


def test_a_folder_that_does_not_exist_holds_nothing_stale(tmp_path: Path) -> None:
    assert remove_stale(tmp_path / "gone", "door") == []
