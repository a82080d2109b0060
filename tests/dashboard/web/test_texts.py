"""Every text of the pages is in the catalogues and is used, and figures are written as people say them."""

from __future__ import annotations

import re
from datetime import date

import pytest
import yaml

from metrica.dashboard.kpis.events import HOUR, MINUTE, SECOND
from metrica.dashboard.kpis.footfall import Peak
from metrica.dashboard.texts import wording
from metrica.dashboard.texts.texts import LANGUAGES, texts
from tests.paths import ROOT

WEB, TEXTS = ROOT / "dashboard" / "web", ROOT / "dashboard" / "texts"
T = texts()
DAY = 24 * HOUR
SUNDAY = date(2026, 11, 22)


def test_the_catalogue_has_what_the_pages_use_and_nothing_else() -> None:
    sources = "".join(
        file.read_text() for file in [*WEB.rglob("*.py"), WEB / "login.html", *TEXTS.glob("*.py")]
    ).replace("request_texts()(", "t(")
    used = set(re.findall(r'\b(?:t|self)(?:\.many|\.item)?\(\s*"(\w+)"', sources))
    assert used == T.keys()


def test_an_unknown_text_is_an_error_and_not_a_hole() -> None:
    with pytest.raises(KeyError):
        T("no such text")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (89, "1 min"),
        (742, "12 min"),
        (3569, "59 min"),
        (3600, "1 h 00"),
        (5520, "1 h 32"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert wording.duration(seconds, T) == text


@pytest.mark.parametrize(
    ("past", "text", "dot"),
    [
        (-MINUTE, "last event just now", "live"),
        (59 * SECOND, "last event just now", "live"),
        (MINUTE, "last event 1 min ago", "live"),
        (59 * MINUTE, "last event 59 min ago", "quiet"),
        (HOUR, "last event 1 hour ago", "quiet"),
        (30 * HOUR, "last event 30 hours ago", "silent"),
        (3 * DAY, "no event for 3 days", "silent"),
    ],
)
def test_the_age_of_the_data(past: int, text: str, dot: str) -> None:
    now = 10**18
    assert (wording.age(now - past, now, T), wording.freshness(now - past, now)) == (text, dot)


def test_before_the_first_event() -> None:
    assert (wording.age(None, 1, T), wording.freshness(None, 1)) == ("waiting for the first event", "silent")


@pytest.mark.parametrize(
    ("today", "last_week", "text", "trend"),
    [
        (110, 100, "+10 % on last Sunday", "up"),
        (90, 100, "−10 % on last Sunday", "down"),
        (100, 100, "same as last Sunday", ""),
        (1001, 1000, "same as last Sunday", ""),
        (5, 0, "none last Sunday by now", "up"),
        (0, 0, "same as last Sunday", ""),
        (5, None, "", ""),
    ],
)
def test_the_comparison_with_last_week(today: int, last_week: int | None, text: str, trend: str) -> None:
    assert wording.comparison(today, last_week, SUNDAY, T) == (text, trend)


def test_hours_dates_and_numbers() -> None:
    assert wording.hour_span(23, T) == "23:00 – 0:00"
    assert wording.date_long(SUNDAY, T) == "Sunday 22 November"
    assert wording.date_short(SUNDAY, T) == "Sun 22 Nov"
    assert wording.number(12345, T) == "12,345"
    assert wording.peak_note(Peak(17, 1), None, T) == "1 visitor"
    assert wording.peak_note(None, Peak(18, 3.2), T) == "no visitors yet today · usually 18:00 – 19:00"


def test_every_figure_of_the_page_is_explained() -> None:
    ids = {
        i for i in re.findall(r'id="((?:kpi|chart)-[a-z-]+)"', page_source()) if not i.endswith(("-note", "-margin"))
    }
    named = {f"kpi-{name}" for name in re.findall(r'_tile\("(\w+)"', page_source())}
    named |= {f"chart-{name}" for name in re.findall(r'_chart\("(\w+)"', page_source())}
    documented = set(re.findall(r"`((?:kpi|chart)-[a-z-]+)`", (ROOT / "docs" / "kpis.md").read_text()))
    assert len(named) == 6
    assert ids | named == documented


def page_source() -> str:
    return (WEB / "page.py").read_text()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything_with_the_same_figures_in_it(language: str) -> None:
    english, other = (yaml.safe_load((TEXTS / f"texts_{code}.yaml").read_text()) for code in ("en", language))
    assert list(other) == list(english), "the same keys in the same order"
    for key, text in english.items():
        translated = other[key]
        if isinstance(text, list):
            assert len(translated) == len(text)
        elif isinstance(text, dict):
            assert set(translated) == ({"one", "two", "few", "many", "other"} if language == "ar" else {"one", "other"})
            assert "{n}" in translated["other"]
        else:
            assert placeholders(translated) == placeholders(text), key


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"(?<!{){(\w+)", text)) | set(re.findall(r"%{{([\w:.,]+)}}", text))


def test_numbers_and_plurals_are_those_of_the_language() -> None:
    french, arabic = texts("fr"), texts("ar")
    assert (french.number(12345), arabic.number(12345)) == ("12\u202f345", "12,345")
    assert [french.many("peak_note", n) for n in (0, 1, 2)] == ["0 visiteur", "1 visiteur", "2 visiteurs"]
    text = [arabic.many("peak_note", n) for n in (1, 2, 3, 10, 11, 99, 100, 103)]
    assert text == [
        "زائر واحد", "زائران", "3 زوار", "10 زوار", "11 زائرًا", "99 زائرًا", "100 زائر", "103 زوار"
    ]  # fmt: skip
    assert (arabic.direction, french.direction) == ("rtl", "ltr")
