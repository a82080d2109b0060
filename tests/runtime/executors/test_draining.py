"""Node processes that wait for each other: nothing is lost, and nothing waits for ever."""

from __future__ import annotations

from pathlib import Path

from metrica.executors.control import Command, Exit
from metrica.qos import LOSSLESS
from tests.runtime.processes import SOURCE, Processes, numbers
from tests.runtime.sockets import eventually


def test_stopping_in_order_loses_nothing_that_is_on_the_way(processes: Processes, tmp_path: Path) -> None:
    written = tmp_path / "written"
    source = processes.start(
        processes.spec(
            "/door/pictures", "Pictures", params={"total": 100_000}, bindings={"frames": ("/door/frames", "latest")}
        )
    )
    looker = processes.start(
        processes.spec(
            "/door/looker",
            "Looker",
            params={"seconds": 0.01},
            connections={"frames": ("/door/frames", "lossless")},
            bindings=SOURCE,
        )
    )
    writer = processes.start(
        processes.spec(
            "/door/writer",
            "Writer",
            params={"path": str(written), "seconds": 0.005},
            connections={"detections": ("/door/detections", "lossless")},
            bindings={"crossings": ("/door/crossings", "stream")},
        )
    )
    processes.matched("/door/pictures", "/door/frames")
    processes.matched("/door/looker", "/door/detections")
    processes.activate(writer, looker, source)
    eventually(lambda: len(numbers(written)) > 50)
    assert processes.stop(source, looker, writer) == [Exit.DONE] * 3
    processes.listen()
    last = {h.node: h.counters for h in processes.beats}
    sent = last["/door/pictures"]["sent.frames"]
    assert sent < 100_000
    assert numbers(written) == list(range(1, sent + 1))
    assert list(processes.frames.iterdir()) == []


def test_results_that_a_thread_has_at_the_very_end_are_published(processes: Processes) -> None:
    source = processes.start(
        processes.spec(
            "/door/pictures", "Pictures", params={"total": 20}, bindings={"frames": ("/door/frames", "latest")}
        )
    )
    threaded = processes.start(
        processes.spec(
            "/door/threaded", "Threaded", connections={"frames": ("/door/frames", "lossless")}, bindings=SOURCE
        )
    )
    tap = processes.reader("/door/detections", LOSSLESS)
    processes.matched("/door/pictures", "/door/frames")
    processes.matched("/door/threaded", "/door/detections")
    processes.activate(threaded, source)
    assert source.end() == Exit.DONE
    processes.control.command("/door/threaded", Command.STOP)
    assert sorted(m.size[0] for m in tap.take(20)) == list(range(1, 21))
    assert threaded.end() == Exit.DONE


def test_a_publisher_that_is_held_back_goes_on_beating(processes: Processes) -> None:
    node = processes.start(processes.spec("/door/source", "Source", params={"total": 50}, bindings=SOURCE))
    reader = processes.reader("/door/detections", LOSSLESS)
    processes.matched("/door/source", "/door/detections")
    processes.activate(node)
    since = len(processes.beats)
    beats = [processes.wait_until(lambda h: h.state == "active", "a heartbeat") for _ in range(3)]
    assert since and {h.counters["sent.detections"] for h in beats} == {LOSSLESS.depth}
    assert [m.size[0] for m in reader.take(50)] == list(range(1, 51))
    assert node.end() == Exit.DONE


def test_a_publisher_that_is_held_back_for_ever_still_stops(processes: Processes) -> None:
    node = processes.start(processes.spec("/door/source", "Source", params={"total": 50}, bindings=SOURCE))
    processes.reader("/door/detections", LOSSLESS)
    processes.matched("/door/source", "/door/detections")
    processes.activate(node)
    processes.wait_until(lambda h: h.counters.get("sent.detections") == LOSSLESS.depth, "it is held back")
    assert processes.stop(node) == [Exit.FAILED]
    assert "/door/source was told to stop, but a subscription takes nothing in" in node.log


def test_a_lossless_reader_that_is_killed_frees_the_publisher(processes: Processes, tmp_path: Path) -> None:
    written = tmp_path / "written"
    reader = processes.start(
        processes.spec(
            "/door/writer",
            "Writer",
            params={"path": str(written), "seconds": 0.05},
            connections={"detections": ("/door/detections", "lossless")},
            bindings={"crossings": ("/door/crossings", "stream")},
        )
    )
    node = processes.start(processes.spec("/door/source", "Source", params={"total": 5000}, bindings=SOURCE))
    processes.matched("/door/source", "/door/detections")
    processes.activate(reader, node)
    eventually(lambda: len(numbers(written)) > 3)
    assert node.process.poll() is None
    reader.kill()
    assert node.end() == Exit.DONE


def test_a_node_that_waits_to_be_activated_finds_its_publisher_again(processes: Processes, tmp_path: Path) -> None:
    source = processes.spec("/door/source", "Source", params={"total": 3}, bindings=SOURCE)
    first = processes.start(source)
    written = tmp_path / "written"
    writer = processes.start(
        processes.spec(
            "/door/writer",
            "Writer",
            params={"path": str(written)},
            connections={"detections": ("/door/detections", "stream")},
            bindings={"crossings": ("/door/crossings", "stream")},
        )
    )
    processes.matched("/door/source", "/door/detections")
    first.kill()
    processes.beats.clear()
    second = processes.start(source)
    processes.matched("/door/source", "/door/detections")
    processes.activate(writer, second)
    eventually(lambda: numbers(written) == [1, 2, 3])


def test_each_camera_has_a_topic_of_its_own_and_an_unknown_one_is_counted(processes: Processes) -> None:
    endpoints = {camera: processes.endpoint(f"/{camera}/detections") for camera in ("door", "back")}
    spec = processes.spec("/detector", "PerCamera", camera="")
    outlet = {"detections": {"qos": "stream", "endpoints": endpoints}}
    spec = spec.model_validate({**spec.model_dump(), "bindings": outlet})
    node = processes.start(spec)
    readers = {camera: processes.reader(f"/{camera}/detections") for camera in endpoints}
    for camera in endpoints:
        processes.matched("/detector", f"/{camera}/detections")
    processes.activate(node)
    for camera, reader in readers.items():
        assert {m.header.camera for m in reader.take(3)} == {camera}
    health = processes.wait_until(lambda h: h.counters.get("unknown_camera", 0) > 0, "it counts")
    assert health.counters["unknown_camera"] > 0
