"""Topics over real sockets: what each quality of service promises."""

from __future__ import annotations

import threading
import time
from typing import ClassVar

import pytest

from metrica.errors import TransportError
from metrica.messages import Health, Message, message
from metrica.qos import EVENTS, LATCHED, LATEST, LOSSLESS, STREAM, QoS
from tests.runtime.sockets import Bus, crossing, eventually, health, seen


def test_stream_delivers_in_order_with_the_publisher_s_own_seq_and_epoch(bus: Bus) -> None:
    publisher, reader = bus.publisher(bus.endpoint()), bus.reader(bus.endpoint())
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
    publisher, reader = bus.publisher(bus.endpoint()), bus.reader(bus.endpoint())
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
    publisher, reader = bus.publisher(bus.endpoint(), LATEST), bus.reader(bus.endpoint(), LATEST)
    bus.matched(publisher)
    for n in range(100):
        publisher.send(seen(n))
        time.sleep(0.002)  # no source is faster; a burst beyond the publisher's queue would lose its end
    got = reader.rest()
    assert got[-1].size[0] == 99
    assert len(got) <= 3
    assert not reader.counted, "what LATEST skips is no loss"


def test_latched_reaches_those_who_come_late_and_each_of_them(bus: Bus) -> None:
    publisher = bus.publisher(bus.endpoint(), LATCHED)
    early = bus.reader(bus.endpoint(), LATCHED, Health)
    bus.matched(publisher)
    publisher.send(health(1))
    publisher.send(health(2))
    assert [m.counters["n"] for m in early.take(2)] == [1, 2]
    for count in (2, 3):
        late = bus.reader(bus.endpoint(), LATCHED, Health)
        bus.matched(publisher, count)
        assert [m.counters["n"] for m in late.take(1)] == [2]
    assert not early.counted


def test_events_time_out_with_an_error_rather_than_drop(bus: Bus) -> None:
    publisher, reader = bus.publisher(bus.endpoint(), EVENTS), bus.reader(bus.endpoint(), EVENTS, type(crossing(0)))
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
    publisher = bus.publisher(bus.endpoint(), offered, while_waiting=waits.append)
    reader = bus.reader(bus.endpoint(), LOSSLESS)
    bus.matched(publisher)
    thread = threading.Thread(target=lambda: [publisher.send(seen(n)) for n in range(300)])
    thread.start()
    eventually(lambda: waits, "the publisher never waited")
    got = [m.size[0] for m in reader.take(300)]
    thread.join()
    assert got == list(range(300))
    assert not reader.counted


def test_a_lossless_reader_may_be_slow_while_others_lose(bus: Bus) -> None:
    publisher = bus.publisher(bus.endpoint())
    slow, taps = bus.reader(bus.endpoint(), LOSSLESS), [bus.reader(bus.endpoint(), q) for q in (STREAM, LATEST)]
    bus.matched(publisher, 3)
    thread = threading.Thread(target=lambda: [publisher.send(seen(n)) for n in range(100)])
    thread.start()
    assert [m.size[0] for m in slow.take(100)] == list(range(100))
    thread.join()
    for tap in taps:
        assert tap.rest()[-1].size[0] == 99


def test_two_lossless_readers_both_get_everything(bus: Bus) -> None:
    publisher = bus.publisher(bus.endpoint())
    readers = [bus.reader(bus.endpoint(), LOSSLESS) for _ in range(2)]
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
    publisher = bus.publisher(bus.endpoint())
    reader = bus.reader(bus.endpoint(), LOSSLESS)
    bus.matched(publisher)
    thread = threading.Thread(target=lambda: [publisher.send(seen(n)) for n in range(100)])
    thread.start()
    reader.take(10)
    reader.close()
    thread.join(20)
    assert not thread.is_alive()
    assert publisher.subscribers == 0


def test_flush_waits_for_what_a_lossless_reader_has_not_done_yet(bus: Bus) -> None:
    publisher = bus.publisher(bus.endpoint())
    reader = bus.reader(bus.endpoint(), LOSSLESS)
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
    """Many more messages than the four that may be unacknowledged: each must be acknowledged, even the first."""

    @message
    class Moody(Message):
        refused: ClassVar[bool] = False

        def __post_init__(self) -> None:
            if Moody.refused:
                raise ValueError("not today")

    publisher = bus.publisher(bus.endpoint())
    reader = bus.reader(bus.endpoint(), LOSSLESS, Moody)
    bus.matched(publisher)
    moody = [Moody() for _ in range(30)]
    Moody.refused = True
    thread = threading.Thread(target=lambda: [publisher.send(m) for m in [*moody, *map(health, range(30)), *moody]])
    thread.start()
    eventually(lambda: reader.socket.receive() or sum(reader.counted.values()) >= 90)
    thread.join()
    assert reader.counted == {"undecodable": 60, "wrong_type": 30}
