"""A bad stretch leaves every figure of a running server at once, stays away, and can be brought back."""

from __future__ import annotations

import json
import time
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrica.dashboard.kpis.events import HOUR, MINUTE
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.gone import without
from metrica.dashboard.store.records import Span
from metrica.dashboard.upkeep.export import local_time
from tests.dashboard.admin.commands import Here, admin
from tests.dashboard.client import STORE, Client, packed
from tests.dashboard.footfall import at, event
from tests.dashboard.ingest.test_processes import serving

MARCH = at("Africa/Tunis", 2022, 3, 1, 12)


def stretch(since: int, until: int) -> tuple[str, ...]:
    return ("--from", local_time(since, "Africa/Tunis"), "--to", local_time(until, "Africa/Tunis"))


def figures(client: Client) -> dict[str, Any]:
    kpis = client.get("/v1/stores/tunis-01/kpis").body
    info = client.get("/v1/stores/tunis-01").body
    daily = client.get("/v1/stores/tunis-01/daily?days=400").body["days"]
    return {
        "today": kpis["today"],
        "inside": kpis["inside"],
        "first": info["first_event"],
        "known": sum(d["visitors"] is not None for d in daily),
    }


def test_a_bad_stretch_is_removed_and_a_running_server_forgets_it_at_once(here: Here) -> None:
    now = time.time_ns()
    wrong = now - 48 * HOUR
    day = datetime.fromtimestamp(wrong / 1e9, ZoneInfo(STORE.timezone)).strftime("%Y-%m-%d")
    with Database(here.place) as database:
        database.stores.put(STORE)
        token = database.tokens.create(STORE.id)
    bad = [event(0, wrong)]
    good = [event(n, now - n * MINUTE) for n in range(1, 6)]
    with serving(here.data, *here.options) as (_, address):
        client = Client(address, token)
        assert client.send([*bad, *good]).body["accepted"] == 6
        before = figures(client)
        assert before["first"][:10] == day

        shown = admin("remove-events", STORE.id, *stretch(wrong, wrong + HOUR), "--why", "clock", data=here)
        assert (shown.returncode, shown.stderr) == (0, "")
        assert f"{day}\t1 in\t0 out\n1 events would be removed" in shown.stdout
        assert figures(client) == before, "without --yes nothing is changed"

        done = admin("remove-events", STORE.id, *stretch(wrong, wrong + HOUR), "--why", "clock", "--yes", data=here)
        assert "removed 1 events: 'metrica-admin restore-events 1' brings them back" in done.stdout
        after = figures(client)
        assert after["known"] < before["known"], "no data, where it was a figure"
        assert after["first"][:10] != day
        assert after["today"] == before["today"]

        again = client.send([*bad, *good, event(77, wrong + MINUTE)])
        assert again.body == {"accepted": 1, "duplicates": 6, "refused": []}, "late ones of the stretch count as taken"
        assert figures(client) == after, "but change nothing"

        assert admin("restore-events", "1", data=here).stdout == "restored 2 events of tunis-01\n"
        assert figures(client) == before
        assert client.send([*bad, event(77, wrong + MINUTE)]).body["duplicates"] == 2


def test_events_that_a_server_has_in_its_memory_are_gone_from_its_figures_at_once(here: Here) -> None:
    now = time.time_ns()
    with Database(here.place) as database:
        database.stores.put(STORE)
        token = database.tokens.create(STORE.id)
    with serving(here.data, *here.options) as (_, address):
        client = Client(address, token)
        client.send([event(n, now - n * MINUTE // 60) for n in range(1, 41)])
        client.send([event(n, now - n * MINUTE // 60, camera="back") for n in range(1, 8)])
        before = figures(client)
        assert before["inside"] >= 45
        arguments = (
            STORE.id,
            *stretch(now - HOUR, now),
            "--camera",
            "door",
            "--why",
            "it looked at the street",
            "--yes",
        )
        assert admin("remove-events", *arguments, data=here).returncode == 0
        after = figures(client)
        assert after["inside"] <= 8
        assert after["today"]["in"] <= 7
        assert admin("restore-events", "1", data=here).returncode == 0
        assert figures(client) == before


def test_with_the_events_goes_the_coverage_so_that_the_time_is_no_data_and_not_zero(here: Here) -> None:
    noon = at("Africa/Tunis", 2026, 11, 20, 12)
    with Database(here.place) as database:
        database.events.add(STORE.id, [event(n, noon + n * MINUTE) for n in range(60)]).result()
        spans = [Span(camera="door", start=noon - 5 * HOUR, end=noon + 5 * HOUR)]
        database.coverage.add(STORE.id, spans).result()
        before = database.coverage.since(STORE.id, 0)
        here.ok("remove-events", STORE.id, *stretch(noon, noon + HOUR), "--why", "people of the removal firm", "--yes")
        cut = {"door": [(noon - 5 * HOUR, noon), (noon + HOUR, noon + 5 * HOUR)]}
        assert database.coverage.since(STORE.id, 0) == cut
        database.coverage.add(STORE.id, spans).result()
        assert database.coverage.since(STORE.id, 0) == cut, "the box says it again"
        here.ok("restore-events", "1")
        assert database.coverage.since(STORE.id, 0) == before
        database.coverage.add(STORE.id, spans).result()
        assert database.coverage.since(STORE.id, 0) == before


def test_a_camera_and_a_line_can_be_named_and_others_stay(here: Here) -> None:
    noon = at("Africa/Tunis", 2026, 11, 20, 12)
    with Database(here.place) as database:
        both = [event(n, noon + n, camera=camera) for n in range(5) for camera in ("door", "back")]
        database.events.add(STORE.id, both).result()
        sentence = here.fails(
            "remove-events", STORE.id, *stretch(noon, noon + HOUR), "--line", "main", "--why", "x", "--yes"
        )
        assert sentence == "a line's name is unique within its camera only: give --camera too"
        here.ok(
            "remove-events",
            STORE.id,
            *stretch(noon + 1, noon + 4),
            "--camera",
            "back",
            "--line",
            "main",
            "--why",
            "x",
            "--yes",
        )
        assert database.events.count(STORE.id) == 7
        here.ok(
            "remove-events",
            STORE.id,
            *stretch(noon, noon + 4),
            "--camera",
            "back",
            "--line",
            "other",
            "--why",
            "x",
            "--yes",
        )
        assert database.events.count(STORE.id) == 7


def test_removals_are_listed_and_stand_in_the_audit_log(here: Here) -> None:
    with Database(here.place) as database:
        database.events.add(STORE.id, [event(1, MARCH)]).result()
    here.ok("remove-events", STORE.id, *stretch(MARCH, MARCH + 1), "--why", "a clock in 2022", "--yes")
    assert here.ok("restore-events") == (
        "1\tremoved\t1 events\ttunis-01: from 2022-03-01T12:00:00+01:00 up to 2022-03-01T12:00:00.000000001+01:00,"
        " every camera\ta clock in 2022\n"
    )
    here.ok("restore-events", "1")
    assert here.ok("restore-events").startswith("1\trestored\t0 events\t")
    assert here.ok("restore-events", "1") == "the removal 1 was undone before: nothing is changed\n"
    lines = [json.loads(line) for line in here.ok("audit", "--action", "events", "--json").splitlines()]
    assert [line["action"] for line in lines] == ["events removed", "events restored"]
    assert lines[0]["detail"] == {"n": 1, "since": MARCH, "until": MARCH + 1, "events": 1, "why": "a clock in 2022"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nowhere", "--from", "2022-01-01", "--to", "2022-01-02"), "there is no store 'nowhere': add it with"),
        ((STORE.id, "--from", "2022-01-02", "--to", "2022-01-02"), "--to is not after --from: to remove a whole day"),
        ((STORE.id, "--from", "soon", "--to", "2022-01-02"), "'soon' is no time: write it as"),
    ],
)
def test_a_wrong_stretch_is_one_sentence(here: Here, arguments: tuple[str, ...], sentence: str) -> None:
    assert here.fails("remove-events", *arguments, "--why", "x", "--yes").startswith(sentence)


def test_a_reason_is_needed_and_a_number_that_is_none_is_said(here: Here) -> None:
    assert "give the reason" in here.fails("remove-events", STORE.id, *stretch(1, 2), "--why", " ", "--yes")
    assert here.fails("restore-events", "7") == "there is no removal 7: 'metrica-admin restore-events' lists them"


def test_a_large_stretch_is_removed_in_short_writes_and_a_server_writes_meanwhile(here: Here) -> None:
    with Database(here.place) as database:
        database.stores.put(STORE)
        token = database.tokens.create(STORE.id)
        database.events.add(STORE.id, [event(n, MARCH + n) for n in range(20_000)]).result()
    with serving(here.data, *here.options) as (_, address):
        client = Client(address, token)
        done = admin("remove-events", STORE.id, *stretch(MARCH, MARCH + HOUR), "--why", "x", "--yes", data=here)
        assert "removed 20000 events" in done.stdout
        assert client.post(None, body=packed({"v": 1, "store": STORE.id, "events": []})).status == 200
    with Database(here.place) as database:
        assert database.events.count(STORE.id) == 0
        assert database.version() > 3, "in several writes"


spans = st.tuples(st.integers(0, 50), st.integers(0, 50)).map(sorted)


@given(spans, spans)
def test_what_is_cut_and_what_is_left_are_the_whole_and_do_not_overlap(one: list[int], cut: list[int]) -> None:
    left, out = without(*one, *cut)
    parts = [set(range(*part)) for part in left]
    assert set().union(*parts) == set(range(*one)) - set(range(*cut))
    assert (set(range(*out)) if out else set()) == set(range(*one)) & set(range(*cut))
    assert all(start < end for start, end in left) or one[0] == one[1] or out is None
