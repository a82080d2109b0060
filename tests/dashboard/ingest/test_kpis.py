"""The GET endpoints answer with the figures that the KPI functions compute, and only to their own store's token."""

from __future__ import annotations

from collections.abc import Generator
from datetime import date
from pathlib import Path

import pytest

from metrica.dashboard.kpis.store import Store
from metrica.dashboard.reports.reports import Reports
from tests.dashboard.client import NOON, STORE, Ingest, event_document, ingest_server
from tests.dashboard.database.places import Place
from tests.dashboard.footfall import NS, at, event, footfall

TODAY = date(2026, 11, 22)
PATH = "/v1/stores/tunis-01"


@pytest.fixture(scope="module")
def server(module_place: Place) -> Generator[Ingest]:
    with ingest_server(module_place) as running:
        made = footfall("Africa/Tunis", TODAY, 40, until=NOON)
        for start in range(0, len(made), 5000):
            assert running.send(made[start : start + 5000]).status == 200
        yield running


def test_the_headline_is_that_of_the_report(server: Ingest) -> None:
    body = server.get(f"{PATH}/kpis").body
    expected = Reports(server.database).headline(STORE, NOON)
    estimate = expected.estimate
    assert (body["inside"], body["inside_margin"]) == (estimate.occupancy.people, estimate.occupancy.margin)
    assert body["inside"] > 0
    assert (body["inside_known"], body["missing_seconds"], body["emptied"]) == (True, 0, None)
    assert body["today"] == {
        "in": expected.traffic.entered,
        "out": expected.traffic.left,
        "in_last_week": expected.last_week,
    }
    assert body["inflow_per_hour"] == expected.inflow_rate
    assert estimate.dwell is not None
    assert estimate.dwell.percentiles is not None
    assert body["dwell"] == {
        "seconds": estimate.dwell.seconds,
        "sessions": estimate.dwell.sessions,
        "estimated_percentiles": {"p50": estimate.dwell.percentiles.p50, "p90": estimate.dwell.percentiles.p90},
    }
    assert expected.peak is not None
    assert body["peak"] == {"hour": expected.peak.hour, "visitors": expected.peak.visitors}
    assert body["time"] == "2026-11-22T12:00:00+01:00"


def test_the_store_says_how_old_its_data_are(server: Ingest) -> None:
    body = server.get(PATH).body
    assert (body["store"], body["timezone"], body["cutoff_hour"]) == ("tunis-01", "Africa/Tunis", 4)
    assert body["business_day"] == "2026-11-22"
    assert body["first_event"].startswith("2026-10-14T09:")
    assert body["last_event"].startswith("2026-11-22T11:5")


def test_hours_days_and_heat_map_agree(server: Ingest) -> None:
    hours = server.get(f"{PATH}/hourly").body
    days = server.get(f"{PATH}/daily?days=40").body["days"]
    heat = server.get(f"{PATH}/heatmap").body
    today = server.get(f"{PATH}/kpis").body["today"]
    assert hours["compared_with"] == "2026-11-15"
    assert sum(hour["today"] or 0 for hour in hours["hours"]) == today["in"] == days[-1]["visitors"]
    assert sum(hour["last_week"] for hour in hours["hours"]) == days[-8]["visitors"]
    assert len(days) == 40
    assert heat["hours"] == [*range(4, 24), 0, 1, 2, 3]
    sundays = [day["visitors"] for day in days[:-1] if date.fromisoformat(day["day"]).weekday() == 6]
    assert sum(heat["weekdays"][6]["visitors"]) == pytest.approx(sum(sundays) / len(sundays))


def test_an_event_counts_in_the_very_next_answer(tmp_path: Path) -> None:
    with ingest_server(tmp_path) as server:
        server.send([event(1, NOON - 2 * NS)])
        before = server.get(f"{PATH}/kpis").body
        server.send([event(2, NOON - NS)])
        after = server.get(f"{PATH}/kpis").body
    assert (after["inside"], after["today"]["in"]) == (before["inside"] + 1, before["today"]["in"] + 1)


def test_at_the_cutoff_hour_a_new_day_begins(server: Ingest) -> None:
    server.clock.now = at("Africa/Tunis", 2026, 11, 23, 4)
    try:
        body = server.get(f"{PATH}/kpis").body
    finally:
        server.clock.now = NOON
    assert (body["business_day"], body["inside"], body["today"]["in"], body["dwell"]) == ("2026-11-23", 0, 0, None)


@pytest.mark.parametrize("path", ["", "/kpis", "/hourly", "/daily", "/heatmap"])
def test_figures_of_another_store_are_403_and_answers_are_not_cached(server: Ingest, path: str) -> None:
    server.database.stores.put(Store("sfax-01", "Africa/Tunis"))
    for other in ("sfax-01", "unknown", "tunis-01%00"):
        assert server.get(f"/v1/stores/{other}{path}").status == 403
    own = server.get(f"{PATH}{path}")
    assert (own.status, own.headers["Cache-Control"]) == (200, "no-store")


@pytest.mark.parametrize("query", ["days=0", "days=36501", "days=x", "days=-1", "days=", "days=1e3", "days=٣"])
def test_a_wrong_number_in_the_query_is_one_sentence(server: Ingest, query: str) -> None:
    answer = server.get(f"{PATH}/daily?{query}")
    assert (answer.status, answer.body) == (400, {"error": "'days' must be a whole number from 1 to 36500"})


def test_any_period_can_be_asked_for_as_far_as_anything_is_known(server: Ingest) -> None:
    def days(query: str) -> list[tuple[str, int | None]]:
        return [(row["day"], row["visitors"]) for row in server.get(f"{PATH}/daily?{query}").body["days"]]

    last = days("days=28")
    assert days(f"from={last[0][0]}") == days(f"from={last[0][0]}&to={last[-1][0]}") == last
    assert days(f"to={last[-1][0]}")[-28:] == days("days=36500")[-28:] == last
    assert days(f"from={last[3][0]}&to={last[5][0]}") == last[3:6]
    assert days("from=1999-01-01&to=1999-02-01") == days("from=2199-01-01") == []
    assert len(days("from=1999-01-01")) < 400, "nothing is known of the time before"


@pytest.mark.parametrize(
    "query",
    (
        "from=2026-13-01",
        "to=yesterday",
        "from=20261101",
        "from=",
        "to=2026-W48-1",
        "from=2026-11-02&to=2026-11-01",
        "days=3&to=2026-11-01",
    ),
)
def test_a_wrong_period_is_one_sentence(server: Ingest, query: str) -> None:
    answer = server.get(f"{PATH}/daily?{query}")
    assert answer.status == 400 and set(answer.body) == {"error"}, query


def test_a_new_store_has_figures_too(server: Ingest) -> None:
    server.database.stores.put(Store("new", "Asia/Riyadh"))
    token, server.token = server.token, server.database.tokens.create("new")
    try:
        body = server.get("/v1/stores/new/kpis").body
        days = server.get("/v1/stores/new/daily?days=3").body["days"]
    finally:
        server.token = token
    assert (body["inside"], body["dwell"], body["peak"], body["last_event"]) == (0, None, None, None)
    assert [day["visitors"] for day in days] == [None] * 3


def test_an_event_from_a_clock_that_is_ahead_counts_when_its_time_has_come(server: Ingest) -> None:
    server.database.stores.put(Store("ahead", "UTC"))
    token, server.token = server.token, server.database.tokens.create("ahead")
    try:
        server.post({"v": 1, "store": "ahead", "events": [event_document(event(1, NOON + 60 * NS))]})
        now = server.get("/v1/stores/ahead/kpis").body["inside"]
        server.clock.now += 60 * NS
        then = server.get("/v1/stores/ahead/kpis").body["inside"]
    finally:
        server.token, server.clock.now = token, NOON
    assert (now, then) == (0, 1)
