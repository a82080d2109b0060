"""Alerts arrive as mail and at webhooks, in three languages; targets are managed by command; gauges tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from metrica.dashboard.admin.cli import main as admin
from metrica.dashboard.alerts.alert import KINDS, Alert
from metrica.dashboard.alerts.keeper import Keeper
from metrica.dashboard.alerts.notices import NoticeTable
from metrica.dashboard.alerts.sending import Message, SendingError, check_address, send
from metrica.dashboard.alerts.targets import TargetTable, read_quiet, shown
from metrica.dashboard.alerts.wording import in_words, trial_wording
from metrica.dashboard.boxes.table import BoxTable
from metrica.dashboard.texts.texts import LANGUAGES, texts
from tests.dashboard.alerts.office import MINUTE, Office
from tests.dashboard.alerts.receivers import hook, mailbox
from tests.dashboard.boxes.hellos import BOX, hello
from tests.dashboard.client import METRICS_TOKEN, NOON, Client, ingest_server

SECOND = 10**9
HOUR, DAY = 3600 * SECOND, 24 * 3600 * SECOND


# Sending.


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_mail_arrives_in_the_language_of_whom_it_is_for(office: Office, language: str) -> None:
    with mailbox() as box:
        TargetTable(office.database).add(box.address, language=language)
        office.round(1, hello(disk_free=1_000_000_000))
        (mail,) = box.texts()
        words = texts(language, "alerts")
        assert words("disk_low_what") in mail
        assert words("disk_low", subject=BOX, free="1.0")[:40] in mail
        assert box.mails[0]["to"] == "owner@shop.example"
        office.round(1, hello())
        assert len(box.texts()) == 2


def test_a_mail_server_that_takes_nothing_is_a_failure(office: Office) -> None:
    with mailbox() as box:
        box.refuses = True
        TargetTable(office.database).add(box.address)
        low = hello(disk_free=1_000_000_000)
        office.round(1, low)
        assert box.mails == []
        box.refuses = False
        office.round(5, low)
        assert len(box.mails) == 1


def test_a_webhook_gets_what_programs_and_people_need(office: Office) -> None:
    office.round(1, hello(disk_free=1_000_000_000))
    (told,) = office.hook.told
    assert told == {
        "v": 1,
        "title": "Metrica, tunis-01: a disk is nearly full",
        "sentence": f"The disk of the box {BOX} has 1.0 GB left. Remove what is not needed there, before nothing can be"
        " kept any more.",
        "kind": "disk_low",
        "store": "tunis-01",
        "subject": BOX,
        "since": told["since"],
        "over": False,
    }


def test_a_webhook_is_not_led_elsewhere() -> None:
    with hook() as first, hook() as second:
        first.status, first.location = 307, second.address
        with pytest.raises(SendingError, match="answers 307"):
            send(first.address, Message(trial_wording("en")), True)
        assert second.paths == []


def test_a_webhook_does_not_reach_into_the_network_of_the_server(office: Office) -> None:
    TargetTable(office.database).add(office.hook.address.replace("http:", "https:"))
    office.round(1, hello(disk_free=1_000_000_000))
    with pytest.raises(SendingError, match="this network"):
        send("https://127.1/x", Message(trial_wording("en")))
    assert office.hook.paths == ["/metrica"], "that of the target to which it is allowed"


@pytest.mark.parametrize(
    "address", ["", "nonsense", "https://", "http://[::1", "ftp://example.org/x", "mailto://", "unknownthing://x"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(SendingError) as raised:
        check_address(address)
    assert str(raised.value).count(".") <= 3


@pytest.mark.parametrize(
    "address",
    [
        "https://hooks.example/Sesame?key=Sesame",
        "mailtos://owner:Sesame@shop.example?to=x@y.example",
        "tgram://Sesame:AAAA/12345",
    ],
)
def test_what_is_secret_in_an_address_is_never_shown(
    address: str, office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Sesame" not in shown(address)
    n = TargetTable(office.database).add(address)
    assert admin(["alert", "list", *office.options]) == 0
    assert f"{n}\t" in (said := capsys.readouterr().out)
    assert "Sesame" not in said
    assert "Sesame" not in str(office.database.rows("SELECT detail FROM audit"))
    with pytest.raises(SendingError) as raised:
        send("http://127.0.0.1:9/Sesame", Message(trial_wording("en")), True)
    assert "Sesame" not in str(raised.value)


# Commands.


def test_targets_are_added_tried_and_removed_by_command(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    where = office.options
    asked = ["alert", "add", *where, "--store", "tunis-01", "--language", "fr", "--quiet", "22:00-07:00"]
    assert admin([*asked, office.hook.address]) == 1, "this server's own network"
    assert admin([*asked, "--allow-private", office.hook.address]) == 0
    assert admin(["alert", "list", *where]) == 0
    assert "2\thttp://…127.0.0.1/…\tfr\tstore tunis-01\tquiet 22:00-07:00" in capsys.readouterr().out
    assert admin(["alert", "test", *where, "2"]) == 0
    assert office.hook.told[-1]["sentence"] == texts("fr", "alerts")("test")
    office.round(1, hello(disk_free=1_000_000_000))
    capsys.readouterr()
    assert admin(["alert", "open", *where]) == 0
    assert f"tunis-01\tdisk_low\tThe disk of the box {BOX} has 1.0 GB left" in capsys.readouterr().out
    assert admin(["alert", "remove", *where, "2"]) == 0
    assert admin(["alert", "remove", *where, "2"]) == 1
    assert admin(["alert", "add", *where, "--store", "nowhere", "https://hooks.example"]) == 1
    assert admin(["alert", "add", *where, "--quiet", "22-7", "https://hooks.example"]) == 1
    assert admin(["box", "list", *where, "tunis-01"]) == 0
    assert BOX in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "expected"), [("22:00-07:30", (1320, 450)), ("00:00-23:59", (0, 1439)), ("9:05-10:00", (545, 600))]
)
def test_quiet_hours_as_people_write_them(text: str, expected: Any) -> None:
    assert read_quiet(text) == expected


@pytest.mark.parametrize("text", ["", "22:00", "22-7", "24:00-07:00", "07:00-07:00", "-1:00-3:00", "12:60-13:00"])
def test_quiet_hours_that_cannot_be(text: str) -> None:
    with pytest.raises(ValueError, match="quiet"):
        read_quiet(text)


def test_every_sentence_can_be_said_in_every_language() -> None:
    facts: dict[str, int | str] = {"free": "1.0", "hour": 9, "usual": 40, "days": 3, "ends": NOON}
    for language in LANGUAGES:
        assert list(texts(language, "alerts").keys()) == list(texts("en", "alerts").keys())
        for kind in KINDS:
            for over in (False, True):
                said = in_words(Alert("s", kind, "x", NOON, facts), over=over, language=language, timezone="UTC")
                assert "{" not in said.sentence + said.title


def test_the_gauges_say_how_many_boxes_are_silent_and_which_alerts_are_on(tmp_path: Path) -> None:
    with ingest_server(tmp_path) as server:
        BoxTable(server.database).hear("tunis-01", BOX, hello(disk_free=1_000_000_000)).result()
        keeper = Keeper(server.database)
        keeper.run_once()
        server.clock.now += 16 * MINUTE
        text = Client(server.address, METRICS_TOKEN).get("/metrics").body.decode()
        assert "metrica_boxes_silent 1.0" in text
        assert 'metrica_alerts_open{kind="disk_low"} 1.0' in text
        assert 'metrica_alerts_open{kind="box_silent"} 0.0' in text
        assert NoticeTable(server.database).count() == {"disk_low": 1}
