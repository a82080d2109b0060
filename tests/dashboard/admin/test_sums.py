"""`metrica-admin check` finds a sum that is wrong and puts it right; a killed server leaves none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from metrica.dashboard.kpis.events import HOUR, QUARTER
from metrica.dashboard.reports.reports import Reports
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Span
from metrica.dashboard.upkeep.sums import Mismatch, Sums
from tests.dashboard.admin.commands import Here
from tests.dashboard.client import NOON, STORE
from tests.dashboard.database.places import Place
from tests.dashboard.footfall import event

DAY = 24 * HOUR
_DOES_ALL = """
import sys
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Span
from metrica.dashboard.upkeep.removals import Removals, Stretch
from tests.dashboard.client import NOON, STORE
from tests.dashboard.footfall import event

with Database(sys.argv[1], clock=lambda: NOON) as database:
    for turn in range(1_000_000):
        base = int(sys.argv[2]) * 1_000_000 + turn * 997
        start = NOON - base * 10**9
        database.events.add(STORE.id, [event(base + n, NOON - n * n * 10**9 - base) for n in range(1000)]).result()
        database.coverage.add(STORE.id, [Span(camera="door", start=start, end=start + 10**12)]).result()
        print("goes on", flush=True)
        if turn % 3 == 0:
            removal = Removals(database).remove(Stretch(STORE.id, NOON - 10**15, NOON - 10**14), "test")
            Removals(database).restore(removal.n)
"""


def test_a_wrong_sum_is_found_and_put_right(place: Place) -> None:
    with Database(place, clock=lambda: NOON) as database:
        database.stores.put(STORE)
        database.events.add(STORE.id, [event(n, NOON - n * 5 * 60 * 10**9) for n in range(400)]).result()
        database.coverage.add(STORE.id, [Span(camera="door", start=NOON - DAY, end=NOON - 1)]).result()
        sums, before = Sums(database), Reports(database).daily(STORE, NOON)
        assert list(sums.mismatches(STORE.id)) == []
        quarter = NOON - DAY
        for sql in (
            f"UPDATE quarters SET entered = 9 WHERE quarter = {quarter}",
            f"INSERT INTO quarters VALUES ('{STORE.id}', {quarter}, 'nowhere', 'main', 1, 0)",
            f"DELETE FROM quarters WHERE quarter = {quarter + QUARTER}",
            f"UPDATE looked SET ns = 7 WHERE quarter = {quarter + QUARTER}",
            "UPDATE days SET stale = 1",
        ):
            database.write(lambda db, sql=sql: db.execute(sql)).result()  # type: ignore[misc]
        assert list(sums.mismatches(STORE.id)) == [
            Mismatch(quarter, "door", "main", (9, 0), (3, 0)),
            Mismatch(quarter, "nowhere", "main", (1, 0), (0, 0)),
            Mismatch(quarter + QUARTER, "door", None, (7, 0), (QUARTER, 0)),
            Mismatch(quarter + QUARTER, "door", "main", (0, 0), (3, 0)),
        ]
        assert sums.repair(STORE.id) == 4
        assert list(sums.mismatches(STORE.id)) == []
        assert Reports(database).daily(STORE, NOON) == before


def test_the_command_says_what_is_wrong_and_repairs_it(here: Here) -> None:
    with Database(here.place) as database:
        database.events.add(STORE.id, [event(n, NOON + n) for n in range(5)]).result()
    assert here.ok("check") == "the sums of 1 store are those of the events\n"
    with Database(here.place) as database:
        database.write(lambda db: db.execute("UPDATE quarters SET left_ = 2")).result()
    said = here.ok("check", "--repair")
    assert "camera door, line main: the sum says 5 in and 2 out, the events 5 and 0" in said
    assert "1 sums were wrong, and are right now" in said
    assert "are those of the events" in here.ok("check", "--store", STORE.id)


def test_sums_are_right_after_a_program_was_killed_in_the_middle_of_writes(place: Place) -> None:
    with Database(place, clock=lambda: NOON) as database:
        database.stores.put(STORE)
    for turn in range(4):
        arguments = [sys.executable, "-c", _DOES_ALL, str(place), str(turn)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as process:
            assert process.stdout is not None and process.stdout.readline() == b"goes on\n"
            time.sleep(0.1 + 0.13 * turn)
            os.kill(process.pid, signal.SIGKILL)
        with Database(place, clock=lambda: NOON) as database:
            assert database.events.count(STORE.id) > 0
            assert list(Sums(database).mismatches(STORE.id)) == []
