"""An alert as a sentence, in the language of whoever is told."""

from __future__ import annotations

from dataclasses import dataclass

from metrica.dashboard.alerts.alert import Alert
from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.texts.texts import Texts, texts

_TIMES = ("ends",)
"""The facts that are times, ns UTC."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What is sent."""

    title: str
    """The store and what is wrong, in some words."""
    sentence: str
    """All of it, with what to do."""


def in_words(alert: Alert, *, over: bool, language: str, timezone: str) -> Wording:
    """Say an alert, or that it is over. timezone: the store's, in which times are said."""
    t = texts(language, "alerts")
    facts = {name: _moment(int(fact), timezone, t) if name in _TIMES else fact for name, fact in alert.facts.items()}
    sentence = t(
        f"{alert.kind}_over" if over else alert.kind,
        subject=alert.subject,
        since=_moment(alert.since, timezone, t),
        **facts,
    )
    title = t("title_over" if over else "title", store=alert.store or t("server"), what=t(f"{alert.kind}_what"))
    return Wording(title, sentence)


def trial_wording(language: str) -> Wording:
    """Return what `metrica-admin alert test` sends."""
    t = texts(language, "alerts")
    return Wording(t("title", store=t("server"), what=t("test_what")), t("test"))


def _moment(time: int, timezone: str, t: Texts) -> str:
    local = Calendar(timezone).local(time)
    return t("moment", year=local.year, month=local.month, day=local.day, hour=local.hour, minute=local.minute)
