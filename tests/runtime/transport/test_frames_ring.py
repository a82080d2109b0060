"""The frame ring within one process: what it gives back."""

from __future__ import annotations

import gc
import os
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
    ring_path,
    write_frame,
)
from tests.runtime.transport.pictures import HEIGHT, SIZE, WIDTH, picture


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
