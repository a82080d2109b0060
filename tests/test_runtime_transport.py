"""Topics over real sockets: what each quality of service promises, and what happens when a peer misbehaves or dies."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import ClassVar

import msgpack
import numpy as np
import pytest
import zmq

from metrica.errors import FrameRingError, TransportError
from metrica.messages import Detections, Frame, Health, Message, encode, message
from metrica.qos import EVENTS, LATCHED, LATEST, LOSSLESS, STREAM, QoS
from metrica.wiring import Wire
from tests.runtime_sockets import Bus, crossing, eventually, health, picture, seen


@pytest.fixture
def bus() -> Generator[Bus]:
    """In a folder with a short name: the path of an ipc socket may have 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="mt-"))
    (folder / "shm").mkdir()
    bus = Bus(folder)
    yield bus
    bus.close()
    shutil.rmtree(folder)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# What each profile promises.


def test_stream_delivers_in_order_with_the_publisher_s_own_seq_and_epoch(bus: Bus) -> None:
    publisher, reader = bus.publisher(bus.wire()), bus.reader(bus.wire())
    bus.matched(publisher)
    got = []
    for n in range(50):
        publisher.send(seen(n))
        got += reader.take(1)
    assert [m.size[0] for m in got] == list(range(50))
    assert [m.header.seq for m in got] == list(range(1, 51))
    assert {m.header.epoch for m in got} == {bus.epoch}
    assert not reader.counted


def test_stream_counts_exactly_what_was_lost(bus: Bus) -> None:
    publisher, reader = bus.publisher(bus.wire()), bus.reader(bus.wire())
    bus.matched(publisher)
    for n in range(3000):
        publisher.send(seen(n))
    got = reader.rest()
    publisher.send(seen(3000))
    got += reader.take(1)
    assert len(got) < 3001, "nothing was lost, so the test has shown nothing"
    assert len(got) + reader.counted["lost"] == 3001
    assert [m.size[0] for m in got] == sorted(m.size[0] for m in got)


def test_latest_keeps_only_the_newest(bus: Bus) -> None:
    publisher, reader = bus.publisher(bus.wire(), LATEST), bus.reader(bus.wire(), LATEST)
    bus.matched(publisher)
    for n in range(100):
        publisher.send(seen(n))
        time.sleep(0.002)  # no source is faster; a burst beyond the publisher's queue would lose its end
    got = reader.rest()
    assert got[-1].size[0] == 99
    assert len(got) <= 3
    assert not reader.counted, "what LATEST skips is no loss"


def test_latched_reaches_those_who_come_late_and_each_of_them(bus: Bus) -> None:
    publisher = bus.publisher(bus.wire(), LATCHED)
    early = bus.reader(bus.wire(), LATCHED, Health)
    bus.matched(publisher)
    publisher.send(health(1))
    publisher.send(health(2))
    assert [m.counters["n"] for m in early.take(2)] == [1, 2]
    for count in (2, 3):
        late = bus.reader(bus.wire(), LATCHED, Health)
        bus.matched(publisher, count)
        assert [m.counters["n"] for m in late.take(1)] == [2]
    assert not early.counted


def test_events_time_out_with_an_error_rather_than_drop(bus: Bus) -> None:
    publisher, reader = bus.publisher(bus.wire(), EVENTS), bus.reader(bus.wire(), EVENTS, type(crossing(0)))
    bus.matched(publisher)
    sent = 0
    with pytest.raises(TransportError, match="a subscriber of /door/topic takes nothing in; the message was not sent"):
        while sent < 100_000:
            publisher.send(crossing(sent))
            sent += 1
    for _ in range(100):  # each of these would cost two seconds if the publisher had not learnt
        with pytest.raises(TransportError):
            publisher.send(crossing(-1))
    got = reader.take(sent)
    assert [m.track for m in got] == list(range(sent))
    eventually(lambda: _sends(publisher, crossing(sent)))
    assert reader.take(1)[0].track == sent
    assert reader.counted["lost"] >= 101, "what was refused is seen as a gap"


def _sends(publisher: object, msg: object) -> bool:
    try:
        publisher.send(msg)  # type: ignore[attr-defined]
    except TransportError:
        return False
    return True


@pytest.mark.parametrize("offered", [LATEST, STREAM, LOSSLESS], ids=str)
def test_lossless_loses_nothing_and_the_publisher_waits(bus: Bus, offered: QoS) -> None:
    waits: list[float] = []
    publisher = bus.publisher(bus.wire(), offered, while_waiting=waits.append)
    reader = bus.reader(bus.wire(), LOSSLESS)
    bus.matched(publisher)
    thread = threading.Thread(target=lambda: [publisher.send(seen(n)) for n in range(300)])
    thread.start()
    eventually(lambda: waits, "the publisher never waited")
    got = [m.size[0] for m in reader.take(300)]
    thread.join()
    assert got == list(range(300))
    assert not reader.counted


def test_a_lossless_reader_may_be_slow_while_others_lose(bus: Bus) -> None:
    publisher = bus.publisher(bus.wire())
    slow, taps = bus.reader(bus.wire(), LOSSLESS), [bus.reader(bus.wire(), q) for q in (STREAM, LATEST)]
    bus.matched(publisher, 3)
    thread = threading.Thread(target=lambda: [publisher.send(seen(n)) for n in range(100)])
    thread.start()
    assert [m.size[0] for m in slow.take(100)] == list(range(100))
    thread.join()
    for tap in taps:
        assert tap.rest()[-1].size[0] == 99


def test_two_lossless_readers_both_get_everything(bus: Bus) -> None:
    publisher = bus.publisher(bus.wire())
    readers = [bus.reader(bus.wire(), LOSSLESS) for _ in range(2)]
    bus.matched(publisher, 2)
    thread = threading.Thread(target=lambda: [publisher.send(seen(n)) for n in range(100)])
    thread.start()
    got: list[list[int]] = [[], []]
    for n in range(100):
        for index in (0, 1) if n % 2 else (1, 0):
            got[index] += [m.size[0] for m in readers[index].take(1)]
    thread.join()
    assert got == [list(range(100))] * 2


def test_a_lossless_reader_that_closes_frees_the_publisher(bus: Bus) -> None:
    publisher = bus.publisher(bus.wire())
    reader = bus.reader(bus.wire(), LOSSLESS)
    bus.matched(publisher)
    thread = threading.Thread(target=lambda: [publisher.send(seen(n)) for n in range(100)])
    thread.start()
    reader.take(10)
    reader.close()
    thread.join(20)
    assert not thread.is_alive()
    assert publisher.subscribers == 0


def test_flush_waits_for_what_a_lossless_reader_has_not_done_yet(bus: Bus) -> None:
    publisher = bus.publisher(bus.wire())
    reader = bus.reader(bus.wire(), LOSSLESS)
    bus.matched(publisher)
    for n in range(3):
        publisher.send(seen(n))
    flushed = threading.Event()
    thread = threading.Thread(target=lambda: (publisher.flush(20), flushed.set()))
    thread.start()
    assert not flushed.wait(0.3)
    reader.take(3)
    assert flushed.wait(20)
    thread.join()
    publisher.send(seen(3))
    publisher.flush(0.05)  # nobody takes it: the time is over


def test_what_cannot_be_decoded_does_not_hold_a_lossless_publisher_back(bus: Bus) -> None:
    """Thirty messages, while four may be on the way: each must count as done, from the very first on."""

    @message
    class Moody(Message):
        refused: ClassVar[bool] = False

        def __post_init__(self) -> None:
            if Moody.refused:
                raise ValueError("not today")

    publisher = bus.publisher(bus.wire())
    reader = bus.reader(bus.wire(), LOSSLESS, Moody)
    bus.matched(publisher)
    moody = [Moody() for _ in range(30)]
    Moody.refused = True
    thread = threading.Thread(target=lambda: [publisher.send(m) for m in [*moody, *map(health, range(30)), *moody]])
    thread.start()
    eventually(lambda: reader.socket.receive() or sum(reader.counted.values()) >= 90)
    thread.join()
    assert reader.counted == {"undecodable": 60, "wrong_type": 30}


# Restarts, locks and addresses.


def test_a_subscriber_carries_on_when_its_publisher_comes_back(bus: Bus) -> None:
    reader, first = bus.reader(bus.wire()), bus.publisher(bus.wire())
    bus.matched(first)
    first.send(seen(1))
    first.send(seen(2))
    before = reader.take(2)
    first.close()
    second = bus.publisher(bus.wire())
    bus.matched(second)
    second.send(seen(3))
    after = reader.take(1)
    assert [m.size[0] for m in before + after] == [1, 2, 3]
    assert (before[-1].header.seq, after[0].header.seq) == (2, 1)
    assert after[0].header.epoch != before[0].header.epoch
    assert not reader.counted, "a restart is no loss that could be counted"


def test_a_lossless_reader_carries_on_too_and_old_acknowledgements_count_for_nothing(bus: Bus) -> None:
    reader, first = bus.reader(bus.wire(), LOSSLESS), bus.publisher(bus.wire())
    bus.matched(first)
    for n in range(100):
        first.send(seen(n))
        assert reader.take(1)[0].size[0] == n
    for n in range(100, 104):
        first.send(seen(n))
    eventually(lambda: reader.socket.socket.poll(0))
    first.close()
    second = bus.publisher(bus.wire())
    bus.matched(second)
    sent: list[None] = []
    thread = threading.Thread(target=lambda: sent.extend(second.send(seen(n)) for n in range(200, 500)))
    thread.start()
    assert [m.size[0] for m in reader.take(4)] == [*range(100, 104)]
    time.sleep(0.3)
    assert len(sent) <= LOSSLESS.depth, "acknowledging messages 101 to 104 of the first says nothing of the second"
    assert [m.size[0] for m in reader.take(300)] == [*range(200, 500)]
    thread.join()
    assert not reader.counted


def test_a_second_publisher_of_a_topic_is_refused_and_the_first_goes_on(bus: Bus) -> None:
    first, reader = bus.publisher(bus.wire()), bus.reader(bus.wire())
    bus.matched(first)
    with pytest.raises(TransportError) as caught:
        bus.publisher(bus.wire())
    assert str(caught.value) == "topic /door/topic is published by another process already"
    first.send(seen(7))
    assert reader.take(1)[0].size[0] == 7
    first.close()
    first.close()
    bus.publisher(bus.wire())


@pytest.mark.parametrize(
    ("endpoint", "sentence"),
    [
        ("ipc:///nowhere/at/all/topic", "topic /a cannot be locked with /nowhere/at/all/topic.lock: No such file or"),
        ("ipc://{folder}/" + "x" * 150, "topic /a cannot be bound at ipc://.*: its path has more than 107 bytes"),
        ("tcp://203.0.113.1:5555", "topic /a cannot be bound at tcp://203.0.113.1:5555: Cannot assign requested addr"),
        ("tcp://127.0.0.1:{port}", "topic /a cannot be bound at tcp://127.0.0.1:.*: Address already in use"),
        ("nonsense", "topic /a cannot be bound at nonsense: Invalid argument"),
    ],
)
def test_an_address_that_cannot_be_used_is_one_sentence(bus: Bus, endpoint: str, sentence: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        wire = Wire(topic="/a", endpoint=endpoint.format(folder=bus.folder, port=taken.getsockname()[1]))
        with pytest.raises(TransportError, match=sentence):
            bus.publisher(wire)


# Bad peers.


def test_bytes_that_are_no_message_are_counted_and_not_raised(bus: Bus) -> None:
    raw = bus.context.socket(zmq.XPUB)
    bus.closing.append(raw)
    raw.bind(bus.wire().endpoint)
    reader = bus.reader(bus.wire())
    raw.recv()
    good = encode(seen(5), seq=6, epoch=9)
    for data in (encode(seen(4), seq=1, epoch=9), b"", b"\xff" * 100, good[:-1], msgpack.packb({"t": "Weather"})):
        raw.send(data)
    raw.send(good)
    assert [m.size[0] for m in reader.rest()] == [4, 5]
    assert dict(reader.counted) == {"undecodable": 4}, "each of them once, and not as lost too"


def test_a_message_of_another_type_is_counted_and_not_handed_over(bus: Bus) -> None:
    publisher, reader = bus.publisher(bus.wire()), bus.reader(bus.wire())
    bus.matched(publisher)
    publisher.send(health(1))
    publisher.send(seen(2))
    assert [m.size[0] for m in reader.take(1)] == [2]
    assert dict(reader.counted) == {"wrong_type": 1}


def test_nonsense_from_a_subscriber_disturbs_nobody(bus: Bus) -> None:
    publisher, reader = bus.publisher(bus.wire()), bus.reader(bus.wire())
    bus.matched(publisher)
    stranger = bus.context.socket(zmq.XSUB)
    bus.closing.append(stranger)
    stranger.connect(bus.wire().endpoint)
    for upstream in (b"\x05hello", b"\x02", b"\x02" + b"x" * 24, b"\x02" + b"x" * 500, b"hello", b"\x00", b"\x01"):
        stranger.send(upstream)
    bus.matched(publisher, 2)
    publisher.send(seen(3))
    assert reader.take(1)[0].size[0] == 3
    stranger.close()
    bus.matched(publisher, 1)


def test_a_message_that_cannot_travel_leaves_no_gap(bus: Bus) -> None:
    publisher, reader = bus.publisher(bus.wire()), bus.reader(bus.wire())
    bus.matched(publisher)
    publisher.send(seen(1))
    wrong = Detections(boxes=np.zeros((0, 4)), scores=np.zeros(0, np.float32), size=(1, 1))  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match=r"Detections\.boxes must be an array of float32"):
        publisher.send(wrong)
    publisher.send(seen(2))
    assert [m.header.seq for m in reader.take(2)] == [1, 2]
    assert not reader.counted


# Frames.


def test_frames_on_an_ipc_topic_go_through_shared_memory(bus: Bus) -> None:
    publisher, reader = bus.publisher(bus.wire(), LATEST), bus.reader(bus.wire(), LATEST, Frame)
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
    wire = Wire(topic="/door/frames", endpoint=f"tcp://127.0.0.1:{free_port()}") if shared_memory else bus.wire()
    publisher = bus.publisher(wire, LATEST, frame_dir=bus.folder / "shm" if shared_memory else None)
    reader = bus.reader(wire, LATEST, Frame)
    bus.matched(publisher)
    publisher.send(picture(7, 720, 1280))
    got = reader.take(1)[0]
    assert got == Frame(header=got.header, image=picture(7, 720, 1280).image)
    assert list((bus.folder / "shm").iterdir()) == []


def test_a_frame_that_was_overwritten_before_it_was_read_is_counted(bus: Bus) -> None:
    publisher, reader = bus.publisher(bus.wire()), bus.reader(bus.wire(), STREAM, Frame)
    bus.matched(publisher)
    for n in range(9):
        publisher.send(picture(n))
    eventually(lambda: reader.socket.socket.poll(0))
    got = reader.rest()
    assert 0 < len(got) < 9
    assert len(got) + reader.counted["frames_overwritten"] + reader.counted["lost"] == 9
    assert all(np.array_equal(m.image, picture(m.header.seq - 1).image) for m in got)


def test_lossless_frames_of_growing_size_all_arrive_whole(bus: Bus) -> None:
    """Each larger frame needs a new ring: the old one must not go before it was read."""
    waits: list[float] = []
    publisher = bus.publisher(bus.wire(), LATEST, while_waiting=waits.append)
    reader = bus.reader(bus.wire(), LOSSLESS, Frame)
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
    publisher = bus.publisher(bus.wire(), LATEST)
    for image in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)):
        with pytest.raises(TypeError, match=r"Frame\.image must be an array of uint8 \[N, N, 3\]"):
            publisher.send(Frame(image=image))  # type: ignore[arg-type]
    with pytest.raises(FrameRingError):
        publisher.send(Frame(image=np.zeros((0, 4, 3), np.uint8)))


def test_a_reference_to_frames_that_are_gone_is_counted(bus: Bus) -> None:
    publisher, reader = bus.publisher(bus.wire(), LATEST), bus.reader(bus.wire(), LATEST, Frame)
    bus.matched(publisher)
    publisher.send(picture(1))
    eventually(lambda: reader.socket.socket.poll(0))
    publisher.close()
    assert reader.rest() == []
    assert dict(reader.counted) == {"frames_unreadable": 1}
