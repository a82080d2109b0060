"""The days of made-up shops: the same for the same seed, and like those of shops that there are."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.years.clock import quarters
from benchmarks.years.country import COUNTRIES, days_of, sunset
from benchmarks.years.likeness import Hours, likeness, streets
from benchmarks.years.outages import joined, within, without
from benchmarks.years.shop import make_shop
from benchmarks.years.shop_years import ShopYears, make_years, visitors_by_hour
from metrica.dashboard.kpis.events import HOUR, IN, MINUTE, OUT, SECOND
from metrica.nodes.geometry.arrays import Float64
from tests.paths import SHARED

UNTIL = round(datetime(2026, 11, 28, 14, tzinfo=UTC).timestamp()) * SECOND
YEAR = 400
BOUTIQUE, MALL, GROCERY = 0, 1, 2
"""Numbers of shops: the first closes around noon and on Sundays, the box of the second is off at night, the third has
two doors."""


@pytest.fixture(scope="module")
def years() -> dict[int, ShopYears]:
    return {number: make_years(make_shop(number, visitors=200), UNTIL, YEAR) for number in (BOUTIQUE, MALL, GROCERY)}


def visits_by_day(made: ShopYears) -> Float64:
    """Visitors of each business day, [days]."""
    quarter = (made.visits.came - made.when.start[0]) // (15 * MINUTE)
    return np.bincount(made.when.day[quarter], minlength=made.when.days).astype(np.float64)


def test_the_same_seed_gives_the_same_years_and_another_one_others() -> None:
    one, again, other = (make_years(make_shop(2, seed=seed), UNTIL, 30) for seed in (1, 1, 2))
    assert one.bodies(np.arange(len(one.crossings))) == again.bodies(np.arange(len(again.crossings)))
    assert one.spans() == again.spans()
    assert one.crossings.delivered.tolist() == again.crossings.delivered.tolist()
    assert one.crossings.times.tolist() != other.crossings.times.tolist()


def test_some_hours_later_it_is_the_same_day_with_more_in_it() -> None:
    earlier, later = (make_years(make_shop(1), UNTIL + more, 40) for more in (0, 5 * HOUR))
    begun, gone_on = earlier.events(), later.events()
    assert len(begun) < len(gone_on) and gone_on[: len(begun)] == begun
    assert earlier.visits.came.tolist() == later.visits.came[: len(earlier.visits)].tolist()
    for camera, spans in earlier.watched.items():
        assert later.watched[camera][: len(spans), 0].tolist() == spans[:, 0].tolist()


def test_every_visitor_comes_while_it_is_open_and_leaves_soon_after_it_closes(years: dict[int, ShopYears]) -> None:
    for made in years.values():
        assert (made.visits.left > made.visits.came).all()
        assert (np.diff(made.visits.came) >= 0).all()
        share = made.open_share[(made.visits.came - made.when.start[0]) // (15 * MINUTE)]
        assert (share > 0).all()
        gone = (made.visits.left - made.when.start[0]) // (15 * MINUTE)
        shut = np.array([made.open_share[max(0, at - 4) : at + 1].max() == 0 for at in gone[gone < len(made.when)]])
        assert shut.mean() < 0.001  # an hour after closing


def test_a_visit_lasts_some_minutes(years: dict[int, ShopYears]) -> None:
    for made in years.values():
        minutes = (made.visits.left - made.visits.came) / MINUTE
        assert 0.6 * made.shop.kind.stay < np.median(minutes) < 1.4 * made.shop.kind.stay
        assert minutes.max() < 12 * 60


def test_the_number_of_visitors_is_the_one_asked_for(years: dict[int, ShopYears]) -> None:
    for made in years.values():
        days = visits_by_day(made)
        assert 0.75 < days[days > 0].mean() / made.shop.visitors < 1.3


def test_counts_vary_more_than_chance(years: dict[int, ShopYears]) -> None:
    counts = visitors_by_hour(make_shop(MALL, visitors=2000), UNTIL, YEAR).counts
    noon = counts[:, 17][counts[:, 17] > 0]
    assert noon.var() > 3 * noon.mean()


def test_in_ramadan_people_come_after_sunset(years: dict[int, ShopYears]) -> None:
    for number, after in ((BOUTIQUE, 0.25), (MALL, 0.25), (GROCERY, 0.0)):
        made = years[number]
        quarter = (made.visits.came - made.when.start[0]) // (15 * MINUTE)
        down = sunset(made.shop.country, made.days, made.when.noon_offset)
        late = made.when.hour[quarter] > down[made.when.day[quarter]]
        fasting = made.days.ramadan[made.when.day[quarter]] > 0
        assert fasting.any()
        assert late[fasting].mean() >= after
        meal = np.abs(made.when.hour[quarter] - down[made.when.day[quarter]]) < 0.3
        assert not (meal & fasting).any()
    boutique = years[BOUTIQUE]
    hour = boutique.when.hour[(boutique.visits.came - boutique.when.start[0]) // (15 * MINUTE)]
    assert (hour > 24).any()  # after midnight, on the business day before


def test_before_an_eid_there_is_a_rush_and_on_it_nobody(years: dict[int, ShopYears]) -> None:
    for made in years.values():
        days = visits_by_day(made)
        assert days[made.days.eid == 1].sum() == 0
        fasting = made.days.ramadan > 0
        eve, early = fasting & (made.days.to_fitr < 4), fasting & (made.days.ramadan < 20)
        assert days[eve].mean() > 1.5 * days[early].mean()


def test_a_boutique_rests_on_sundays_and_around_noon(years: dict[int, ShopYears]) -> None:
    made = years[BOUTIQUE]
    days = visits_by_day(made)
    assert days[(made.days.weekday == 6) & (made.days.ramadan == 0) & (made.days.eid == 0)].sum() == 0
    siesta = (made.when.hour > 13) & (made.when.hour < 15) & (made.days.ramadan[made.when.day] == 0)
    assert made.open_share[siesta & (made.days.eid[made.when.day] == 0)].max() == 0


def test_a_shop_in_algiers_opens_after_the_friday_prayer() -> None:
    made = make_years(make_shop(0, countries="EG"), UNTIL, 60)
    friday = (made.days.weekday[made.when.day] == 4) & (made.open_share > 0)
    assert not friday.any()  # a boutique: Friday is the day of rest
    market = make_years(make_shop(3, countries="TN"), UNTIL, 60)
    hours = market.when.hour[(market.days.weekday[market.when.day] == 4) & (market.open_share > 0)]
    assert not ((hours > 12) & (hours < 14.5)).any()
    assert hours.max() > 18


# What the cameras make of it.


def test_cameras_miss_some_and_count_only_while_they_look(years: dict[int, ShopYears]) -> None:
    for made in years.values():
        found = made.crossings
        ins, outs = int((found.signs == IN).sum()), int((found.signs == OUT).sum())
        watched_ins = sum(
            int(within(made.visits.came, spans).sum()) * share
            for (_, share), spans in zip(made.shop.cameras, made.watched.values(), strict=True)
        )
        assert 0.93 < ins / watched_ins < 1.0
        assert ins != outs
        for number, spans in enumerate(made.watched.values()):
            assert within(found.times[found.cameras == number], spans).all()
            assert (np.diff(spans.ravel()) > 0).all()
            assert spans[-1, 1] <= UNTIL
        assert (np.diff(found.times) >= 0).all()


def test_a_box_that_is_off_at_night_looks_by_day_only(years: dict[int, ShopYears]) -> None:
    nights = years[MALL].when.start[np.abs(years[MALL].when.hour - 5.0) < 0.2]
    assert not within(nights, years[MALL].watched["door"]).any()
    assert within(nights, years[BOUTIQUE].watched["door"]).mean() > 0.9
    assert len(years[GROCERY].watched["back"]) > 1  # power cuts and faults


def test_what_happened_without_a_network_comes_late(years: dict[int, ShopYears]) -> None:
    for made in years.values():
        found = made.crossings
        assert (found.delivered >= found.times).all()
        assert not within(found.delivered, made.offline).any()
        late = found.delivered - found.times > HOUR
        assert late.any() and late.mean() < 0.2
        assert len({tuple(span) for span in made.offline.tolist()}) == len(made.offline)


# Days, clocks and spans.


def test_hijri_days_and_holidays_are_those_of_the_calendar() -> None:
    days = days_of("TN", date(2026, 1, 1), 365)

    def at(month: int, day: int) -> int:
        return (date(2026, month, day) - days.first).days

    assert [days.ramadan[at(2, 17)], days.ramadan[at(2, 18)], days.ramadan[at(3, 19)]] == [0, 1, 30]
    assert [days.eid[at(3, 19)], days.eid[at(3, 20)], days.eid[at(3, 22)], days.eid[at(3, 23)]] == [0, 1, 3, 0]
    assert [days.to_fitr[at(3, 13)], days.to_adha[at(5, 26)], days.eid[at(5, 27)]] == [7, 1, 1]
    assert days.holiday[at(7, 25)] and days.holiday[at(1, 14)] and not days.holiday[at(3, 3)]
    assert not days.holiday[at(3, 20)]


@pytest.mark.parametrize(
    ("code", "day", "offset", "hour"), [("TN", date(2026, 6, 21), 1, 19.67), ("EG", date(2026, 12, 21), 2, 16.98)]
)
def test_the_sun_sets_when_it_does(code: str, day: date, offset: float, hour: float) -> None:
    down = sunset(COUNTRIES[code], days_of(code, day, 1), np.array([offset], np.float64))
    assert down[0] == pytest.approx(hour, abs=0.1)


def test_a_day_has_more_or_fewer_quarters_when_the_clocks_change() -> None:
    made = quarters("Africa/Casablanca", date(2026, 12, 31), 365)
    lengths = np.bincount(made.day)
    assert sorted(set(lengths.tolist())) == [92, 96, 100]
    changed = made.first + timedelta(days=int(np.flatnonzero(lengths == 100)[0]))
    assert changed == date(2026, 2, 14)  # at three in the morning of the 15th
    assert made.hour.min() > 4 and made.hour.max() < 28


spans = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 8)), max_size=6).map(
    lambda pairs: joined(np.array([(start, start + length) for start, length in pairs], np.int64).reshape(-1, 2))
)


@given(spans=spans, holes=spans)
def test_what_is_cut_out_of_spans_is_what_the_holes_cover(spans: np.ndarray, holes: np.ndarray) -> None:
    times = np.arange(60)
    left = without(spans, holes)
    assert (within(times, left) == (within(times, spans) & ~within(times, holes))).all()
    assert (np.diff(left.ravel()) > 0).all()


# Likeness.


def test_white_noise_is_known_for_what_it_is() -> None:
    rng = np.random.default_rng(1)
    weekday = np.array([1, 1, 1, 1, 1, 2, 0.5])[np.arange(700) % 7]
    shape = np.zeros(24)
    shape[10:20] = 0.1
    plain = likeness(Hours(rng.poisson(5000 * weekday[:, None] * shape).astype(float), date(2024, 1, 1)))
    assert plain.busiest_weekday == pytest.approx(2 / weekday[:7].mean(), rel=0.05)
    assert plain.busy_hours == 10 and plain.peak_hour_share == pytest.approx(0.1, rel=0.05)
    assert plain.four_weeks_over_last == pytest.approx(np.sqrt(1.25 / 2), abs=0.03)
    assert plain.hour_noise < 0.02 and abs(plain.day_memory) < 0.2


def test_made_up_shops_are_of_the_order_of_real_streets() -> None:
    """Where the hourly counts of real streets are at hand."""
    if not (SHARED / "footfall").is_dir():
        pytest.skip("no hourly counts of real streets")
    real = [likeness(hours) for hours in streets(SHARED / "footfall").values()]
    for number in range(4):
        made = likeness(visitors_by_hour(make_shop(number, visitors=20_000), UNTIL, 1095))
        for name in ("weekday_spread", "peak_hour_share", "day_noise", "day_memory", "hour_noise"):
            values = [getattr(one, name) for one in real]
            assert 0.6 * min(values) < getattr(made, name) < 1.6 * max(values), (number, name)
        assert 0.8 < made.four_weeks_over_last < 1.0
