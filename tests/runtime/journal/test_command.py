"""`metrica-journal`: how the journal is, what was refused and why, and sending it again; also while the box runs."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from metrica.journal import Counts, Journal
from metrica.journal.cli import main
from metrica.journal.spill import Spill

NOW = 1_764_300_000 * 10**9


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A store's folder whose journal has two unsent, one sent and three refused events."""
    now = NOW
    with Journal(tmp_path / "journal.db", now=lambda: now) as journal:
        journal.append_many([(f"e{n}", "Crossing", b"") for n in range(6)])
        journal.mark_sent(["e0"])
        journal.refuse("e1", "the time is too new")
        journal.refuse("e2", "the line is unknown")
        now += 3600 * 10**9
        journal.refuse("e3", "the time is Too New")
    return tmp_path


def run(box: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main([*words, "--data", str(box)]) == 0
    return capsys.readouterr().out


def test_status_says_how_much_waits_and_since_when(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(box, capsys, "status")
    assert "unsent    2, the oldest since 2025-11-28T03:20:00Z\n" in said
    assert "sent      1\n" in said
    assert "refused   3\n" in said
    assert "reserve   4.2 MB are set aside for a full disk\n" in said
    assert "bound     not known yet: no node has run\n" in said
    with Journal(box / "journal.db") as journal:
        journal.note_bound(730)
    found = json.loads(run(box, capsys, "status", "--json"))
    assert (found["unsent"], found["sent"], found["refused"], found["keep_days"]) == (2, 1, 3, 730)
    assert found["reserve_bytes"] > 0 and not found["disk_is_full"] and found["summed"] == found["beside"] == 0


def test_status_says_what_is_not_in_the_journal_yet_or_no_longer(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Journal(box / "journal.db") as journal:
        journal.append_many([("old", "Visit", b"")])
        assert journal.fold(-1) == 6
    spill = Spill(box / "journal.db")
    spill.add([("w1", "Crossing", b""), ("w2", "Crossing", b"")])
    said = run(box, capsys, "status")
    assert "beside    2 events wait beside the journal, which could not be written" in said
    assert "sums      6 events that were too old are kept as sums: metrica-journal sums" in said
    spill.clear()
    rows = [line.split("\t") for line in run(box, capsys, "sums").splitlines()]
    assert rows[0] == ["start", "seconds", "kind", "camera", "line", "direction", "unsent", "refused"]
    assert sum(int(row[6]) + int(row[7]) for row in rows[1:]) == 6
    assert sum(json.loads(line)["refused"] for line in run(box, capsys, "sums", "--json").splitlines()) == 3


def test_refused_lists_the_reasons(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(box, capsys, "refused")
    assert [line.split()[:2] for line in said.splitlines()[1:]] == [
        ["2025-11-28T03:20:00Z", "e1"],
        ["2025-11-28T03:20:00Z", "e2"],
        ["2025-11-28T04:20:00Z", "e3"],
    ]
    assert "the line is unknown" in said
    found = [json.loads(line) for line in run(box, capsys, "refused", "--json", "--reason", "TOO NEW").splitlines()]
    assert [(entry["id"], entry["reason"]) for entry in found] == [
        ("e1", "the time is too new"),
        ("e3", "the time is Too New"),
    ]
    assert "1 of at most 3: --limit shows more" in run(box, capsys, "refused", "--limit", "1")
    assert run(box, capsys, "refused", "unknown") == "no refused events\n"


@pytest.mark.parametrize(
    ("words", "again"),
    [
        ([], ["e1", "e2", "e3"]),
        (["e2", "e5", "unknown"], ["e2"]),
        (["--reason", "too new"], ["e1", "e3"]),
        (["--since", "2025-11-28T04:00"], ["e3"]),
        (["--since", "2025-11-28T05:00+01:00", "--reason", "line"], []),
        (["e1", "e2", "--reason", "line"], ["e2"]),
    ],
)
def test_resend_makes_exactly_the_refused_events_that_are_meant_unsent(
    box: Path, capsys: pytest.CaptureFixture[str], words: list[str], again: list[str]
) -> None:
    said = run(box, capsys, "resend", *words)
    assert said == f"{len(again)} refused event{'' if len(again) == 1 else 's'} will be sent again\n"
    with Journal(box / "journal.db") as journal:
        assert [entry.id for entry in journal.unsent(10)] == sorted([*again, "e4", "e5"])
        assert journal.counts() == Counts(2 + len(again), 1, 3 - len(again))
        assert all(not entry.reason for entry in journal.unsent(10))


def test_very_many_events_are_sent_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Journal(tmp_path / "journal.db") as journal:
        journal.append_many([(f"e{n}", "Crossing", b"") for n in range(3500)])
        for n in range(3500):
            journal.refuse(f"e{n}", "no")
    assert json.loads(run(tmp_path, capsys, "resend", "--json")) == {"unsent_again": 3500}


def test_it_works_while_the_box_runs(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Journal(box / "journal.db") as counter, Journal(box / "journal.db") as uploader:
        counter.append("e6", "Crossing", b"")
        assert len(uploader.unsent(10)) == 3
        run(box, capsys, "resend")
        assert len(uploader.unsent(10)) == 6
        assert uploader.mark_sent([f"e{n}" for n in range(1, 7)]) == 6
        assert "unsent    0\n" in run(box, capsys, "status")


@pytest.mark.parametrize("words", [["status"], ["refused"], ["resend"], ["sums"]])
def test_what_cannot_be_done_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert main([*words, "--data", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err == (
        f"metrica-journal: there is no journal {tmp_path}/nowhere/journal.db: "
        "give the folder that 'data' of the launch file names\n"
    )
    assert not (tmp_path / "nowhere").exists()
    assert main(words) == 2
    assert capsys.readouterr().err == f"metrica-journal: there is no journal in {tmp_path}/metrica: give --data DIR\n"
    Journal(tmp_path / "metrica" / "tunis" / "journal.db").close()
    assert main(words) == 0
    Journal(tmp_path / "metrica" / "sfax" / "journal.db").close()
    capsys.readouterr()
    assert main(words) == 2
    assert "there are 2 stores: give --data with one of" in capsys.readouterr().err
    with closing(sqlite3.connect(tmp_path / "journal.db")) as other:
        other.execute("CREATE TABLE something (id)")
    assert main([*words, "--data", str(tmp_path)]) == 1
    assert "is a SQLite database but not a journal" in capsys.readouterr().err


@pytest.mark.parametrize("time", ["yesterday", "2025-13-01", ""])
def test_a_time_that_is_none_is_refused(box: Path, capsys: pytest.CaptureFixture[str], time: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["resend", "--since", time, "--data", str(box)])
    assert ended.value.code == 2
    assert f"'{time}' is no time: write it like 2026-11-28T09:00" in capsys.readouterr().err
    with Journal(box / "journal.db") as journal:
        assert journal.counts().refused == 3
