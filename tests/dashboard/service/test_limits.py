"""The book of connections, and the queue that is fair: pure, so they are tried with any history."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metrica.dashboard.service.addresses import is_loopback, network_of
from metrica.dashboard.service.fair import FairQueue
from metrica.dashboard.service.limits import Connections, Held, Limits, held

ADDRESSES = ("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "::1", "127.0.0.9")


class Line:
    """A connection that can be hung up."""

    def __init__(self, address: str) -> None:
        self.open = True
        self.record: Held = held(address, self.hang_up)

    def hang_up(self) -> None:
        assert self.open, "nobody is hung up on twice"
        self.open = False


steps = st.lists(
    st.tuples(st.sampled_from(("take", "take", "begin", "end", "lost", "sweep")), st.integers(0, 30), st.floats(0, 15)),
    max_size=120,
)


@given(steps, st.sampled_from(ADDRESSES))
def test_whatever_happens_no_limit_is_passed_and_nobody_busy_is_hung_up_before_his_time(
    history: list[tuple[str, int, float]], favourite: str
) -> None:
    limits = Limits(connections=8, of_one_address=3, idle=30, longest=60)
    book, lines, busy, now = Connections(limits), list[Line](), dict[Line, float](), 0.0
    for what, which, later in history:
        now += later
        if what == "take":
            line = Line(favourite if which % 3 else ADDRESSES[which % len(ADDRESSES)])
            if book.take(line.record, now):
                lines.append(line)
        elif what == "sweep":
            assert not book.sweep(now)
        elif lines:
            move(book, what, lines[which % len(lines)], busy, now)
        for line, since in list(busy.items()):
            if not line.open:
                assert now - since >= limits.longest
                del busy[line]
        alive = [line for line in lines if line.open]
        assert len(book) == len(alive) <= limits.connections
        for network in {network_of(a) for a in ADDRESSES if not is_loopback(a)}:
            assert sum(line.record.network == network for line in alive) <= limits.of_one_address
    for line in lines:
        book.lost(line.record)
    assert len(book) == 0
    for kept in (book._idle_of, book._count, book._busy):  # pyright: ignore[reportPrivateUsage]
        assert not kept, "nothing is remembered of who has gone"


def move(book: Connections, what: str, line: Line, busy: dict[Line, float], now: float) -> None:
    if line.open and what == "begin" and line not in busy:
        book.begin(line.record, now)
        busy[line] = now
    elif what == "end" and busy.pop(line, None) is not None:
        book.end(line.record, now)
    elif what == "lost":
        book.lost(line.record)
        busy.pop(line, None)
        line.open = False


def test_the_longest_idle_one_makes_room_and_a_busy_one_never() -> None:
    book = Connections(Limits(connections=3))
    lines = [Line("192.0.2.1") for _ in range(5)]
    for now, line in enumerate(lines[:3]):
        assert book.take(line.record, now)
    book.begin(lines[0].record, 3)
    assert book.take(lines[3].record, 4)
    assert [line.open for line in lines[:4]] == [True, False, True, True]
    book.end(lines[0].record, 5)
    assert book.take(lines[4].record, 6)
    assert [line.open for line in lines] == [True, False, False, True, True]
    for line in (lines[0], lines[3], lines[4]):
        book.begin(line.record, 7)
    assert not book.take(Line("192.0.2.9").record, 8), "all are at work"


def test_a_long_answer_is_not_idle_while_its_reader_takes_of_it() -> None:
    book, line = Connections(Limits(idle=30)), Line("192.0.2.1")
    left = 1000
    line.record.pending = lambda: left
    book.take(line.record, 0)
    for now in (30, 60, 90):
        book.sweep(now)
        assert line.open
        left -= 10
    book.sweep(120)
    assert line.open
    book.sweep(150)
    assert not line.open, "it took nothing for 30 s"


def test_an_answer_in_parts_goes_on_as_long_as_they_are_taken() -> None:
    book, line, other = Connections(Limits(longest=60)), Line("192.0.2.1"), Line("192.0.2.2")
    for one in (line, other):
        book.take(one.record, 0)
        book.begin(one.record, 0)
    for now in (50, 100, 150):
        book.go_on(line.record, now)
        book.sweep(now + 9)
    assert line.open and not other.open
    book.sweep(210)
    assert not line.open
    book.go_on(line.record, 220)  # its last part was on the way when it was hung up
    assert len(book) == 0


def test_a_sweep_of_thousands_is_done_in_short_turns() -> None:
    book, lines = Connections(Limits()), [Line("127.0.0.1") for _ in range(1000)]
    for line in lines:
        book.take(line.record, 0)
    turns = 1
    while book.sweep(100, most=100):
        turns += 1
        assert sum(not line.open for line in lines) == 100 * (turns - 1)
    assert turns == 10
    assert len(book) == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers())))
def test_who_asks_much_waits_for_himself(asked: list[tuple[str, int]]) -> None:
    queue = FairQueue[tuple[str, int]]()
    for asker, number in asked:
        queue.put(asker, (asker, number))
    given_: list[tuple[str, int]] = []
    while queue:
        given_.append(queue.get())
    assert sorted(given_) == sorted(asked)
    for asker in "abc":
        own = [item for item in asked if item[0] == asker]
        assert [item for item in given_ if item[0] == asker] == own
        if own:
            assert given_.index(own[0]) < 3, "the first of each comes in the first round"


def test_visitors_are_networks() -> None:
    assert network_of("192.0.2.1") == network_of("::ffff:192.0.2.1") == "192.0.2.1"
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:2") != network_of("2001:db8:0:1::1")
    assert [is_loopback(a) for a in ("127.0.0.9", "::1", "::ffff:127.0.0.1", "192.0.2.1", "", "localhost")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip
