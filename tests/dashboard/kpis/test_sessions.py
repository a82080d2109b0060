"""Sessions: one IN and one OUT, first in first out; what cannot be a visit is left out."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from metrica.dashboard.kpis.events import HOUR, IN, OUT, SECOND, Events
from metrica.dashboard.kpis.sessions import DwellPercentiles, Session, fifo_sessions, percentiles

NEVER = 10**18


def events(*pairs: tuple[int, int]) -> Events:
    return Events.from_pairs(pairs)


def test_who_came_first_leaves_first() -> None:
    seen = events((0, IN), (10, IN), (20, OUT), (50, OUT))
    assert fifo_sessions(seen) == [Session(0, 20), Session(10, 50)]


def test_an_out_without_an_in_makes_no_session() -> None:
    assert fifo_sessions(events((0, OUT), (10, IN), (20, OUT), (30, OUT))) == [Session(10, 20)]


def test_an_in_that_is_open_too_long_expires() -> None:
    seen = events((0, IN), (3 * HOUR, IN), (4 * HOUR + 1, OUT))
    assert fifo_sessions(seen) == [Session(3 * HOUR, 4 * HOUR + 1)]
    assert fifo_sessions(events((0, IN), (4 * HOUR, OUT))) == [Session(0, 4 * HOUR)]


small = st.lists(st.tuples(st.integers(0, 1000), st.sampled_from((IN, OUT))), max_size=40)


@given(small, st.integers(1, 2000))
def test_no_event_is_used_twice_and_no_visit_is_negative_or_too_long(seen: list[tuple[int, int]], longest: int) -> None:
    found = fifo_sessions(events(*seen), longest)
    assert all(0 <= s.end - s.start <= longest for s in found)
    ins = sorted(time for time, sign in seen if sign == IN)
    outs = sorted(time for time, sign in seen if sign == OUT)
    assert {s.start for s in found} <= set(ins)
    assert all(sum(s.start == t for s in found) <= ins.count(t) for t in ins)
    assert all(sum(s.end == t for s in found) <= outs.count(t) for t in outs)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=5))
def test_the_mean_is_that_of_every_other_pairing(visits: list[tuple[int, int]]) -> None:
    true = [(start, start + length) for start, length in visits]
    found = fifo_sessions(events(*((s, IN) for s, _ in true), *((e, OUT) for _, e in true)), NEVER)
    assert len(found) == len(true)
    for ends in itertools.permutations(e for _, e in true):
        other = sum(end - start for (start, _), end in zip(true, ends, strict=True))
        assert sum(s.end - s.start for s in found) == other


def test_a_missed_out_shifts_no_later_pair_once_the_count_inside_is_known() -> None:
    visits = [(n * 10, n * 10 + 25) for n in range(30)]
    pairs = [(start, IN) for start, _ in visits] + [(end, OUT) for n, (_, end) in enumerate(visits) if n != 4]
    seen = events(*pairs)
    inside = [sum(a <= t for a, _ in visits) - sum(b <= t for _, b in visits) for t in seen.times.tolist()]
    assert {s.end - s.start for s in fifo_sessions(seen, NEVER)} == {25, 35}
    assert [s.end - s.start for s in fifo_sessions(seen, NEVER, inside)].count(25) >= 28


def test_somebody_who_was_missed_coming_in_makes_no_session() -> None:
    seen = events((10, IN), (20, OUT), (30, OUT))
    assert fifo_sessions(seen, NEVER, [2, 1, 0]) == [Session(10, 20)]


def test_percentiles_need_ten_sessions() -> None:
    assert percentiles([Session(0, SECOND)] * 9) is None
    assert percentiles([Session(0, n * SECOND) for n in range(11)]) == DwellPercentiles(5, 9)
