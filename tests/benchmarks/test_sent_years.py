"""Made-up years that were sent over HTTP are in the database, each event once, and every span of coverage."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from benchmarks.chaos.server import IngestServer
from benchmarks.years.__main__ import main
from benchmarks.years.sending import messages
from benchmarks.years.shop import make_shop
from benchmarks.years.shop_years import make_years
from metrica.dashboard.kpis.events import SECOND
from metrica.dashboard.store.coverage import joined
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Span

UNTIL = "2026-11-20T14:00"
UNTIL_NS = 1_795_183_200 * SECOND


def test_all_that_was_counted_is_sent_in_the_order_in_which_the_box_sends_it() -> None:
    made = make_years(make_shop(1), UNTIL_NS, 200)
    sent = list(messages(made, 500))
    assert [when for when, _, _ in sent] == sorted(when for when, _, _ in sent)
    events = [event for _, what, items in sent if what == "events" for event in items]
    assert sorted(str(event["id"]) for event in events) == sorted(
        str(event["id"]) for event in made.bodies(np.arange(len(made.crossings)))
    )
    assert [event["time"] for event in events] != sorted(event["time"] for event in events)  # some came late
    assert max(len(items) for _, _, items in sent) == 500
    told = joined([Span.model_validate(span) for _, what, items in sent if what == "watched" for span in items])
    assert told == joined(made.spans())


@pytest.mark.timeout(120)
def test_the_database_has_what_was_sent_and_has_it_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--stores", "2", "--days", "6", "--visitors", "60", "--until", UNTIL, "--batch", "100"]
    assert main(["--data", str(tmp_path), *options]) == 0
    first = capsys.readouterr().out
    shops = [make_shop(number, visitors=60) for number in range(2)]
    years = {shop.id: make_years(shop, UNTIL_NS, 6) for shop in shops}
    total = sum(len(made.crossings) for made in years.values())
    assert first.startswith(f"{total} events and ") and "(0 duplicates, 0 refused," in first
    assert total > 500
    assert main(["--data", str(tmp_path), *options]) == 0
    assert f"({total} duplicates, 0 refused," in capsys.readouterr().out
    with closing(sqlite3.connect(tmp_path / "metrica.db")) as database:
        for shop, made in years.items():
            rows = database.execute(
                "SELECT id, camera, line, direction, track, time FROM events WHERE store = ? ORDER BY id", (shop,)
            ).fetchall()
            assert rows == sorted(
                (e.id, e.camera, e.line, 1 if e.direction == "in" else -1, e.track, e.time) for e in made.events()
            )
            spans = database.execute('SELECT camera, start, "end" FROM watched WHERE store = ?', (shop,)).fetchall()
            assert sorted(spans) == [(s.camera, s.start, s.end) for s in joined(made.spans())]


@pytest.mark.timeout(120)
def test_postgresql_has_what_was_sent_too(tmp_path: Path, postgresql: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--stores", "2", "--days", "3", "--visitors", "40", "--until", UNTIL, "--countries", "MA"]
    assert main(["--data", str(tmp_path), "--database", postgresql, *options]) == 0
    assert "(0 duplicates, 0 refused," in capsys.readouterr().out
    with Database(postgresql) as database:
        for number in range(2):
            shop = make_shop(number, visitors=40, countries="MA")
            made = make_years(shop, UNTIL_NS, 3)
            assert database.events.count(shop.id) == len(made.crossings) > 0
    assert not (tmp_path / "metrica.db").exists()


def test_a_server_that_takes_nothing_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tokens = tmp_path / "tokens.json"
    tokens.write_text(json.dumps({"shop-00000": "a token that nobody gave"}))
    with IngestServer(tmp_path / "data", stores=()) as server:
        assert main(["--url", server.address, "--tokens", str(tokens), "--days", "2"]) == 1
    assert "/v1/events did not take a batch of shop-00000: 401" in capsys.readouterr().err


def test_a_country_without_days_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path / "data"), "--stores", "1", "--days", "1", "--countries", "FR"]) == 1
    assert "there are no days for the country 'FR': use TN, DZ, MA, LY, EG" in capsys.readouterr().err
