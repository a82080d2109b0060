"""A graph that cannot count says so to systemd, and ends where nothing can be counted; else the others go on."""

from __future__ import annotations

import socket
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from metrica.journal import Journal
from metrica.launch.reading.load import load
from metrica.launch.supervision.chains import counting_chains, not_counting
from tests.launch.harness import Launch, launching
from tests.launch.test_systemd import hear, systemd
from tests.paths import ROOT

QUICK = {"first_retry": 2.0, "longest_retry": 2.0}


def shop(tmp_path: Path, *cameras: str) -> str:
    """Cameras with a counter each, and a node beside them. A file CAMERA-NODE in `tmp_path` stops that node for good,
    and CAMERA-stumbles its camera for as long as it is there."""
    refuses = f"refuses: {tmp_path}/$(camera.name)"
    stumbles = f"stumbles: {tmp_path}/$(camera.name)-stumbles"
    return (
        f"  beside: {{type: chain:Camera, params: {{refuses: {tmp_path}/beside}}}}\n"
        "cameras:\n" + "".join(f"  {name}: {{}}\n" for name in cameras) + "per_camera:\n"
        f"  source: {{type: chain:Camera, params: {{{refuses}-source, {stumbles}}}}}\n"
        f"  counter: {{type: chain:Counter, params: {{{refuses}-counter}}, remap: {{pictures: pictures}}}}\n"
    )


@contextmanager
def under_systemd(nodes: str, **limits: float) -> Generator[tuple[Launch, socket.socket]]:
    with (
        systemd() as listening,
        launching(nodes, limits={**QUICK, **limits}, environment={"NOTIFY_SOCKET": listening.getsockname()}) as launch,
    ):
        yield launch, listening


def heard(listening: socket.socket) -> list[str]:
    listening.settimeout(0.2)
    found: list[str] = []
    try:
        while True:
            found.append(listening.recv(1000).decode())
    except TimeoutError:
        return found
    finally:
        listening.settimeout(30)


def test_a_start_in_which_nothing_can_be_counted_ends_and_is_never_called_ready(tmp_path: Path) -> None:
    (tmp_path / "door-source").touch()
    with under_systemd(shop(tmp_path, "door")) as (launch, listening):
        assert launch.end() == 1
        said = heard(listening)
        launch.assert_nothing_left()
    assert "READY=1" not in said
    assert any("the launch is given up, because /door/source cannot run: the licence" in words for words in said)
    assert said[-1] == "STOPPING=1"


def test_a_running_graph_that_can_count_nothing_any_more_says_so_and_ends_with_1(tmp_path: Path) -> None:
    with under_systemd(shop(tmp_path, "door")) as (launch, listening):
        hear(listening, "READY=1")
        (tmp_path / "door-counter").touch()
        assert launch.end() == 1, launch.output
        said = heard(listening)
        launch.assert_nothing_left()
    assert "STATUS=nothing can be counted without /door/counter, so the launch ends: the licence has run out" in said
    assert said[-1] == "STOPPING=1"


@pytest.mark.parametrize("when", ["at the start", "later"])
def test_one_camera_that_is_given_up_does_not_stop_the_other_and_is_tried_again_slowly(
    tmp_path: Path, when: str
) -> None:
    wrong = tmp_path / "back-source"
    if when == "at the start":
        wrong.touch()
    with under_systemd(shop(tmp_path, "door", "back")) as (launch, listening):
        hear(listening, "READY=1")
        wrong.touch()
        launch.wait_for("/back/source is not started again: the licence has run out (tried again in")
        count = crossings(launch)
        launch.wait_until(lambda: crossings(launch) > count, "crossings at the other door")
        hear(listening, "STATUS=4 of 5 nodes active; not running: /back/source; not counting: /back/counter")
        launch.wait_for("/back/source is started again")
        wrong.unlink()
        hear(listening, "STATUS=5 of 5 nodes active")
        assert launch.stop() == 0, launch.output
        launch.assert_nothing_left()


def test_a_start_is_called_ready_only_when_the_last_counter_counts_and_systemd_is_asked_to_wait(tmp_path: Path) -> None:
    waits = tmp_path / "back-stumbles"
    waits.touch()
    with under_systemd(shop(tmp_path, "door", "back"), longest_restart=1.0) as (launch, listening):
        launch.wait_for("the launch is not ready yet: /back/counter cannot count so far")
        launch.wait_until(lambda: crossings(launch) > 0, "crossings at the other door")
        said = heard(listening)
        assert "READY=1" not in said
        assert any(words.startswith("EXTEND_TIMEOUT_USEC=") for words in said)
        assert any("not counting: /back/counter" in words for words in said)
        waits.unlink()
        assert "STATUS=5 of 5 nodes active" in [*said, *hear(listening, "READY=1")]
        (tmp_path / "door-stumbles").touch()
        hear(listening, "STATUS=4 of 5 nodes active; not running: /door/source")
        assert launch.stop() == 0, launch.output
        assert "READY=1" not in heard(listening), "once is enough"


def test_a_start_is_called_ready_when_the_counter_that_waited_is_given_up(tmp_path: Path) -> None:
    waits, wrong = tmp_path / "back-stumbles", tmp_path / "back-source"
    waits.touch()
    with under_systemd(shop(tmp_path, "door", "back"), longest_restart=1.0) as (launch, listening):
        launch.wait_for("the launch is not ready yet: /back/counter cannot count so far")
        assert "READY=1" not in heard(listening)
        wrong.touch()
        hear(listening, "READY=1")
        launch.wait_for("/back/source is not started again: the licence has run out")


def test_a_node_beside_the_counting_chain_that_is_given_up_at_the_start_keeps_nobody_from_counting(
    tmp_path: Path,
) -> None:
    (tmp_path / "beside").touch()
    with under_systemd(shop(tmp_path, "door")) as (launch, listening):
        assert "STATUS=2 of 3 nodes active; not running: /beside" in hear(listening, "READY=1")
        launch.wait_until(lambda: crossings(launch) > 0, "crossings")
        assert launch.stop() == 1, launch.output


def test_what_may_come_does_not_end_a_start_under_systemd_but_one_by_hand(tmp_path: Path) -> None:
    file = tmp_path / "usb" / "clip.mp4"
    patient = f"  patient: {{type: chain:Patient, params: {{file: {file}}}}}\n  source: {{type: good:Source}}\n"
    for by_hand in (["--check"], []):
        with launching(patient, *by_hand) as launch:
            assert launch.end() == 2
            assert f"error: there is no file {file}" in launch.output
    with under_systemd(patient) as (launch, _):
        launch.wait_for(f"there is no file {file}; the launch starts nevertheless, because it may come")
        launch.wait_for("1 of 2 nodes run")
        launch.wait_for("/patient failed (exit status 1); it is restarted in")
        file.parent.mkdir()
        file.touch()
        launch.wait_for("/patient  active")
        assert launch.stop() == 0, launch.output


def test_a_camera_needs_the_shared_detector_but_no_other_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOOR_RTSP", "rtsp://camera/stream")
    monkeypatch.chdir(ROOT)
    chains = counting_chains(load("launch/store.yaml").graph)
    assert chains == {"/door/counter": {"/door/capture", "/detector", "/door/tracker", "/door/counter"}}
    assert not_counting(chains, {"/uploader", "/ingest", "/dashboard"}) == []
    assert not_counting(chains, {"/detector"}) == ["/door/counter"]


def test_of_two_cameras_each_needs_only_its_own(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    text = (ROOT / "launch" / "store.yaml").read_text()
    text = text.replace("per_camera:", "  back: {uri: rtsp://camera/two, line: [0, 1, 2, 3]}\nper_camera:")
    file.write_text(text)
    chains = counting_chains(load(str(file), environment={"DOOR_RTSP": "rtsp://camera/one"}).graph)
    assert chains["/back/counter"] == {"/back/capture", "/detector", "/back/tracker", "/back/counter"}
    assert not_counting(chains, {"/door/capture"}) == ["/door/counter"]
    assert not_counting(chains, {"/detector"}) == ["/door/counter", "/back/counter"]


def crossings(launch: Launch) -> int:
    file = launch.run_dir.parent / "data" / "journal.db"
    if not file.exists():
        return 0
    with Journal(file) as journal:
        return len(journal.unsent(100_000))
