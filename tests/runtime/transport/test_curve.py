"""Topics over tcp on real sockets: who has the right keys reads all, and everybody else nothing."""

from __future__ import annotations

import logging
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zmq

from metrica.errors import KeysError
from metrica.messages import Frame, Header, Message, encode
from metrica.qos import EVENTS, LATCHED, LATEST, LOSSLESS, STREAM, QoS
from metrica.transport import PublisherSocket, TopicEndpoint
from metrica.transport.keys import as_digits
from tests.runtime.sockets import PATIENCE, Bus, Reader, crossing, eventually, free_port, health, picture, seen
from tests.runtime.transport.machines import Machine, Tap, machine

__all__ = ["machine"]

MARK = b"this stands in every picture"


def topic() -> TopicEndpoint:
    return TopicEndpoint(topic="/door/topic", endpoint=f"tcp://127.0.0.1:{free_port()}")


def matched(publisher: PublisherSocket, *readers: Reader) -> None:
    def ready() -> bool:
        publisher.listen()
        for reader in readers:
            look(reader)
        return publisher.subscribers == len(readers)

    eventually(ready, f"{publisher.subscribers} subscriptions")


def look(reader: Reader) -> str:
    """What the executor does once a second."""
    assert reader.socket.watch
    reader.socket.watch.look()
    reader.socket.keep_up()
    return reader.socket.watch.trouble


def marked_picture() -> Frame:
    image = np.zeros((48, 64, 3), np.uint8)
    image.reshape(-1)[: len(MARK)] = np.frombuffer(MARK, np.uint8)
    return Frame(header=Header(camera="door"), image=image)


@pytest.mark.parametrize("qos", [STREAM, LATEST, EVENTS, LATCHED, LOSSLESS])
def test_two_machines_that_know_each_other_talk(machine: Callable[[], Machine], qos: QoS) -> None:
    box, office = machine(), machine()
    where = topic()
    box.keys.allow("office", office.public)
    office.keys.trust("127.0.0.1", box.public)
    publisher = box.publisher(where, LATEST if qos is LOSSLESS else qos)
    reader = office.reader(where, qos, type(message_of(qos)))
    matched(publisher, reader)
    publisher.send(message_of(qos))
    assert len(reader.take(1)) == 1
    assert not reader.counted


@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="this machine has no IPv6")
def test_an_address_of_ipv6_will_do(machine: Callable[[], Machine]) -> None:
    box, office = machine(), machine()
    where = TopicEndpoint(topic="/door/topic", endpoint=f"tcp://[::1]:{free_port()}")
    box.keys.allow("office", office.public)
    office.keys.trust("[::1]", box.public)
    publisher, reader = box.publisher(where), office.reader(where)
    matched(publisher, reader)
    publisher.send(seen(3))
    assert [m.size[0] for m in reader.take(1)] == [3]


def message_of(qos: QoS) -> Message:
    return crossing(1) if qos is EVENTS else health(1) if qos is LATCHED else seen(1)


def test_the_wire_shows_no_picture(machine: Callable[[], Machine]) -> None:
    """A proxy between the two, such as anybody has who sits at a switch on the way."""
    box, office = machine(), machine()
    behind = topic()
    box.keys.allow("office", office.public)
    publisher = box.publisher(behind, LATEST)
    with Tap(int(behind.endpoint.rpartition(":")[2])) as tap:
        office.keys.trust(f"127.0.0.1:{tap.port}", box.public)
        reader = office.reader(
            TopicEndpoint(topic="/door/topic", endpoint=f"tcp://127.0.0.1:{tap.port}"), LATEST, Frame
        )
        matched(publisher, reader)
        assert MARK in encode(marked_picture(), seq=1, epoch=1), "without encryption it would be seen"
        publisher.send(marked_picture())
        (got,) = reader.take(1)
        assert got.image.tobytes().startswith(MARK)
    wire = b"".join(tap.seen)
    assert len(wire) > 48 * 64 * 3
    for word in (MARK, b"door", b"Frame", b"image"):
        assert word not in wire


def test_who_connects_without_keys_gets_nothing(
    machine: Callable[[], Machine], caplog: pytest.LogCaptureFixture
) -> None:
    box = machine()
    where = topic()
    publisher = box.publisher(where, LATEST)
    plain = box.context.socket(zmq.SUB)
    plain.subscribe(b"")
    plain.connect(where.endpoint)
    refused = 0
    with socket.create_connection(("127.0.0.1", int(where.endpoint.rpartition(":")[2])), timeout=10) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\n\r\n" * 8)
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            publisher.send(marked_picture())
            assert publisher.watch
            refused += publisher.watch.look()
            time.sleep(0.02)
        raw.setblocking(False)
        try:
            heard = raw.recv(1 << 20)
        except (BlockingIOError, ConnectionError):
            heard = b""
    assert publisher.subscribers == 0
    assert not plain.poll(0)
    assert MARK not in heard and len(heard) < 200, "the greeting at most"
    assert refused >= 1
    lines = [record.getMessage() for record in caplog.records if record.name == "metrica.transport"]
    assert lines == [f"somebody without the right keys tries to read /door/topic at {where.endpoint}"], "said once"


def test_a_reader_whose_key_is_unknown_is_refused_and_comes_in_when_it_is_allowed(
    machine: Callable[[], Machine], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    box, office = machine(), machine()
    where = topic()
    office.keys.trust("127.0.0.1", box.public)
    publisher, reader = box.publisher(where), office.reader(where)
    eventually(lambda: look(reader))
    assert reader.socket.watch
    assert reader.socket.watch.trouble == (
        f"the publisher of /door/topic at {where.endpoint} refuses the key of this machine: there, run "
        "'metrica-keys allow' with what 'metrica-keys show' prints here"
    )
    end = time.monotonic() + 2.5
    while time.monotonic() < end:  # it tries again
        publisher.send(seen(1))
        look(reader)
        time.sleep(0.05)
    assert publisher.subscribers == 0 and not reader.rest(0.05)
    digits = as_digits(office.public)
    assert box.said == [
        (
            f"a reader at 127.0.0.1 is refused /door/topic: to let it in, run 'metrica-keys allow NAME {digits}'",
            True,
        )
    ], "said once for this address"
    box.keys.allow("office", office.public)
    matched(publisher, reader)
    publisher.send(seen(2))
    assert [m.size[0] for m in reader.take(1)] == [2]
    eventually(lambda: not look(reader))
    assert box.said[1:] == [("the reader at 127.0.0.1 may read /door/topic now", False)]
    lines = [record.getMessage() for record in caplog.records if record.name == "metrica.transport"]
    assert len(lines) == 2 and lines[1] == f"/door/topic comes from its publisher at {where.endpoint} again"


def test_a_publisher_with_another_key_is_not_listened_to(machine: Callable[[], Machine]) -> None:
    box, office, impostor = machine(), machine(), machine()
    where = topic()
    impostor.keys.allow("office", office.public)
    office.keys.trust("127.0.0.1", box.public)
    publisher, reader = impostor.publisher(where), office.reader(where)
    eventually(lambda: look(reader))
    assert reader.socket.watch
    assert "or has another key than the one that is known here" in reader.socket.watch.trouble
    publisher.send(seen(1))
    assert not reader.rest(0.3)
    publisher.close()
    box.keys.allow("office", office.public)
    honest = box.publisher(where)
    matched(honest, reader)
    eventually(lambda: not look(reader))


def test_a_publisher_that_does_not_encrypt_is_not_listened_to(machine: Callable[[], Machine]) -> None:
    office = machine()
    where = topic()
    office.keys.trust("127.0.0.1", office.public)
    fake = office.context.socket(zmq.XPUB)
    fake.bind(where.endpoint)
    reader = office.reader(where)
    eventually(lambda: look(reader))
    assert reader.socket.watch
    # Which of the two notices first is chance.
    assert re.fullmatch(
        rf"(what answers|the publisher) \w+ /door/topic at {where.endpoint} (hangs up: it )?does not encrypt, .*",
        reader.socket.watch.trouble,
    )
    fake.send(encode(seen(1), seq=1, epoch=1))
    assert not reader.rest(0.3)


def test_a_reader_finds_a_publisher_again_that_was_killed(machine: Callable[[], Machine]) -> None:
    box, office = machine(), machine()
    where = topic()
    box.keys.allow("office", office.public)
    office.keys.trust("127.0.0.1", box.public)
    reader = office.reader(where, LOSSLESS)
    for n in range(3):
        publisher = box.publisher(where, epoch=n + 1)
        matched(publisher, reader)
        publisher.send(seen(n))
        assert [m.size[0] for m in reader.take(1)] == [n]
        publisher.close()


@pytest.mark.parametrize("message", [picture(1), crossing(1), seen(1)], ids=["frame", "event", "detections"])
def test_without_keys_nothing_is_published_or_read_over_tcp(bus: Bus, message: Message) -> None:
    where = topic()
    sentence = f"/door/topic at {where.endpoint} would travel unencrypted: make keys with 'metrica-keys make'"
    with pytest.raises(KeysError) as refused:
        bus.publisher(where, EVENTS if type(message).__name__ == "Crossing" else LATEST)
    assert str(refused.value) == sentence
    with pytest.raises(KeysError) as refused:
        bus.reader(where, LATEST, type(message))
    assert str(refused.value) == sentence
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(where.endpoint.rpartition(":")[2])), timeout=PATIENCE)


def test_a_reader_that_does_not_know_the_publisher_s_key_says_so(machine: Callable[[], Machine]) -> None:
    with pytest.raises(
        KeysError, match=r"the key of the publisher at 127.0.0.1:\d+ is not known: .*metrica-keys trust"
    ):
        machine().reader(topic())


def test_many_addresses_that_are_refused_do_not_fill_the_log(
    machine: Callable[[], Machine], monkeypatch: pytest.MonkeyPatch
) -> None:
    box = machine()
    visitors = box.curve._visitors  # pyright: ignore[reportPrivateUsage]
    now = [100.0]
    monkeypatch.setattr("metrica.transport.curve.time.monotonic", lambda: now[0])
    unknown = zmq.curve_keypair()[0]
    for n in range(2000):
        visitors.address = f"10.0.{n // 256}.{n % 256}"
        assert not visitors.callback("/door/topic", unknown)
        now[0] += 0.01
    assert len(box.said) == 4, "one in five seconds"
    for _ in range(5):
        now[0] += 60
        visitors.callback("/door/topic", unknown)
    assert len(box.said) == 5, "the last address was named now, and once"
