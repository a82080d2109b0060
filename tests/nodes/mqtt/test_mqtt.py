"""The node `mqtt` against a real broker, Debian's mosquitto: what is published, and that nothing is lost."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from metrica import testing
from tests.nodes.mqtt.mosquitto import Mosquitto, listening, needs_mosquitto
from tests.nodes.mqtt.mqtt_bench import DOOR, NOON, SECOND, beat, crossing, crossings, node, record, state, until


@needs_mosquitto
def test_each_crossing_and_the_totals_of_the_day_are_published(tmp_path: Path, broker: Mosquitto) -> None:
    record(tmp_path, crossing(1, NOON - 60 * SECOND), crossing(2, NOON - 9 * 3600 * SECOND))  # the second before 4:00
    with listening(broker) as listener, node(tmp_path, broker.port):
        until(lambda: state(listener, f"{DOOR}/state").get("entered") == 1)
        record(tmp_path, crossing(3, NOON), crossing(4, NOON, "out"), crossing(5, NOON, camera="back", line="gate"))
        until(lambda: state(listener, "metrica/tunis-01/state").get("entered") == 3)
        until(lambda: len(crossings(listener)) == 2)
        assert state(listener, "metrica/tunis-01/state") == {
            "store": "tunis-01",
            "day": "2026-01-01",
            "since": "2026-01-01T04:00:00+01:00",
            "inside": 2,
            "entered": 3,
            "left": 1,
        }
        assert state(listener, "metrica/tunis-01/door/state") == {
            "camera": "door",
            "day": "2026-01-01",
            "since": "2026-01-01T04:00:00+01:00",
            "looks": False,
            "entered": 2,
            "left": 1,
        }
        assert state(listener, "metrica/tunis-01/back/gate/state")["entered"] == 1
        # Those from before the node's first start are in the totals only.
        assert [(c["id"], c["event_type"], c["late"]) for c in crossings(listener)] == [
            ("door/main/1/3", "in", False),
            ("door/main/1/4", "out", False),
        ]
        assert crossings(listener)[0]["time"] == "2026-01-01T12:00:00+01:00"


@needs_mosquitto
def test_states_are_retained_and_crossings_are_not(tmp_path: Path, broker: Mosquitto) -> None:
    with node(tmp_path, broker.port) as bench, listening(broker) as early:
        until(lambda: early.newest.get("metrica/tunis-01/status") == "online")
        record(tmp_path, crossing(1, NOON))
        until(lambda: crossings(early) and state(early, f"{DOOR}/state"))
        until(lambda: bench.node.counters.get("crossings_published"), bench)
        with listening(broker) as late:
            until(lambda: state(late, f"{DOOR}/state").get("entered") == 1)
            until(lambda: "homeassistant/sensor/metrica_tunis-01" in " ".join(late.newest))
            assert all(retained for _, _, retained in late.all)
            assert crossings(late) == []


@needs_mosquitto
def test_what_no_camera_has_looked_at_is_unknown_and_not_zero(tmp_path: Path, broker: Mosquitto) -> None:
    with listening(broker) as listener, node(tmp_path, broker.port) as bench:
        until(lambda: "inside" in state(listener, "metrica/tunis-01/state"))
        assert state(listener, "metrica/tunis-01/state")["entered"] is None
        beat(bench, 10)  # a counter that has said something once: nobody knows yet whether anything reaches it
        until(lambda: state(listener, "metrica/tunis-01/door/state"))
        assert state(listener, "metrica/tunis-01/door/state")["entered"] is None
        bench.advance(1)
        beat(bench, 20)
        until(lambda: state(listener, "metrica/tunis-01/state")["inside"] == 0)
        assert state(listener, "metrica/tunis-01/door/state") | {"looks": True, "entered": 0} == state(
            listener, "metrica/tunis-01/door/state"
        )
        bench.advance(60)
        until(lambda: state(listener, "metrica/tunis-01/door/state")["looks"] is False)
        assert state(listener, "metrica/tunis-01/door/state")["entered"] == 0  # it has looked today


@needs_mosquitto
def test_a_new_business_day_begins_at_the_cutoff_hour(tmp_path: Path, broker: Mosquitto) -> None:
    three = testing.START + (24 + 2) * 3600 * SECOND  # 3:00 on January 2 in Tunis
    record(tmp_path, crossing(1, three - 1800 * SECOND))
    with listening(broker) as listener, node(tmp_path, broker.port, now=three) as bench:
        until(lambda: state(listener, "metrica/tunis-01/state").get("inside") == 1)
        assert state(listener, "metrica/tunis-01/state")["day"] == "2026-01-01"
        bench.advance(3600)
        until(lambda: state(listener, "metrica/tunis-01/state")["day"] == "2026-01-02")
        assert state(listener, "metrica/tunis-01/state")["entered"] is None


@needs_mosquitto
def test_a_crossing_while_the_broker_is_away_is_published_when_it_is_back(
    tmp_path: Path, broker: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with node(tmp_path, broker.port) as bench:
        with listening(broker) as listener:
            until(lambda: listener.newest.get("metrica/tunis-01/status") == "online")
        broker.stop()
        until(lambda: bench.node.present_trouble, bench)
        bench.fake_clock.advance(300)
        record(tmp_path, *(crossing(n, NOON + n * SECOND) for n in range(1, 251)))
        bench.fake_clock.advance(300)
        bench.advance(2)
        broker.start()
        with listening(broker) as listener:
            until(lambda: len({c["id"] for c in crossings(listener)}) == 250)
            assert [c["id"] for c in crossings(listener)] == [f"door/main/1/{n}" for n in range(1, 251)]
            assert all(c["late"] for c in crossings(listener))
            until(lambda: state(listener, f"{DOOR}/state").get("entered") == 250)
            assert listener.newest["metrica/tunis-01/status"] == "online"
            until(lambda: bench.node.present_trouble == "", bench)
    said = [r.getMessage() for r in caplog.records if "broker" in r.getMessage()]
    assert len(said) == 2 and "crossings wait in the journal" in said[0] and said[1].endswith("is back"), said


@needs_mosquitto
def test_a_crossing_while_the_node_does_not_run_is_published_at_the_next_start(
    tmp_path: Path, broker: Mosquitto
) -> None:
    with listening(broker) as listener:
        with node(tmp_path, broker.port):
            until(lambda: listener.newest.get("metrica/tunis-01/status") == "online")
            record(tmp_path, crossing(1, NOON))
            until(lambda: len(crossings(listener)) == 1)
        assert listener.newest["metrica/tunis-01/status"] == "offline"
        record(tmp_path, crossing(2, NOON + SECOND))
        with node(tmp_path, broker.port, now=NOON + 120 * SECOND):
            until(lambda: len(crossings(listener)) == 2)
            until(lambda: state(listener, "metrica/tunis-01/state").get("entered") == 2)
    assert [(c["id"], c["late"]) for c in crossings(listener)] == [("door/main/1/1", False), ("door/main/1/2", True)]


@needs_mosquitto
def test_very_old_crossings_are_passed_over_and_the_new_ones_are_not(tmp_path: Path, broker: Mosquitto) -> None:
    with node(tmp_path, broker.port), listening(broker) as listener:
        until(lambda: listener.newest.get("metrica/tunis-01/status") == "online")
    record(tmp_path, *(crossing(n, NOON) for n in range(1, 130)))
    later = NOON + 8 * 86_400 * SECOND
    record(tmp_path, crossing(200, later))
    with listening(broker) as listener, node(tmp_path, broker.port, now=later) as bench:
        until(lambda: crossings(listener))
        assert [c["id"] for c in crossings(listener)] == ["door/main/1/200"]
        until(lambda: bench.node.counters.get("crossings_passed_over") == 129, bench)


@needs_mosquitto
def test_a_new_journal_is_published_from_its_beginning(tmp_path: Path, broker: Mosquitto) -> None:
    with listening(broker) as listener:
        with node(tmp_path, broker.port):
            until(lambda: listener.newest.get("metrica/tunis-01/status") == "online")
            record(tmp_path, crossing(1, NOON), crossing(2, NOON))
            until(lambda: len(crossings(listener)) == 2)
        for file in tmp_path.glob("journal.db*"):
            file.unlink()
        record(tmp_path, *(crossing(n, NOON) for n in range(11, 15)))
        with node(tmp_path, broker.port):
            until(lambda: len(crossings(listener)) == 6)


@needs_mosquitto
def test_the_broker_says_that_a_killed_node_is_offline(tmp_path: Path, broker: Mosquitto) -> None:
    """The last will: here the connection breaks without a goodbye."""
    with listening(broker) as listener, node(tmp_path, broker.port) as bench:
        until(lambda: listener.newest.get("metrica/tunis-01/status") == "online")
        sock = bench.node._broker._client.socket()  # type: ignore[attr-defined]
        sock.shutdown(2)
        until(lambda: ("metrica/tunis-01/status", "offline", False) in listener.all)
        until(lambda: listener.newest["metrica/tunis-01/status"] == "online")  # it comes back by itself
