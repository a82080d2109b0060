"""The launcher with nodes that misbehave, one program per failure: real processes, real signals, nothing left."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.launch.harness import Launch, launching

GOOD = "  source: {type: good:Source}\n"


def stops_cleanly(launch: Launch, status: int = 0) -> None:
    assert launch.stop() == status, launch.output
    launch.assert_nothing_left()


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("raise", "/crasher failed (exit status 1); it is restarted in 0."),
        ("exit", "/crasher failed (exit status 7); it is restarted in 0."),
        ("segfault", "/crasher was killed by SIGSEGV; it is restarted in 0."),
    ],
)
def test_a_node_that_crashes_always_is_restarted_again_and_again_while_others_go_on(how: str, words: str) -> None:
    with launching(f"  crasher: {{type: crashes_always:Crasher, params: {{how: {how}}}}}\n{GOOD}") as launch:
        launch.wait_for("2 of 2 nodes run")
        launch.wait_for(words, times=3)
        launch.wait_for("/crasher is started again", times=3)
        assert "/source failed" not in launch.output
        assert ("RuntimeError: as always" in launch.output) == (how == "raise")
        stops_cleanly(launch)


def test_a_node_that_cannot_run_at_the_start_ends_the_launch_with_its_own_words() -> None:
    with launching(f"  refuser: {{type: cannot_run:Refuser}}\n{GOOD}") as launch:
        assert launch.end() == 1
        launch.assert_nothing_left()
    assert (
        "given up, because /refuser cannot run: there is no file clip.mp4: check the parameter 'uri'" in launch.output
    )
    assert "nodes run" not in launch.output


def test_a_node_that_fails_for_good_later_stays_down_and_the_exit_status_says_so() -> None:
    with launching(f"  refuser: {{type: cannot_run:Refuser, params: {{later: true}}}}\n{GOOD}") as launch:
        launch.wait_for("/refuser is not started again: the licence has run out")
        time.sleep(0.5)
        assert len(launch.processes()) == 1
        stops_cleanly(launch, status=1)
    assert launch.output.count("metrica-launch  /refuser") == 2  # when it happened, and at the end


def test_restart_false_leaves_a_failed_node_down() -> None:
    with launching(f"  crasher: {{type: crashes_always:Crasher, restart: false}}\n{GOOD}") as launch:
        launch.wait_for("/crasher is not started again: the node failed")
        stops_cleanly(launch, status=1)


def test_a_node_that_cannot_be_configured_yet_does_not_keep_the_others_waiting(tmp_path: Path) -> None:
    file = tmp_path / "camera"
    patient = f"  patient: {{type: fails_to_configure:Patient, params: {{file: {file}}}}}\n"
    with launching(patient + GOOD) as launch:
        launch.wait_for("nodes run")
        launch.wait_for("/patient failed (exit status 1)", times=2)
        file.touch()
        launch.wait_for("/patient  active")
        stops_cleanly(launch)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("configure", "/hanger is not configured after"),
        ("activate", "/hanger has given no sign of life for"),
        ("callback", "/hanger has given no sign of life for"),
    ],
)
def test_a_hanging_node_is_killed_and_restarted(where: str, words: str, tmp_path: Path) -> None:
    params = f"{{where: {where}, file: {tmp_path / 'hung'}}}"
    with launching(f"  hanger: {{type: hangs:Hanger, params: {params}}}\n{GOOD}", limits={"start": 6}) as launch:
        launch.wait_for(words)
        launch.wait_for("/hanger was killed; it is restarted in")
        assert any(line.startswith("/hanger") and "hangs.py" in line and "in hang" in line for line in launch.lines)
        launch.wait_for("/hanger  active", times=2 if where == "callback" else 1)
        stops_cleanly(launch)


def test_a_node_that_is_stopped_before_its_first_sign_of_life_is_killed(tmp_path: Path) -> None:
    with launching("  stopped: {type: stops_itself:Stopped}\n" + GOOD, limits={"start": 6}) as launch:
        launch.wait_for("/stopped is not configured after")
        killed = re.search(r"/stopped is not configured after (\d+) s and is killed", launch.output)
        assert killed and int(killed[1]) >= 6  # how much longer, a busy machine decides
        launch.wait_for("1 of 2 nodes run")
        assert launch.stop() in (0, 1)  # it may be stopped once more by now, and has to be killed
        launch.assert_nothing_left()


def test_a_node_frozen_by_a_signal_is_killed_and_restarted() -> None:
    with launching(GOOD) as launch:
        launch.wait_for("1 of 1 nodes run")
        (pid,) = launch.processes()
        os.kill(pid, signal.SIGSTOP)
        launch.wait_for("/source has given no sign of life for")
        launch.wait_for("/source is started again")
        launch.wait_until(lambda: launch.processes() not in ([], [pid]), "new process")
        stops_cleanly(launch)


def test_a_node_killed_from_outside_is_restarted() -> None:
    with launching(GOOD) as launch:
        launch.wait_for("1 of 1 nodes run")
        os.kill(launch.processes()[0], signal.SIGKILL)
        launch.wait_for("/source was killed by SIGKILL; it is restarted in 0.")
        launch.wait_for("/source is started again")
        stops_cleanly(launch)


@pytest.mark.parametrize("node", ["ignores_sigterm:Deaf", "hangs:Hanger, params: {where: deactivate}"])
def test_a_node_that_does_not_stop_is_sent_sigterm_then_killed(node: str) -> None:
    with launching(f"  deaf: {{type: {node}}}\n{GOOD}") as launch:
        launch.wait_for("2 of 2 nodes run")
        stops_cleanly(launch, status=1)
    assert "/deaf does not stop; it is sent SIGTERM" in launch.output
    assert "/deaf ignores SIGTERM; it is killed" in launch.output
    assert any(line.startswith("/deaf") and "in on_deactivate" in line for line in launch.lines), launch.output
    assert "/source ignores" not in launch.output


def test_a_second_signal_hurries() -> None:
    with launching(f"  deaf: {{type: ignores_sigterm:Deaf}}\n{GOOD}", limits={"drain": 100}) as launch:
        launch.wait_for("2 of 2 nodes run")
        launch.send(signal.SIGINT)
        launch.wait_for("stopping")
        time.sleep(0.2)
        began = time.monotonic()
        assert launch.stop() == 1, launch.output
        assert time.monotonic() - began < 50
        launch.assert_nothing_left()


def test_programs_that_a_node_has_started_go_with_it() -> None:
    with launching("  parent: {type: leaves_a_child:Parent}\n") as launch:
        launch.wait_for("1 of 1 nodes run")
        assert len(launch.processes()) == 2
        stops_cleanly(launch)


def test_whatever_a_node_writes_is_shown_with_its_name() -> None:
    with launching("  babbler: {type: talks_nonsense:Babbler}\n") as launch:
        launch.wait_for("done babbling  token=none")
        stops_cleanly(launch)
    for line in (
        "a plain line",
        "على خط عربي",
        "not \N{REPLACEMENT CHARACTER} UTF-8",
        '{"half a record',
        "no end of line",
    ):
        assert f"/babbler  {line}" in launch.lines
    assert '/babbler  {"time": 5, "level": [], "node": 1, "message": {}}' in launch.lines
    assert sum(line.count("x") for line in launch.lines if line.startswith("/babbler  xxx")) == 200_000


def test_a_subscription_that_does_not_reach_its_topic_ends_the_start_in_one_sentence() -> None:
    with launching(f"  aloof: {{type: unsubscribes:Aloof}}\n{GOOD}", limits={"match": 1.0}) as launch:
        assert launch.end() == 1
        launch.assert_nothing_left()
    said = r"/numbers has 0 of its 1 subscriptions after (\d+) s: see to the nodes that listen to it"
    unmatched = re.search(said, launch.output)
    assert unmatched and int(unmatched[1]) >= 1
    assert "nodes run" not in launch.output


def test_a_launcher_that_was_away_itself_takes_nobody_for_hung() -> None:
    with launching(GOOD) as launch:
        launch.wait_for("1 of 1 nodes run")
        launch.send(signal.SIGSTOP)
        time.sleep(5.5)  # more than a node may be silent
        launch.send(signal.SIGCONT)
        time.sleep(1.0)
        stops_cleanly(launch)
    assert "no sign of life" not in launch.output


def test_a_launcher_whose_reader_has_gone_goes_on() -> None:
    with launching(GOOD + "  babbler: {type: talks_nonsense:Babbler}\n") as launch:
        launch.wait_for("2 of 2 nodes run")
        pids = launch.processes()
        launch.stop_reading()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        launch.wait_until(lambda: len(set(launch.processes()) - set(pids)) == 2, "restarted nodes")
        assert launch.process.poll() is None
        stops_cleanly(launch)
    assert len(launch.lines) < 20
