"""Times as an administrator writes them: what is exported can be read again, what is ambiguous is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica.dashboard.admin.shared.times import parse_time
from metrica.dashboard.upkeep.export import local_time
from tests.dashboard.footfall import at

ZONES = ("Africa/Tunis", "Europe/Paris", "Africa/Casablanca", "Asia/Kathmandu", "America/St_Johns", "UTC")


@given(st.integers(0, 4_000_000_000 * 10**9), st.sampled_from(ZONES))
def test_a_time_that_was_written_is_read_to_the_nanosecond(moment: int, zone: str) -> None:
    assert parse_time(local_time(moment, zone), "Pacific/Auckland") == moment


@given(st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1)), st.sampled_from(ZONES))
def test_without_an_offset_it_is_the_time_that_the_zones_clocks_show_once(plain: datetime, zone: str) -> None:
    text = plain.isoformat()
    shown = [
        found
        for fold in (0, 1)
        if (found := plain.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC))
        .astimezone(ZoneInfo(zone)).replace(tzinfo=None) == plain
    ]  # fmt: skip
    if len(set(shown)) == 1:
        assert parse_time(text, zone) // 1000 == round(
            (shown[0] - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1e6
        )
    else:
        with pytest.raises(ValueError, match="the clocks of"):
            parse_time(text, zone)


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_one_sentence(text: str) -> None:
    try:
        assert 0 <= parse_time(text, "Africa/Tunis") < 1 << 63
    except ValueError as error:
        assert "\n" not in str(error).replace(text, "")


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("2026-11-28", (2026, 11, 28)),
        ("2026-11-28T14:30", (2026, 11, 28, 14, 30)),
        (" 2026-11-28 14:30:05 ", (2026, 11, 28, 14, 30, 5)),
        ("2026-11-28T13:30:05Z", (2026, 11, 28, 14, 30, 5)),
        ("2026-11-28T15:30:05+0200", (2026, 11, 28, 14, 30, 5)),
        ("2026-11-28 08:00:05-05:30", (2026, 11, 28, 14, 30, 5)),
    ],
)
def test_how_a_time_may_be_written(text: str, fields: tuple[int, ...]) -> None:
    assert parse_time(text, "Africa/Tunis") == at("Africa/Tunis", *fields)


@pytest.mark.parametrize(
    ("text", "zone", "sentence"),
    [
        ("yesterday", "UTC", "'yesterday' is no time: write it as 2026-11-28"),
        ("28/11/2026", "UTC", "is no time: write it as"),
        ("2026-02-30", "UTC", "is no time (day is out of range for month)"),
        ("2026-11-28T24:00", "UTC", "is no time (hour must be in 0..23)"),
        ("1969-12-31", "UTC", "cannot be meant: give a time from 1970"),
        ("2026-03-29T02:30", "Europe/Paris", "the clocks of Europe/Paris skip it"),
        ("2026-10-25T02:30", "Europe/Paris", "show it twice, give the offset too, such as 2026-10-25T02:30+0200"),
        ("2026-10-25T02:30+01:75", "UTC", "an offset has at most 59 minutes"),
        ("0001-01-01T00:00+14:00", "UTC", "cannot be meant"),
    ],
)
def test_what_is_no_time_is_one_sentence(text: str, zone: str, sentence: str) -> None:
    with pytest.raises(ValueError) as found:
        parse_time(text, zone)
    assert sentence in str(found.value)
