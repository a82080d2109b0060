"""Topics over real sockets: publishers that come back, addresses that cannot be used, and peers that misbehave."""

from __future__ import annotations

import socket
import threading
import time

import msgpack
import numpy as np
import pytest
import zmq

from metrica.errors import TransportError
from metrica.messages import Detections, encode
from metrica.qos import LOSSLESS
from metrica.transport import TopicEndpoint
from tests.runtime.sockets import Bus, eventually, health, seen


def test_a_subscriber_carries_on_when_its_publisher_comes_back(bus: Bus) -> None:
    reader, first = bus.reader(bus.endpoint()), bus.publisher(bus.endpoint())
    bus.matched(first)
    first.send(seen(1))
    first.send(seen(2))
    before = reader.take(2)
    first.close()
    second = bus.publisher(bus.endpoint())
    bus.matched(second)
    second.send(seen(3))
    after = reader.take(1)
    assert [m.size[0] for m in before + after] == [1, 2, 3]
    assert (before[-1].header.seq, after[0].header.seq) == (2, 1)
    assert after[0].header.epoch != before[0].header.epoch
    assert not reader.counted, "a restart is no loss that could be counted"


def test_a_lossless_reader_carries_on_too_and_old_acknowledgements_count_for_nothing(bus: Bus) -> None:
    reader, first = bus.reader(bus.endpoint(), LOSSLESS), bus.publisher(bus.endpoint())
    bus.matched(first)
    for n in range(100):
        first.send(seen(n))
        assert reader.take(1)[0].size[0] == n
    for n in range(100, 104):
        first.send(seen(n))
    eventually(lambda: reader.socket.socket.poll(0))
    first.close()
    second = bus.publisher(bus.endpoint())
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
    first, reader = bus.publisher(bus.endpoint()), bus.reader(bus.endpoint())
    bus.matched(first)
    with pytest.raises(TransportError) as caught:
        bus.publisher(bus.endpoint())
    assert str(caught.value) == "topic /door/topic is published by another process already"
    first.send(seen(7))
    assert reader.take(1)[0].size[0] == 7
    first.close()
    first.close()
    bus.publisher(bus.endpoint())


@pytest.mark.parametrize(
    ("endpoint", "sentence"),
    [
        ("ipc:///nowhere/at/all/topic", "topic /a cannot be locked with /nowhere/at/all/topic.lock: No such file or"),
        ("ipc://{folder}/" + "x" * 150, "topic /a cannot be bound at ipc://.*: its path has more than 107 bytes"),
        ("tcp://203.0.113.1:5555", "topic /a cannot be bound at tcp://203.0.113.1:5555: Cannot assign requested addr"),
        ("tcp://127.0.0.1:{port}", "topic /a cannot be bound at tcp://127.0.0.1:.*: Address already in use"),
        ("nonsense", "/a cannot travel over nonsense: only tcp:// is encrypted"),
        ("ws://127.0.0.1:{port}", "/a cannot travel over ws://127.0.0.1:.*: only tcp:// is encrypted"),
        ("TCP://127.0.0.1:{port}", "/a cannot travel over TCP://127.0.0.1:.*: only tcp:// is encrypted"),
    ],
)
def test_an_address_that_cannot_be_used_is_one_sentence(bus: Bus, endpoint: str, sentence: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        topic_endpoint = TopicEndpoint(
            topic="/a", endpoint=endpoint.format(folder=bus.folder, port=taken.getsockname()[1])
        )
        with pytest.raises(TransportError, match=sentence):
            bus.publisher(topic_endpoint, curve=bus.curve())


def test_bytes_that_are_no_message_are_counted_and_not_raised(bus: Bus) -> None:
    raw = bus.context.socket(zmq.XPUB)
    bus.closing.append(raw)
    raw.bind(bus.endpoint().endpoint)
    reader = bus.reader(bus.endpoint())
    raw.recv()
    good = encode(seen(5), seq=6, epoch=9)
    for data in (encode(seen(4), seq=1, epoch=9), b"", b"\xff" * 100, good[:-1], msgpack.packb({"t": "Weather"})):
        raw.send(data)
    raw.send(good)
    assert [m.size[0] for m in reader.rest()] == [4, 5]
    assert dict(reader.counted) == {"undecodable": 4}, "each of them once, and not as lost too"


def test_a_message_of_another_type_is_counted_and_not_handed_over(bus: Bus) -> None:
    publisher, reader = bus.publisher(bus.endpoint()), bus.reader(bus.endpoint())
    bus.matched(publisher)
    publisher.send(health(1))
    publisher.send(seen(2))
    assert [m.size[0] for m in reader.take(1)] == [2]
    assert dict(reader.counted) == {"wrong_type": 1}


def test_nonsense_from_a_subscriber_disturbs_nobody(bus: Bus) -> None:
    publisher, reader = bus.publisher(bus.endpoint()), bus.reader(bus.endpoint())
    bus.matched(publisher)
    stranger = bus.context.socket(zmq.XSUB)
    bus.closing.append(stranger)
    stranger.connect(bus.endpoint().endpoint)
    for upstream in (b"\x05hello", b"\x02", b"\x02" + b"x" * 24, b"\x02" + b"x" * 500, b"hello", b"\x00", b"\x01"):
        stranger.send(upstream)
    bus.matched(publisher, 2)
    publisher.send(seen(3))
    assert reader.take(1)[0].size[0] == 3
    stranger.close()
    bus.matched(publisher, 1)


def test_a_message_that_cannot_travel_leaves_no_gap(bus: Bus) -> None:
    publisher, reader = bus.publisher(bus.endpoint()), bus.reader(bus.endpoint())
    bus.matched(publisher)
    publisher.send(seen(1))
    wrong = Detections(boxes=np.zeros((0, 4)), scores=np.zeros(0, np.float32), size=(1, 1))  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match=r"Detections\.boxes must be an array of float32"):
        publisher.send(wrong)
    publisher.send(seen(2))
    assert [m.header.seq for m in reader.take(2)] == [1, 2]
    assert not reader.counted
