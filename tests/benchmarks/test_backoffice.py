"""The measurements of the back office, with little data: they measure what they say, and find what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.backoffice.figures import GOALS, Findings, json_line, lines, meets, percentile
from benchmarks.backoffice.growth import Sizes, growth
from benchmarks.backoffice.kills import kills
from benchmarks.backoffice.places import Kind, Places
from benchmarks.backoffice.rush import rush
from benchmarks.backoffice.speed import speed
from benchmarks.backoffice.sums import counts, mismatches
from benchmarks.years.shop import make_shop
from benchmarks.years.shop_years import make_years
from metrica.dashboard.store.database import Database
from tests.dashboard.database.server import programs

UNTIL = 1_795_183_200_000_000_000


def test_a_figure_keeps_its_worst_value_and_is_held_against_its_goal() -> None:
    found = Findings()
    for value in (20.0, 60.0, 30.0):
        found.worst("kpi_p95_ms", value)
    for value in (0.9, 0.7, 0.95):
        found.worst("ingest_over_raw_sqlite", value)
    found.worst("rush_p99_ms", 5000.0)
    assert found.figures == {"kpi_p95_ms": 60.0, "ingest_over_raw_sqlite": 0.7, "rush_p99_ms": 5000.0}
    assert [meets(name, value) for name, value in found.figures.items()] == [False, False, True]
    assert meets("rollup_mismatches", 0) and not meets("rollup_mismatches", 1)
    said = {line.split()[0]: line for line in lines(found)}
    assert set(said) == set(GOALS)
    assert said["kpi_p95_ms"].endswith("60.00  goal <= 50     NOT MET")
    assert said["rollup_mismatches"].endswith("not measured")
    assert json.loads(json_line(found))["kpi_p95_ms"] == 60.0
    assert percentile(range(100), 95) == 95 and percentile([7.0], 99) == 7.0


def test_a_sum_that_is_wrong_is_found(place: Path | str) -> None:
    shop = make_shop(2, visitors=40)
    made = make_years(shop, UNTIL, 4)
    with Database(place) as database:
        database.stores.put(shop.store)
        database.events.add(shop.id, made.events()).result()
        database.coverage.add(shop.id, made.spans()).result()
    assert mismatches(place) == 0
    assert counts(place) == {shop.id: len(made.crossings)}
    for change, at_least in (
        ("UPDATE quarters SET entered = entered + 1 WHERE quarter = (SELECT min(quarter) FROM quarters)", 1),
        ("DELETE FROM quarters WHERE quarter = (SELECT max(quarter) FROM quarters)", 2),
        ("UPDATE looked SET ns = ns - 1 WHERE quarter = (SELECT max(quarter) FROM looked)", 3),
    ):
        with Database(place) as database:
            database.write(lambda db, change=change: db.execute(change)).result()
        assert mismatches(place) >= at_least


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> Kind:
    if request.param == "postgresql" and programs() is None:
        pytest.skip("no PostgreSQL: install Debian's package postgresql")
    found: Kind = request.param
    return found


@pytest.mark.timeout(400)
def test_every_figure_is_asked_for_in_every_state() -> None:
    kind: Kind = "sqlite"
    found = Findings()
    with Places(kind) as places:
        growth(places, Sizes(stores=1, days=40, visitors=30, rounds=2), found)
    states = found.detail[f"growth {kind}"]["states"]
    assert set(states) == {"day", "outage", "night"}
    for state in states.values():
        assert {"api kpis", "api hourly", "api daily", "api heatmap", "page store-name", "page chart-hourly"} < set(
            state
        )
    assert found.figures["kpi_p95_ms"] > 0 and found.figures["kpi_three_years_over_one_month"] > 0
    shrunk = found.detail[f"size {kind}"]
    assert shrunk["events"] > 500 and shrunk["figures_changed"] == 0
    assert found.figures["bytes_per_event_year"] > 0
    assert found.problems == []


@pytest.mark.timeout(400)
def test_killed_processes_leave_right_sums(kind: Kind) -> None:
    found = Findings()
    with Places(kind) as places:
        kills(places, 5 if kind == "postgresql" else 3, found)
    said = found.detail[f"kills {kind}"]
    assert said["events"] > 1000 and said["lost_or_doubled"] == 0
    assert said["of_the_server"] == (1 if kind == "postgresql" else 0)
    assert found.figures == {"rollup_mismatches": 0} and found.problems == []


@pytest.mark.timeout(400)
def test_http_and_the_database_itself_are_timed_with_the_same_events(kind: Kind) -> None:
    found = Findings()
    with Places(kind) as places:
        speed(places, 4000, found)
        assert sum(counts(places.folder / "speed" / "metrica.db").values() if kind == "sqlite" else [20_000]) == 20_000
    said = found.detail[f"ingest_over_raw_{kind}"]
    assert {
        "http_events_per_second",
        "executemany_events_per_second" if kind == "sqlite" else "copy_events_per_second",
    } <= set(said)
    assert all(value > 0 for value in said.values()) and found.figures[f"ingest_over_raw_{kind}"] > 0


@pytest.mark.timeout(400)
def test_a_rush_loses_and_doubles_nothing() -> None:
    if programs() is None:
        pytest.skip("no PostgreSQL: install Debian's package postgresql")
    found = Findings()
    with Places("postgresql") as places:
        rush(places, 40, 0.05, found)
    assert found.problems == []
    assert found.figures["rush_lost_or_doubled"] == 0 and found.figures["rollup_mismatches"] == 0
    assert 0 < found.figures["rss_mb_per_process"] < 500
    phases = found.detail["rush"]
    assert phases["rush"]["events_per_second"] > 5 * phases["ordinary"]["events_per_second"] > 0
    assert {"events", "watched", "pages"} < set(phases["ordinary"])
