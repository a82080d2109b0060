"""The frame ring within one process: what it gives back, and one clear sentence for each thing that can be wrong."""

from __future__ import annotations

import gc
import os
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica.errors import FrameRingError
from metrica.messages import Frame, FrameRef, Header
from metrica.transport.frames import (
    FrameLostError,
    FrameRingReader,
    FrameRingWriter,
    read_frame,
    remove_stale,
    ring_path,
    write_frame,
)

HEIGHT, WIDTH = 48, 64
SIZE = HEIGHT * WIDTH * 3


def picture(value: int, height: int = HEIGHT, width: int = WIDTH) -> Frame:
    image = np.full((height, width, 3), value, np.uint8)
    return Frame(header=Header(seq=value, camera="door"), image=image)


def descriptors() -> int:
    gc.collect()
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def mappings(path: Path) -> int:
    gc.collect()
    return Path("/proc/self/maps").read_text().count(path.name)


def test_a_frame_comes_back_as_it_went_in_with_its_header(tmp_path: Path) -> None:
    image = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    frame = Frame(header=Header(stamp=5, camera="door"), image=image)
    with FrameRingWriter(ring_path(tmp_path, "door"), 4, SIZE) as ring, FrameRingReader() as reader:
        got = read_frame(reader, write_frame(ring, frame))
        assert got == frame
        assert got.intact()


@given(
    slots=st.integers(2, 5),
    sizes=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 60)), min_size=1, max_size=12),
)
def test_the_last_frames_are_held_and_older_ones_lost_whatever_their_sizes(
    tmp_path_factory: pytest.TempPathFactory, slots: int, sizes: list[tuple[int, int]]
) -> None:
    path = ring_path(tmp_path_factory.mktemp("ring"), "door")
    with FrameRingWriter(path, slots, 40 * 60 * 3) as ring, FrameRingReader() as reader:
        frames = [picture(n, *size) for n, size in enumerate(sizes)]
        refs = [write_frame(ring, frame) for frame in frames]
        for ref in refs[:-slots]:
            with pytest.raises(FrameLostError):
                reader.view(ref)
        for ref, frame in zip(refs[-slots:], frames[-slots:], strict=True):
            assert read_frame(reader, ref) == frame


def test_an_overwritten_frame_is_lost_to_who_comes_late_and_not_intact_to_who_holds_it(tmp_path: Path) -> None:
    with FrameRingWriter(ring_path(tmp_path, "door"), 3, SIZE) as ring, FrameRingReader() as reader:
        ref = write_frame(ring, picture(1))
        held = read_frame(reader, ref)
        for value in (2, 3):
            write_frame(ring, picture(value))
        assert held.intact()
        write_frame(ring, picture(4))
        assert not held.intact()
        with pytest.raises(FrameLostError, match="overwritten before it was read"):
            read_frame(reader, ref)


def test_the_picture_is_seen_in_place_and_cannot_be_written(tmp_path: Path) -> None:
    with FrameRingWriter(ring_path(tmp_path, "door"), 2, SIZE) as ring, FrameRingReader() as reader:
        image, _ = reader.view(write_frame(ring, picture(7)))
        assert not image.flags.owndata
        assert not image.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            image[0, 0, 0] = 1
        with pytest.raises(ValueError, match="WRITEABLE"):
            image.flags.writeable = True


def test_every_slot_begins_on_a_page_and_frames_do_not_touch(tmp_path: Path) -> None:
    with FrameRingWriter(ring_path(tmp_path, "door"), 8, 4097) as ring, FrameRingReader() as reader:
        pixels = np.full((4097, 1), 255, np.uint8)
        slots = [ring.write(pixels * (n + 1) // 9) for n in range(8)]
        for n, (slot, generation) in enumerate(slots):
            ref = FrameRef(ring=str(ring.path), slot=slot, generation=generation, shape=(4097, 1), dtype="uint8")
            image, intact = reader.view(ref)
            assert image.ctypes.data % os.sysconf("SC_PAGESIZE") == 0
            assert np.array_equal(image, pixels * (n + 1) // 9)
            assert intact()


def test_a_picture_cut_out_of_a_larger_one_arrives_whole(tmp_path: Path) -> None:
    large = np.random.default_rng(2).integers(0, 256, (100, 200, 3), np.uint8)
    frame = Frame(image=large[10:50:2, 150:30:-3])
    with FrameRingWriter(ring_path(tmp_path, "door"), 2, SIZE) as ring, FrameRingReader() as reader:
        assert read_frame(reader, write_frame(ring, frame)) == frame


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((HEIGHT, WIDTH + 1, 3), np.uint8),
        np.zeros((HEIGHT, WIDTH, 3), np.float32),
        np.zeros((0, WIDTH, 3), np.uint8),
    ],
    ids=["too large", "not bytes", "empty"],
)
def test_a_picture_that_does_not_fit_is_refused_and_the_ring_goes_on(tmp_path: Path, image: np.ndarray) -> None:
    with FrameRingWriter(ring_path(tmp_path, "door"), 2, SIZE) as ring, FrameRingReader() as reader:
        kept = write_frame(ring, picture(1))
        assert not ring.fits(image)
        with pytest.raises(FrameRingError, match=r"does not fit into a slot of 9216 bytes"):
            ring.write(image)
        assert read_frame(reader, kept) == picture(1)
        assert read_frame(reader, write_frame(ring, picture(2))) == picture(2)


def test_closing_leaves_no_file_no_mapping_and_no_descriptor(tmp_path: Path) -> None:
    before = descriptors()
    path = ring_path(tmp_path, "door")
    ring, reader = FrameRingWriter(path, 2, SIZE), FrameRingReader()
    write_frame(ring, picture(1))
    reader.view(write_frame(ring, picture(2)))
    assert mappings(path) == 2
    ring.close()
    ring.close()
    reader.close()
    assert list(tmp_path.iterdir()) == []
    assert mappings(path) == 0
    assert descriptors() == before
    with pytest.raises(FrameRingError, match="is closed"):
        ring.write(picture(3).image)


def test_a_picture_outlives_its_ring_and_its_reader(tmp_path: Path) -> None:
    path = ring_path(tmp_path, "door")
    ring, reader = FrameRingWriter(path, 2, SIZE), FrameRingReader()
    held = read_frame(reader, write_frame(ring, picture(9)))
    ring.close()
    reader.close()
    assert held == picture(9)
    assert held.intact()
    del held
    assert mappings(path) == 0


def test_a_new_ring_of_the_same_topic_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    before = descriptors()
    with FrameRingReader() as reader:
        for value in range(20):
            with FrameRingWriter(ring_path(tmp_path, "door.frames"), 2, SIZE) as ring:
                assert read_frame(reader, write_frame(ring, picture(value))) == picture(value)
        assert len(reader) == 1
        with FrameRingWriter(ring_path(tmp_path, "back.frames"), 2, SIZE) as ring:
            reader.view(write_frame(ring, picture(1)))
        assert len(reader) == 2
    assert descriptors() == before


def test_a_new_ring_under_the_very_same_path_is_not_taken_for_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "door"
    with FrameRingReader() as reader:
        old = FrameRingWriter(path, 2, SIZE)
        stale = write_frame(old, picture(1))
        assert read_frame(reader, stale) == picture(1)
        old.close()
        with FrameRingWriter(path, 2, SIZE) as new:
            fresh = write_frame(new, picture(2))
            assert fresh.generation != stale.generation
            assert read_frame(reader, fresh) == picture(2)
            with pytest.raises(FrameLostError):
                reader.view(stale)


def test_a_write_that_was_cut_short_leaves_no_frame_but_the_slot_works_again(tmp_path: Path) -> None:
    class Interrupted(np.ndarray):
        def __array_function__(self, *_: object) -> object:
            raise KeyboardInterrupt

    with FrameRingWriter(ring_path(tmp_path, "door"), 2, SIZE) as ring, FrameRingReader() as reader:
        held = [read_frame(reader, write_frame(ring, picture(n))) for n in (1, 2)]
        with pytest.raises(KeyboardInterrupt):
            ring.write(picture(3).image.view(Interrupted))
        assert [frame.intact() for frame in held] == [False, True]
        refs = [write_frame(ring, picture(n)) for n in (4, 5)]
        assert all(ref.generation % 2 == 0 for ref in refs)
        assert [read_frame(reader, ref) for ref in refs] == [picture(4), picture(5)]


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
