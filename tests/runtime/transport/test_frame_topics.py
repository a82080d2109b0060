"""Frames over real sockets: through shared memory on one machine, whole between two."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from metrica.errors import FrameRingError
from metrica.messages import Frame
from metrica.qos import LATEST, LOSSLESS, STREAM
from metrica.transport import TopicEndpoint
from tests.runtime.sockets import Bus, eventually, free_port, picture


def test_frames_on_an_ipc_topic_go_through_shared_memory(bus: Bus) -> None:
    publisher, reader = bus.publisher(bus.endpoint(), LATEST), bus.reader(bus.endpoint(), LATEST, Frame)
    bus.matched(publisher)
    publisher.send(picture(7))
    got = reader.take(1)[0]
    assert np.array_equal(got.image, picture(7).image)
    assert not got.image.flags.writeable
    assert (got.header.camera, got.header.seq, got.intact()) == ("door", 1, True)
    assert len(list((bus.folder / "shm").iterdir())) == 1
    publisher.close()
    assert list((bus.folder / "shm").iterdir()) == []


@pytest.mark.parametrize("shared_memory", [True, False])
def test_frames_over_tcp_or_without_shared_memory_travel_whole(bus: Bus, shared_memory: bool) -> None:
    topic_endpoint = (
        TopicEndpoint(topic="/door/frames", endpoint=f"tcp://127.0.0.1:{free_port()}")
        if shared_memory
        else bus.endpoint()
    )
    curve = bus.curve()
    bus.curve().keys.trust("127.0.0.1", curve.keys.own().public)
    frame_dir = bus.folder / "shm" if shared_memory else None
    publisher = bus.publisher(topic_endpoint, LATEST, frame_dir=frame_dir, curve=curve)
    reader = bus.reader(topic_endpoint, LATEST, Frame, curve)
    bus.matched(publisher)
    publisher.send(picture(7, 720, 1280))
    got = reader.take(1)[0]
    assert got == Frame(header=got.header, image=picture(7, 720, 1280).image)
    assert list((bus.folder / "shm").iterdir()) == []


def test_a_frame_that_was_overwritten_before_it_was_read_is_counted(bus: Bus) -> None:
    publisher, reader = bus.publisher(bus.endpoint()), bus.reader(bus.endpoint(), STREAM, Frame)
    bus.matched(publisher)
    for n in range(9):
        publisher.send(picture(n))
    eventually(lambda: reader.socket.socket.poll(0))
    got = reader.rest()
    assert 0 < len(got) < 9
    assert len(got) + reader.counted["frames_overwritten"] + reader.counted["lost"] == 9
    assert all(np.array_equal(m.image, picture(m.header.seq - 1).image) for m in got)


def test_lossless_frames_of_growing_size_all_arrive_whole(bus: Bus) -> None:
    """Each larger frame needs a new ring. The old ring must stay until its frames have been read."""
    waits: list[float] = []
    publisher = bus.publisher(bus.endpoint(), LATEST, while_waiting=waits.append)
    reader = bus.reader(bus.endpoint(), LOSSLESS, Frame)
    bus.matched(publisher)
    sizes = [8 + 4 * n for n in range(40)]
    thread = threading.Thread(target=lambda: [publisher.send(picture(n, n, n)) for n in sizes])
    thread.start()
    eventually(lambda: waits)  # it has sent what it may, and the reader has looked at nothing
    for n in sizes:
        (got,) = reader.take(1)
        assert np.array_equal(got.image, picture(n, n, n).image)
    thread.join()
    assert not reader.counted
    assert len(list((bus.folder / "shm").iterdir())) == 1


def test_a_picture_that_is_none_is_refused_by_the_publisher(bus: Bus) -> None:
    publisher = bus.publisher(bus.endpoint(), LATEST)
    for image in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)):
        with pytest.raises(TypeError, match=r"Frame\.image must be an array of uint8 \[N, N, 3\]"):
            publisher.send(Frame(image=image))  # type: ignore[arg-type]
    with pytest.raises(FrameRingError):
        publisher.send(Frame(image=np.zeros((0, 4, 3), np.uint8)))


def test_a_reference_to_frames_that_are_gone_is_counted(bus: Bus) -> None:
    publisher, reader = bus.publisher(bus.endpoint(), LATEST), bus.reader(bus.endpoint(), LATEST, Frame)
    bus.matched(publisher)
    publisher.send(picture(1))
    eventually(lambda: reader.socket.socket.poll(0))
    publisher.close()
    assert reader.rest() == []
    assert dict(reader.counted) == {"frames_unreadable": 1}
