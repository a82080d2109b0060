"""What is exported is complete, in the store's own time, safe in a spreadsheet, and never a zero for no data."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from metrica.dashboard.admin.shared.times import parse_time
from metrica.dashboard.kpis.events import HOUR, MINUTE
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Event, Span
from metrica.dashboard.upkeep import export
from metrica.dashboard.upkeep.export_formats import safe_cell
from tests.dashboard.admin.commands import COMMAND, Here, admin
from tests.dashboard.client import STORE, ManualClock
from tests.dashboard.footfall import at, event

NOON = at("Africa/Tunis", 2026, 11, 20, 12)


def rows(here: Here, *arguments: str, store: str = STORE.id) -> list[dict[str, str]]:
    """What an export as CSV holds."""
    target = here.data / "export.csv"
    target.unlink(missing_ok=True)
    here.ok("export", store, *arguments, "--output", str(target))
    return list(csv.DictReader(io.StringIO(target.read_text("utf-8"), newline="")))


def test_every_event_is_there_once_in_order_with_its_local_time(here: Here) -> None:
    clash = [event(n, NOON + n % 7, "in" if n % 3 else "out") for n in range(500)]
    with Database(here.place) as database:
        database.events.add(STORE.id, clash).result()
        database.stores.put(Store("sfax-01", "UTC"))
        database.events.add("sfax-01", [event(1, NOON)]).result()
    export._PIECE, piece = 64, export._PIECE  # pyright: ignore[reportPrivateUsage]
    try:
        found = rows(here)
    finally:
        export._PIECE = piece  # pyright: ignore[reportPrivateUsage]
    assert sorted(row["id"] for row in found) == sorted(e.id for e in clash)
    times = [parse_time(row["time"], "UTC") for row in found]
    assert times == sorted(e.time for e in clash)
    assert found[0]["time"] == "2026-11-20T12:00:00+01:00"
    assert set(found[0]) == {"time", "camera", "line", "direction", "id", "track", "received"}
    asked = rows(here, "--from", "2026-11-20T12:00:00.000000002", "--to", "2026-11-20T12:00:00.000000003")
    assert {row["time"] for row in asked} == {"2026-11-20T12:00:00.000000002+01:00"}


def test_json_lines_are_the_same_rows_with_their_types(here: Here) -> None:
    with Database(here.place) as database:
        database.events.add(STORE.id, [event(7, NOON + 5)]).result()
    ended = admin("export", STORE.id, "--format", "jsonl", data=here)
    (row,) = [json.loads(line) for line in ended.stdout.splitlines()]
    assert (row["time"], row["direction"], row["track"]) == ("2026-11-20T12:00:00.000000005+01:00", "in", 7)
    assert ended.stderr == ""


def test_a_name_that_is_a_formula_is_text_in_a_spreadsheet_and_itself_in_json(here: Here) -> None:
    evil = '=HYPERLINK("http://evil.example";"click")'
    with Database(here.place) as database:
        crossing = Event(id="+1", camera=evil, line="@SUM(1)", direction="in", track=1, time=NOON)
        database.events.add(STORE.id, [crossing]).result()
        database.coverage.add(STORE.id, [Span(camera=" -2", start=NOON, end=NOON + HOUR)]).result()
    (row,) = rows(here)
    assert (row["camera"], row["line"], row["id"]) == (f"'{evil}", "'@SUM(1)", "'+1")
    assert rows(here, "--what", "coverage")[0]["camera"] == "' -2"
    assert json.loads(admin("export", STORE.id, "--format", "jsonl", data=here).stdout)["camera"] == evil


@given(st.one_of(st.text(max_size=20), st.integers(), st.none()))
def test_no_cell_begins_like_a_formula_and_others_stay_as_they_are(value: str | int | None) -> None:
    cell = safe_cell(value)
    if isinstance(cell, str):
        assert cell.lstrip(" ")[:1] not in (
            "=",
            "+",
            "-",
            "@",
            "\t",
            "\r",
            "\n",
            "\uff1d",
            "\uff0b",
            "\uff0d",
            "\uff20",
        )
        assert cell in (value, f"'{value}")
    else:
        assert cell == value


def test_an_hour_in_which_no_camera_looked_is_empty_and_never_zero(here: Here) -> None:
    clock = ManualClock(NOON + 10 * HOUR)
    with Database(here.place, clock=clock) as database:
        crossings = [event(n, NOON + n * MINUTE, "in" if n % 2 else "out") for n in range(10)]
        database.events.add(STORE.id, crossings).result()
        looked = [(NOON - HOUR, NOON + 2 * HOUR), (NOON + 4 * HOUR, NOON + 10 * HOUR)]
        database.coverage.add(STORE.id, [Span(camera="door", start=a, end=b) for a, b in looked]).result()
        found = {
            str(row["hour"])[11:16]: (row["entered"], row["left"], row["missing"])
            for row in export.hours(database, STORE, 0, 1 << 62)
        }
    assert found["12:00"] == (5, 5, 0.0)
    assert found["13:00"] == (0, 0, 0.0), "looked at, and nobody came"
    assert found["14:00"] == found["15:00"] == (None, None, 1.0)
    assert found["16:00"] == (0, 0, 0.0)
    assert "11:00" not in found, "before the first event"
    assert max(found) == "22:00", "not beyond now"
    written = {row["hour"][11:16]: row["entered"] for row in rows(here, "--what", "hours", "--to", "2026-11-20T16:00")}
    assert (written["12:00"], written["13:00"], written["14:00"]) == ("5", "0", "")


def test_what_a_day_taught_and_the_heat_map_are_written_too(here: Here) -> None:
    with Database(here.place, clock=ManualClock(NOON + 24 * HOUR)) as database:
        crossings = [event(n, NOON + n * MINUTE, "in" if n < 20 else "out") for n in range(40)]
        database.events.add(STORE.id, crossings).result()
    (day,) = rows(here, "--what", "days", "--to", "2026-11-21")
    assert (day["visits"], day["mean_dwell"], day["missing_hours"]) == ("20.0", "1200.0", "0.0")
    assert (day["peak_hour"], day["peak_entered"]) == ("2026-11-20T12:00:00+01:00", "20")
    listed = rows(here, "--what", "heatmap", "--from", "2026-11-20", "--to", "2026-11-21")
    means = {(row["weekday"], row["hour"]): row["visitors"] for row in listed}
    assert (means["friday", "12"], means["friday", "13"], means["friday", "11"]) == ("20.0", "0.0", "")
    assert len(means) == 7 * 24


def test_the_hours_of_a_clock_change_are_apart_and_add_up(here: Here) -> None:
    paris = Store("paris-01", "Europe/Paris")
    begin = at("Europe/Paris", 2026, 10, 25, 0)
    clock = ManualClock(begin + 30 * HOUR)
    with Database(here.place, clock=clock) as database:
        database.stores.put(paris)
        database.events.add(paris.id, [event(n, begin + n * 10 * MINUTE) for n in range(150)]).result()
        listed = list(export.hours(database, paris, 0, 1 << 62))
    hours = [str(row["hour"]) for row in listed]
    assert hours[2:4] == ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"]
    assert len(set(hours)) == len(hours)
    assert [row["entered"] for row in listed[:25]] == [6] * 25
    assert sum(int(row["entered"] or 0) for row in listed) == 150


def test_the_hours_of_many_weeks_are_those_of_the_events(here: Here) -> None:
    clock = ManualClock(NOON)
    with Database(here.place, clock=clock) as database:
        times = [NOON - n * 7 * HOUR - n * MINUTE for n in range(400)]
        database.events.add(STORE.id, [event(n, t) for n, t in enumerate(times)]).result()
        listed = list(export.hours(database, STORE, 0, 1 << 62))
    assert sum(int(row["entered"] or 0) for row in listed) == 400
    starts = [parse_time(str(row["hour"]), "UTC") for row in listed]
    assert {b - a for a, b in itertools.pairwise(starts)} == {HOUR}


def test_an_export_is_written_whole_by_its_owner_only_and_never_over_a_file(here: Here, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    here.ok("export", STORE.id, "--output", str(target))
    assert target.read_bytes() == b"time,camera,line,direction,id,track,received\r\n"
    assert target.stat().st_mode & 0o777 == 0o600
    assert "exists already" in here.fails("export", STORE.id, "--output", str(target))
    assert here.fails("export", "nowhere").startswith("there is no store 'nowhere'")
    assert here.fails("export", STORE.id, "--from", "2026-01-02", "--to", "2026-01-01") == "--to is not after --from"


def test_a_pipe_that_closes_and_a_full_device_are_no_traceback(here: Here) -> None:
    with Database(here.place) as database:
        database.events.add(STORE.id, [event(n, NOON + n) for n in range(20_000)]).result()
    arguments = [*COMMAND, "export", STORE.id, *here.options]
    read_end, write_end = os.pipe()
    with subprocess.Popen(arguments, stdout=write_end, stderr=subprocess.PIPE, text=True) as process:
        os.close(write_end)
        os.read(read_end, 10)
        os.close(read_end)
        _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, "")
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(arguments, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "standard output takes no more (No space left on device): the export is not complete" in ended.stderr
