"""`GET /v1/stores/{store}/export`: the rows of `metrica-admin export`, and a slow download holds nothing up."""

from __future__ import annotations

import csv
import io
import json
import socket
import sqlite3
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from metrica.dashboard.ingest.schemas.exports import Exported
from metrica.dashboard.kpis.events import HOUR, MINUTE
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people.api_tokens import ApiTokenTable
from metrica.dashboard.people.members import MemberTable
from metrica.dashboard.people.organisations import MAIN, OrganisationTable
from metrica.dashboard.people.rights import FIGURES, Role
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Span
from metrica.dashboard.upkeep import export
from tests.dashboard.client import NOON, STORE, Client, Ingest, ingest_server
from tests.dashboard.footfall import at, event

EXPORT = "/v1/stores/tunis-01/export"
NINE = at("Africa/Tunis", 2026, 11, 20, 9)


@pytest.fixture
def server(tmp_path: Path) -> Generator[Ingest]:
    with ingest_server(tmp_path) as running:
        yield running


@pytest.fixture
def filled(server: Ingest) -> Ingest:
    """Two days: nobody looked from 12:00 to 14:00 on the first, and on the second nobody has come yet."""
    crossings = [event(n, NINE + n * 20 * MINUTE, "in" if n % 3 else "out") for n in range(9)]
    assert server.send(crossings).status == 200
    looked = [
        Span(camera="door", start=NINE, end=NINE + 3 * HOUR),
        Span(camera="door", start=NINE + 5 * HOUR, end=NOON),
    ]
    server.database.coverage.add(STORE.id, looked).result()
    return server


def rows(server: Ingest, query: str) -> list[dict[str, Any]]:
    answer = server.get(f"{EXPORT}?{query}")
    assert answer.status == 200, answer.body
    found: list[dict[str, Any]] = answer.body
    return found


@pytest.mark.parametrize("what", ["days", "hours", "quarters", "events", "coverage", "heatmap"])
def test_the_three_formats_have_the_same_rows(filled: Ingest, what: str) -> None:
    as_json = rows(filled, f"what={what}&from=2026-11-20&to=2026-11-22")
    assert as_json
    lines = filled.get(f"{EXPORT}?what={what}&from=2026-11-20&to=2026-11-22&format=jsonl")
    assert [json.loads(line) for line in lines.body.splitlines()] == as_json
    text = filled.get(f"{EXPORT}?what={what}&from=2026-11-20&to=2026-11-22&format=csv")
    table = list(csv.DictReader(io.StringIO(text.body.decode(), newline="")))
    assert table == [{name: "" if v is None else str(v) for name, v in row.items()} for row in as_json]
    assert text.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert text.headers["Content-Disposition"] == f'attachment; filename="tunis-01-{what}.csv"'
    parsed = Exported.model_validate(as_json)  # as the OpenAPI document says
    assert {type(row).__name__ for row in parsed.root} == {
        {
            "days": "ExportedDay",
            "hours": "ExportedHour",
            "quarters": "ExportedQuarter",
            "events": "ExportedEvent",
            "coverage": "ExportedSpan",
            "heatmap": "ExportedMean",
        }[what]
    }


def test_the_figures_are_sums_of_the_events_and_what_nobody_saw_is_null(filled: Ingest) -> None:
    days = rows(filled, "what=days")
    columns = ("store", "business_day", "entered", "left", "missing_hours")
    assert [{name: day[name] for name in columns} for day in days] == [
        {"store": "tunis-01", "business_day": "2026-11-20", "entered": 6, "left": 3, "missing_hours": 2.0},
        {"store": "tunis-01", "business_day": "2026-11-21", "entered": 0, "left": 0, "missing_hours": 0.0},
        {"store": "tunis-01", "business_day": "2026-11-22", "entered": 0, "left": 0, "missing_hours": 0.0},
    ]
    hours = {row["hour"][11:16]: row for row in rows(filled, "what=hours&from=2026-11-20&to=2026-11-21")}
    assert hours["13:00"]["entered"] is None and hours["13:00"]["missing"] == 1.0
    assert hours["15:00"]["entered"] == 0
    quarters = rows(filled, "what=quarters&from=2026-11-20&to=2026-11-21")
    assert sum(q["entered"] for q in quarters) == 6 and sum(q["left"] for q in quarters) == 3
    assert quarters[0] == {
        "store": "tunis-01",
        "quarter": "2026-11-20T09:00:00+01:00",
        "business_day": "2026-11-20",
        "camera": "door",
        "line": "main",
        "entered": 0,
        "left": 1,
    }
    shown = {day["day"]: day["visitors"] for day in filled.get("/v1/stores/tunis-01/daily?days=3").body["days"]}
    assert {day["business_day"]: day["entered"] for day in days} == shown  # the figures of the pages


def test_the_heat_map_is_that_of_the_page(filled: Ingest) -> None:
    shown = filled.get("/v1/stores/tunis-01/heatmap").body
    means = [mean for weekday in shown["weekdays"] for mean in weekday["visitors"]]
    exported = rows(filled, "what=heatmap")
    assert [row["visitors"] for row in exported] == means and any(means)
    assert [row["hour"] for row in exported] == shown["hours"] * 7
    assert [row["visitors"] for row in rows(filled, "what=heatmap&from=2026-11-20&to=2026-11-21T00:00")] == [
        mean if row["weekday"] == "friday" else None for row, mean in zip(exported, means, strict=True)
    ]


def test_a_business_day_is_whole_although_the_time_asked_for_ends_in_it(filled: Ingest) -> None:
    (day,) = rows(filled, "what=days&from=2026-11-20&to=2026-11-20T10:00")
    assert day["entered"] == 6


def test_excel_gets_its_byte_order_mark_and_no_formula(server: Ingest) -> None:
    server.send([event(1, NOON, camera="=1+1")])
    text = server.get(f"{EXPORT}?what=events&format=csv&bom=1").body.decode()
    assert text.startswith("\ufeffstore,time,camera") and ",'=1+1," in text
    assert not server.get(f"{EXPORT}?what=events&format=csv").body.startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("what=secrets", "'what' must be one of days"),
        ("format=xlsx", "'format' must be one of json"),
        ("from=yesterday", "is no time"),
        ("from=2026-11-21&to=2026-11-20", "not after"),
        ("bom=2", "'bom' must be"),
    ],
)
def test_what_cannot_be_exported_is_said(server: Ingest, query: str, words: str) -> None:
    answer = server.get(f"{EXPORT}?{query}")
    assert answer.status == 400 and words in answer.body["error"]


def test_no_token_opens_another_store(server: Ingest) -> None:
    assert server.get("/v1/stores/sfax-01/export").status == 403
    assert server.request("GET", EXPORT, headers={"Authorization": "Bearer nonsense"}).status == 401


def test_an_owner_exports_all_stores_of_a_group_and_nobody_elses(server: Ingest) -> None:
    database = server.database
    OrganisationTable(database).add("medina", "La Médina")
    for store, zone in (("paris-01", "Europe/Paris"), ("sfax-01", "Africa/Tunis"), ("ours-02", "Africa/Tunis")):
        database.stores.put(Store(store, zone))
        database.events.add(store, [event(1, NOON)]).result()
    OrganisationTable(database).move_store("sfax-01", "medina")
    labels = [("paris-01", "group", "coast"), ("sfax-01", "group", "coast")]
    database.write(lambda db: db.executemany("INSERT INTO store_labels VALUES (?, ?, ?)", labels)).result()
    MemberTable(database).add(MAIN, "amel", "hash", Role.OWNER)
    token, _ = ApiTokenTable(database).create("amel", [FIGURES])
    owner = Client(server.address, token)
    everything = owner.get("/v1/export?what=events").body
    assert [row["store"] for row in everything] == ["ours-02", "paris-01"]
    assert [row["store"] for row in owner.get("/v1/export?what=events&group=coast").body] == ["paris-01"]
    assert owner.get("/v1/export?what=events&tag=nothing").body == []
    text = owner.get("/v1/export?what=days&group=coast&format=csv")
    assert text.headers["Content-Disposition"] == 'attachment; filename="coast-days.csv"'
    assert owner.get("/v1/export?from=never").status == 400
    assert [
        row["store"] for row in server.get("/v1/export?what=events").body
    ] == []  # a box, and its own store is empty


def _stalled(server: Ingest, query: str) -> socket.socket:
    """Ask for an export, and read nothing of the answer."""
    host, _, port = server.address.removeprefix("http://").partition(":")
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect((host, int(port)))
    request = f"GET {EXPORT}?{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.token}\r\n\r\n"
    sock.sendall(request.encode())
    return sock


def test_a_slow_download_is_read_no_faster_and_holds_no_transaction(
    server: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = 0
    wide = "x" * 1000

    def many(database: Database, *_: object) -> Iterator[export.Row]:
        nonlocal given
        for n in range(60_000):  # 60 MB
            if n % 1000 == 0:
                database.rows("SELECT count(*) FROM events")
            given += 1
            yield {"time": wide}

    monkeypatch.setitem(export.KINDS, "events", (many, ("time",)))
    sock = _stalled(server, "what=events&format=csv")
    try:
        before = -1
        while given != before or not given:
            before = given
            time.sleep(0.5)
        assert 0 < given < 30_000
        server.send([event(1, NOON)])
        with sqlite3.connect(server.database.path) as other:
            busy = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        assert busy == 0  # somebody who reads in a transaction would keep the log from being emptied
    finally:
        sock.close()


def test_only_so_many_exports_of_a_store_at_a_time(server: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    def many(*_: object) -> Iterator[export.Row]:
        for _n in range(60_000):
            yield {"time": "x" * 1000}

    monkeypatch.setitem(export.KINDS, "events", (many, ("time",)))
    stalled = [_stalled(server, "what=events&format=csv") for _ in range(2)]
    try:
        end = time.monotonic() + 20
        while (answer := server.get(f"{EXPORT}?what=days")).status != 429:
            assert time.monotonic() < end
        assert "one of them is through" in answer.body["error"]
        assert "metrica_ingest_exports 2.0" in server.metrics()
        for sock in stalled:
            sock.close()
        while server.get(f"{EXPORT}?what=days").status != 200:
            assert time.monotonic() < end
    finally:
        for sock in stalled:
            sock.close()


def test_an_export_that_breaks_off_is_never_taken_for_the_whole(
    server: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    import urllib3

    from metrica.dashboard.database.errors import DatabaseError

    def broken(*_: object) -> Iterator[export.Row]:
        for _n in range(1000):
            yield {"time": "x" * 1000}
        raise DatabaseError("the disk is on fire")

    monkeypatch.setitem(export.KINDS, "events", (broken, ("time",)))
    with pytest.raises(urllib3.exceptions.HTTPError):
        server.get(f"{EXPORT}?what=events&format=csv")

    def broken_at_once(*_: object) -> Iterator[export.Row]:
        raise DatabaseError("the disk is on fire")
        yield {}

    monkeypatch.setitem(export.KINDS, "events", (broken_at_once, ("time",)))
    assert server.get(f"{EXPORT}?what=events").status == 503


def test_an_export_ends_when_the_token_does(server: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    import urllib3

    from metrica.dashboard.ingest import export_routes

    def many(database: Database, *_: object) -> Iterator[export.Row]:
        for n in range(1000):
            if n == 500 and revoked:
                (token,) = database.tokens.of_store(STORE.id)
                assert database.tokens.revoke(STORE.id, token.key)
            yield {"time": "x" * 1000}

    revoked: list[bool] = []
    monkeypatch.setattr(export_routes, "_ASK_AGAIN", 0.0)
    monkeypatch.setitem(export.KINDS, "events", (many, ("time",)))
    assert len(server.get(f"{EXPORT}?what=events&format=csv").body) > 1_000_000
    revoked.append(True)
    with pytest.raises(urllib3.exceptions.HTTPError):
        server.get(f"{EXPORT}?what=events&format=csv")
