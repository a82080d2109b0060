"""Sessions: one IN and one OUT, first in first out; what cannot be a stay is left out."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica.dashboard.businessday import Calendar
from metrica.dashboard.dwell import Dwell, Session, average_dwell, sessions
from metrica.dashboard.events import HOUR, IN, MINUTE, OUT, SECOND, Events
from tests.dashboard_footfall import at

NEVER = 10**18


def events(*pairs: tuple[int, int]) -> Events:
    return Events.from_pairs(pairs)


def test_who_came_first_leaves_first() -> None:
    seen = events((0, IN), (10, IN), (20, OUT), (50, OUT))
    assert sessions(seen) == [Session(0, 20), Session(10, 50)]


def test_an_out_without_an_in_makes_no_session() -> None:
    assert sessions(events((0, OUT), (10, IN), (20, OUT), (30, OUT))) == [Session(10, 20)]


def test_an_in_that_is_open_too_long_expires() -> None:
    seen = events((0, IN), (3 * HOUR, IN), (4 * HOUR + 1, OUT))
    assert sessions(seen) == [Session(3 * HOUR, 4 * HOUR + 1)]
    assert sessions(events((0, IN), (4 * HOUR, OUT))) == [Session(0, 4 * HOUR)]


def test_the_day_closes_every_session() -> None:
    calendar = Calendar("Africa/Tunis", 4)
    late, now = at("Africa/Tunis", 2026, 11, 22, 3, 50), at("Africa/Tunis", 2026, 11, 22, 12)
    seen = events((late, IN), (late + 30 * MINUTE, OUT), (now - 20 * MINUTE, IN), (now - 10 * MINUTE, OUT))
    assert average_dwell(seen, calendar, now) == Dwell(seconds=600, sessions=1)
    assert average_dwell(seen, calendar, now - 11 * MINUTE) is None


small = st.lists(st.tuples(st.integers(0, 1000), st.sampled_from((IN, OUT))), max_size=40)


@given(small, st.integers(1, 2000))
def test_no_person_is_used_twice_and_no_stay_is_negative_or_too_long(seen: list[tuple[int, int]], longest: int) -> None:
    found = sessions(events(*seen), longest)
    assert all(0 <= s.end - s.start <= longest for s in found)
    ins = sorted(time for time, sign in seen if sign == IN)
    outs = sorted(time for time, sign in seen if sign == OUT)
    assert {s.start for s in found} <= set(ins)
    assert all(sum(s.start == t for s in found) <= ins.count(t) for t in ins)
    assert all(sum(s.end == t for s in found) <= outs.count(t) for t in outs)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=5))
def test_the_mean_is_that_of_every_other_pairing(stays: list[tuple[int, int]]) -> None:
    true = [(start, start + length) for start, length in stays]
    found = sessions(events(*((s, IN) for s, _ in true), *((e, OUT) for _, e in true)), NEVER)
    assert len(found) == len(true)
    for ends in itertools.permutations(e for _, e in true):
        other = sum(end - start for (start, _), end in zip(true, ends, strict=True))
        assert sum(s.end - s.start for s in found) == other


def test_a_known_shop_has_the_known_mean() -> None:
    calendar, now = Calendar("UTC", 0), at("UTC", 2026, 11, 22, 12)
    stays = [(n * 7 * MINUTE, (5 + n % 11) * MINUTE) for n in range(60)]
    start = at("UTC", 2026, 11, 22, 1)
    seen = events(*((start + a, IN) for a, _ in stays), *((start + a + d, OUT) for a, d in stays))
    dwell = average_dwell(seen, calendar, now)
    assert dwell is not None
    assert dwell.sessions == 60
    assert dwell.seconds == pytest.approx(sum(d for _, d in stays) / 60 / SECOND)
