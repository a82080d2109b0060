"""A whole back office: boxes say hello to a real ingest, and a real SMTP server and webhook hear of what is wrong."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from metrica.dashboard.admin.cli import main as admin
from metrica.dashboard.alerts.endings import endings_of
from metrica.dashboard.alerts.keeper import Keeper
from metrica.dashboard.alerts.sending import Message, send
from metrica.dashboard.alerts.targets import TargetTable, read_quiet
from metrica.dashboard.alerts.turn import LEASE, Turns
from metrica.dashboard.boxes.table import BoxTable
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people.api_tokens import ApiTokenTable
from metrica.dashboard.people.details_table import DetailsTable
from metrica.dashboard.people.organisations import OrganisationTable
from metrica.dashboard.people.rights import FIGURES
from metrica.dashboard.service.tls import Certificate
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Span
from metrica.dashboard.store.users import User
from tests.dashboard.alerts.office import MINUTE, Office
from tests.dashboard.alerts.receivers import hook
from tests.dashboard.boxes.hellos import BOX, camera, hello
from tests.dashboard.certificates import make_pair
from tests.dashboard.client import NOON, STORE, ManualClock
from tests.dashboard.footfall import footfall

SECOND = 10**9
HOUR, DAY = 3600 * SECOND, 24 * 3600 * SECOND


def test_a_silent_box_is_told_once_and_once_when_it_is_heard_again(office: Office) -> None:
    assert office.round(20, hello()) == []
    assert office.round(14) == []
    assert office.round(3) == ["box_silent"]
    assert office.round(30) == []
    office.restart()
    assert office.round(30) == [], "a restart repeats nothing"
    assert office.round(1, hello()) == ["box_silent over"]
    assert office.round(30, hello()) == []
    assert office.round(16) == ["box_silent"], "the next time is another alert"


def test_a_server_that_was_down_hears_the_boxes_before_it_says_that_they_are_silent(office: Office) -> None:
    office.round(20, hello())
    office.clock.now += 5 * HOUR
    office.restart()
    assert office.round(14) == []
    assert office.round(3) == ["box_silent"]


def test_a_camera_that_does_not_look(office: Office) -> None:
    blind = hello(cameras=[camera("door", 200.0), camera("back")])
    assert office.round(2, blind) == []
    assert office.round(2, hello(cameras=[camera("door", 320.0), camera("back")])) == ["camera_blind"]
    assert office.hook.told[-1]["subject"] == "door"
    assert office.round(10, hello(cameras=[camera("door", 900.0), camera("back")])) == []
    assert office.round(1, hello()) == ["camera_blind over"]


def test_a_low_disk_and_nothing_uploaded(office: Office) -> None:
    low = hello(disk_free=1_000_000_000)
    assert office.round(1, low) == ["disk_low"]
    assert office.round(58, low, uploads=False) == []
    assert office.round(4, low, uploads=False) == ["nothing_uploaded"]
    assert sorted(office.round(1, hello())) == ["disk_low over", "nothing_uploaded over"]


def test_a_zero_in_a_busy_hour_and_a_closed_shop_at_night(place: Path | str) -> None:
    """Eight weeks of people from 9 to 21; today nobody comes any more from 16:30 on."""
    zone, until = STORE.timezone, NOON + 4 * HOUR + 30 * MINUTE
    clock = ManualClock(NOON)
    with Database(place, clock=clock) as database, hook() as heard:
        database.stores.put(STORE)
        events = footfall(zone, date(2026, 11, 22), 57, until=until)
        database.events.add("tunis-01", events).result()
        watched = [Span(camera="door", start=NOON - 60 * DAY, end=NOON + 10 * HOUR)]
        database.coverage.add("tunis-01", watched).result()
        TargetTable(database).add(heard.address, private=True)
        office = Office(database, clock, heard, Keeper(database), place)
        assert office.round(5 * 60, hello()) == [], "16:30 to 17:00 is no whole hour"
        assert office.round(70, hello()) == ["count_zero"]
        assert office.hook.told[-1]["since"].startswith("2026-11-22T15:")
        assert "17:00" in office.hook.told[-1]["sentence"]
        assert office.round(30, hello()) == []
        database.events.add("tunis-01", [events[0].model_copy(update={"id": "new", "time": clock.now})]).result()
        assert office.round(6, hello()) == ["count_zero over"]


def test_a_shop_is_not_missed_at_night(place: Path | str) -> None:
    clock = ManualClock(NOON + 8 * HOUR + 50 * MINUTE)  # 20:50, and at 21:00 nobody comes any more
    with Database(place, clock=clock) as database, hook() as heard:
        database.stores.put(STORE)
        database.events.add("tunis-01", footfall(STORE.timezone, date(2026, 11, 21), 56)).result()
        TargetTable(database).add(heard.address, private=True)
        office = Office(database, clock, heard, Keeper(database), place)
        assert office.round(10, hello()) == []
        asleep = hello(cameras=[camera("door", 40_000.0)])
        assert office.round(60 * 11, asleep, uploads=False) == [], "until 8:00"
        assert office.round(60 + 3, asleep, uploads=False) == []
        assert office.round(10, asleep, uploads=False) == ["camera_blind"], "five minutes after 9:00"
        assert office.round(60, asleep, uploads=False) == ["nothing_uploaded"]


def test_a_store_s_own_opening_hours_say_when_it_matters(office: Office) -> None:
    """It is Sunday, 12 o'clock in the shop."""
    DetailsTable(office.database).change("tunis-01", {"hours": {"weekdays": {"sunday": ["12:20-12:40"]}}})
    asleep = hello(cameras=[camera("door", 900.0)])
    assert office.round(15, asleep) == []
    assert office.round(12, asleep) == ["camera_blind"], "five minutes after it has opened"
    assert office.round(30, asleep) == [], "closing time is not the end of it"
    assert office.round(1, hello()) == ["camera_blind over"]
    assert office.round(20, asleep) == []


def test_quiet_hours_hold_back_what_is_over_before_they_end(office: Office) -> None:
    (first,) = TargetTable(office.database).all()
    TargetTable(office.database).remove(first.n)
    TargetTable(office.database).add(
        office.hook.address, private=True, quiet=read_quiet("12:00-14:00")
    )  # it is noon in the shop
    low, well = hello(disk_free=1_000_000_000), hello()
    assert office.round(20, low) == []
    assert office.round(20, well) == [], "it is over, and nobody was woken"
    assert office.round(60, low) == []
    assert office.round(30, low) == ["disk_low"], "it is still so after 14:00"
    assert office.round(1, well) == ["disk_low over"]


def test_a_target_that_fails_is_told_later_and_the_others_at_once(office: Office) -> None:
    with hook() as broken:
        broken.status = 500
        TargetTable(office.database).add(broken.address, private=True)
        low = hello(disk_free=1_000_000_000)
        assert office.round(1, low) == ["disk_low"]
        asked = len(broken.paths)
        assert asked >= 1
        office.round(10, low)
        assert asked < len(broken.paths) < asked + 8, "less and less often"
        office.restart()
        broken.status = 204
        office.round(60, low)
        assert broken.sentences() == ["disk_low"]
        assert office.hook.sentences() == ["disk_low"]
        office.round(1, hello())
        assert (broken.sentences(), office.hook.sentences()) == (["disk_low", "disk_low over"],) * 2


def test_a_store_s_target_hears_of_that_store_only(office: Office) -> None:
    office.database.stores.put(Store("other", "UTC"))
    with hook() as of_other:
        TargetTable(office.database).add(of_other.address, private=True, store="other")
        office.round(1, hello(disk_free=1_000_000_000))
        assert (office.hook.sentences(), of_other.sentences()) == (["disk_low"], [])


def test_an_erased_store_and_a_removed_box_are_not_missed(office: Office) -> None:
    assert office.round(16) == ["box_silent"]
    assert admin(["box", "remove", *office.options, "tunis-01", BOX]) == 0
    assert office.round(1) == ["box_silent over"]


def test_a_clock_that_is_set_back_keeps_no_box_from_being_heard(office: Office) -> None:
    office.round(5, hello())
    office.clock.now -= 2 * HOUR
    assert office.round(5, hello(disk_free=1_000_000_000)) == ["disk_low"]
    assert office.round(20) == ["box_silent"]


def test_a_message_that_cannot_be_made_keeps_no_other_from_being_told(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_for_one(address: str, message: Message, private: bool = False) -> None:
        if "broken" in address:
            raise TypeError("a library that has a mistake")
        send(address, message, private)

    (first,) = TargetTable(office.database).all()
    TargetTable(office.database).remove(first.n)
    for address in ("https://broken.example", office.hook.address):
        TargetTable(office.database).add(address, private=True)
    office.keeper = Keeper(office.database, send=broken_for_one)
    office.keeper.turns = Turns(office.database)
    office.clock.now += LEASE + SECOND
    assert office.round(1, hello(disk_free=1_000_000_000)) == ["disk_low"]


def test_who_has_lost_the_turn_tells_nothing_more(office: Office) -> None:
    low = hello(disk_free=1_000_000_000)
    with Database(office.place, clock=office.clock) as second:
        rival = Keeper(second)

        def slow(address: str, message: Message, private: bool = False) -> None:
            if not office.hook.told:
                office.clock.now += LEASE + SECOND
                assert rival.run_once()
            send(address, message, private)

        with hook() as other:
            TargetTable(office.database).add(other.address, private=True)
            office.keeper._send = slow  # pyright: ignore[reportPrivateUsage]
            BoxTable(office.database).hear("tunis-01", BOX, low).result()
            office.keeper.run_once()
            assert other.sentences() == ["disk_low"]


def test_of_several_programs_only_one_tells(office: Office) -> None:
    with Database(office.place, clock=office.clock) as second:
        rival = Keeper(second)
        BoxTable(office.database).hear("tunis-01", BOX, hello(disk_free=1_000_000_000)).result()
        with ThreadPoolExecutor(2) as pool:
            first, other = pool.map(lambda keeper: [keeper.run_once() for _ in range(12)], (office.keeper, rival))
        assert (set(first), set(other)) == ({True}, {False})
        assert office.hook.sentences() == ["disk_low"]
        office.clock.now += LEASE + SECOND  # the first one was killed
        assert rival.run_once()
        assert not office.keeper.run_once()
        assert office.hook.sentences() == ["disk_low"]


def test_the_turn_is_free_at_once_when_a_program_ends(office: Office) -> None:
    rival = Turns(office.database)
    assert rival.take() is None
    office.keeper.turns.give_back()
    assert rival.take() is not None


def test_many_programs_that_begin_at_once_share_one_turn(place: Path | str) -> None:
    clock = ManualClock()
    with Database(place, clock=clock) as first, Database(place, clock=clock) as two:
        rivals = [Turns((first, two)[n % 2]) for n in range(8)]
        barrier = threading.Barrier(8)

        def take(turns: Turns) -> bool:
            barrier.wait(10)
            return turns.take() is not None

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(take, rivals)) == 1


def test_a_token_that_ends_is_told_to_its_organisation(office: Office) -> None:
    database = office.database
    OrganisationTable(database).add("medina", "")
    with hook() as of_main, hook() as of_medina:
        TargetTable(database).add(of_main.address, private=True, organisation="main")
        TargetTable(database).add(of_medina.address, private=True, organisation="medina")
        database.users.put(User("owner", "hash"))
        tokens = ApiTokenTable(database)
        token, _ = tokens.create("owner", [FIGURES], label="sheet", days=90)
        office.keeper = Keeper(database, endings=endings_of(database, None))
        office.keeper.turns.take()
        office.clock.now += 75 * DAY
        assert "token_ends" not in office.round(0, hello())
        office.clock.now += 2 * DAY
        assert "token_ends" in office.round(0, hello())
        assert "token_ends" in of_main.sentences()
        assert of_medina.told == []
        assert token not in str(of_main.told)
        ((key,),) = database.rows("SELECT substr(hash, 1, 12) FROM api_tokens")
        assert of_main.told[-1]["subject"] == f"{key} (sheet)"
        database.write(lambda db: db.execute("UPDATE api_tokens SET revoked = 1").rowcount).result()
        assert "token_ends over" in office.round(0, hello())


def test_a_certificate_that_ends_is_told_until_it_is_renewed(office: Office, tmp_path: Path) -> None:
    office.clock.now = time.time_ns()
    pair = make_pair(tmp_path, "shop", days=90)
    certificate = Certificate(pair.cert, pair.key)
    begins, ends = certificate.validity
    assert ends - begins == 90 * DAY
    office.keeper = Keeper(office.database, endings=endings_of(office.database, certificate))
    office.clock.now = ends - 20 * DAY
    office.keeper.turns = Turns(office.database)
    assert [kind for kind in office.round(0, hello()) if "certificate" in kind] == []
    office.clock.now = ends - 13 * DAY
    assert [kind for kind in office.round(0, hello()) if "certificate" in kind] == ["certificate_ends"]
    make_pair(tmp_path, "shop", days=200)
    certificate.refresh()
    assert [kind for kind in office.round(0, hello()) if "certificate" in kind] == ["certificate_ends over"]
