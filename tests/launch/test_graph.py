"""Launch files that are right: cameras times nodes, names, wildcards, overrides, and what each process is told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import zmq

from metrica.launch.cli import main
from metrica.launch.reading.graph import expected_subscribers
from metrica.launch.reading.load import LaunchFileError, Loaded, load
from metrica.launch.show import as_mermaid, as_text
from metrica.launch.supervision.node_specs import node_specs
from metrica.launch.supervision.order import levels
from metrica.transport import KeyFolder, NodeSpec

LAUNCH = """metrica: 1
store: {id: tunis-01, timezone: Africa/Tunis}
cameras:
  door: {uri: "rtsp://$(env HOST)/1", line: [0, 360, 1280, 360]}
  back: {uri: back.mp4, line: [10, 20, 30, 40], fps: 5}
per_camera:
  capture: {type: shop:Camera, params: {uri: $(camera.uri)}}
  tracker: {type: shop:Tracker}
  counter: {type: shop:Counter, params: {line: $(camera.line)}}
nodes:
  detector: {type: shop:Detector, remap: {frames: "*/frames"}}
  uploader: {type: shop:Uploader, params: {url: "http://127.0.0.1:8080", token: s3cret}}
"""


@pytest.fixture(autouse=True)
def _node_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parent / "bad"), *sys.path])


def loaded(tmp_path: Path, text: str, *overrides: str) -> Loaded:
    path = tmp_path / "store.yaml"
    path.write_text(text, "utf-8")
    return load(str(path), overrides=overrides, run_dir=Path("/run/shop"), environment={"HOST": "10.0.0.7"})


def specs(tmp_path: Path, text: str, *overrides: str) -> dict[str, NodeSpec]:
    found = loaded(tmp_path, text, *overrides)
    return {spec.name: spec for spec in node_specs(found.graph, found.run_dir)}


def mistakes(tmp_path: Path, text: str, *overrides: str) -> list[str]:
    with pytest.raises(LaunchFileError) as error:
        loaded(tmp_path, text, *overrides)
    return [problem.message for problem in error.value.problems.sorted()]


def test_every_camera_gets_its_own_nodes_in_its_own_namespace(tmp_path: Path) -> None:
    found = specs(tmp_path, LAUNCH)
    per_camera = [f"/{camera}/{node}" for camera in ("door", "back") for node in ("capture", "tracker", "counter")]
    assert list(found) == [*per_camera, "/detector", "/uploader"]
    assert found["/door/capture"].params == {"uri": "rtsp://10.0.0.7/1"}
    assert found["/back/counter"].params == {"line": ["10", "20", "30", "40"]}
    assert found["/back/counter"].camera == "back"
    assert found["/detector"].camera == ""
    assert found["/detector"].store == "tunis-01"
    assert found["/detector"].timezone == "Africa/Tunis"


def test_one_detector_serves_the_cameras_whose_frames_it_hears(tmp_path: Path) -> None:
    detector = specs(tmp_path, LAUNCH)["/detector"]
    assert [endpoint.topic for endpoint in detector.connections["frames"].endpoints] == ["/back/frames", "/door/frames"]
    assert {camera: endpoint.topic for camera, endpoint in detector.bindings["detections"].endpoints.items()} == {
        "back": "/back/detections",
        "door": "/door/detections",
    }
    one = specs(tmp_path, LAUNCH.replace('"*/frames"', "/door/frames").replace("  back: {", "  # back: {"))["/detector"]
    assert list(one.bindings["detections"].endpoints) == ["door"]


def test_topics_are_sockets_in_the_run_folder_and_both_ends_agree(tmp_path: Path) -> None:
    found = specs(tmp_path, LAUNCH)
    endpoint = found["/door/tracker"].bindings["tracks"].endpoints[""]
    assert endpoint.endpoint == "ipc:///run/shop/door.tracks"
    assert found["/door/counter"].connections["tracks"].endpoints == (endpoint,)
    assert found["/door/counter"].bindings["crossings"].qos == "events"
    assert found["/door/tracker"].health.endpoint == "ipc:///run/shop/door.tracker.health"
    assert found["/door/tracker"].control == "ipc:///run/shop/control"


def test_a_detector_per_camera_publishes_for_its_own_camera(tmp_path: Path) -> None:
    text = LAUNCH.replace('  detector: {type: shop:Detector, remap: {frames: "*/frames"}}\n', "").replace(
        "nodes:", "  detector: {type: shop:Detector}\nnodes:"
    )
    detector = specs(tmp_path, text)["/door/detector"]
    assert {camera: endpoint.topic for camera, endpoint in detector.bindings["detections"].endpoints.items()} == {
        "door": "/door/detections"
    }


def test_nodes_that_serve_many_cameras_can_follow_each_other(tmp_path: Path) -> None:
    text = LAUNCH.replace("nodes:\n", 'nodes:\n  second: {type: chain:Refine, remap: {detections: "*/detections"}}\n')
    (tmp_path / "chain.py").write_text(
        "from metrica import Node, publisher, subscription\n"
        "from metrica.messages import Detections\n"
        "class Refine(Node):\n"
        "    refined = publisher(Detections, per_camera=True)\n"
        "    @subscription(Detections)\n"
        "    def detections(self, msg: Detections) -> None: ...\n"
    )
    assert set(specs(tmp_path, text)["/second"].bindings["refined"].endpoints) == {"door", "back"}


def test_a_node_may_listen_to_heartbeats(tmp_path: Path) -> None:
    (tmp_path / "watch.py").write_text(
        "from metrica import Node, subscription\n"
        "from metrica.messages import Health\n"
        "class Watch(Node):\n"
        "    @subscription(Health)\n"
        "    def health(self, msg: Health) -> None: ...\n"
    )
    text = LAUNCH + '  watch: {type: watch:Watch, remap: {health: "*/*/health"}}\n'
    found = specs(tmp_path, text)["/watch"]
    assert len(found.connections["health"].endpoints) == 6
    assert found.connections["health"].endpoints[0].topic == "/back/capture/health"


def test_set_changes_one_camera_or_all(tmp_path: Path) -> None:
    for override, changed in (("tracker.track_buffer=7", ["/door/tracker", "/back/tracker"]), *_one_camera()):
        found = specs(tmp_path, LAUNCH, override)
        assert [name for name, spec in found.items() if spec.params.get("track_buffer") == "7"] == changed
    found = specs(tmp_path, LAUNCH, "door/capture.uri=door.mp4", "counter.params.line=[1, 2, 3, 4]", "detector.model=x")
    assert found["/door/capture"].params == {"uri": "door.mp4"}
    assert found["/back/counter"].params == {"line": ["1", "2", "3", "4"]}
    assert found["/detector"].params == {"model": "x"}


def _one_camera() -> list[tuple[str, list[str]]]:
    return [(f"{name}.track_buffer=7", ["/door/tracker"]) for name in ("door/tracker", "/door/tracker")]


def test_set_replaces_the_type_and_the_qos(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("from shop import Tracker\nclass Other(Tracker): pass\n")
    found = specs(tmp_path, LAUNCH, "back/tracker.type=other:Other", "detector.qos.frames=lossless")
    assert (found["/door/tracker"].type, found["/back/tracker"].type) == ("shop:Tracker", "other:Other")
    assert found["/detector"].connections["frames"].qos == "lossless"
    assert found["/door/tracker"].connections["detections"].qos == "stream"


def test_an_override_makes_an_unset_variable_unneeded(tmp_path: Path) -> None:
    text = LAUNCH.replace("HOST", "NO_SUCH_HOST")
    assert mistakes(tmp_path, text) == ["the environment variable NO_SUCH_HOST is not set"]
    assert specs(tmp_path, text, "capture.uri=clip.mp4")["/door/capture"].params["uri"] == "clip.mp4"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("NO", "NO"),
        ("12:30", "12:30"),
        ("007", "007"),
        ("1e3", "1e3"),
        ("'$$(literally)'", "$(literally)"),
        ("'$(env HOST):$(camera.fps)'", "10.0.0.7:5"),
        ("$(camera.name).mp4", "back.mp4"),
        ("'null'", "null"),
    ],
)
def test_texts_stay_as_they_are_written(written: str, told: str, tmp_path: Path) -> None:
    text = LAUNCH.replace("$(camera.uri)", '"a.mp4"').replace("back.mp4", "back")
    override = f"back/capture.uri={written}"
    assert specs(tmp_path, text, override)["/back/capture"].params == {"uri": told}


def test_a_topic_with_an_endpoint_may_be_published_or_heard_elsewhere(tmp_path: Path) -> None:
    endpoints = 'endpoints: {/door/crossings: "tcp://127.0.0.1:5560", /side/crossings: "tcp://$(env HOST):5561"}\n'
    text = (
        LAUNCH.replace("nodes:\n", 'nodes:\n  board: {type: shop:Board, remap: {crossings: "*/crossings"}}\n')
        + endpoints
        + "data: data\n"
    )
    keys = KeyFolder(tmp_path / "data")
    own, other = keys.make().public, zmq.curve_keypair()[0].decode()
    keys.trust("10.0.0.7", other)
    found = specs(tmp_path, text)
    assert found["/door/counter"].bindings["crossings"].endpoints[""].endpoint == "tcp://127.0.0.1:5560"
    assert {e.topic: e.endpoint for e in found["/board"].connections["crossings"].endpoints} == {
        "/back/crossings": "ipc:///run/shop/back.crossings",
        "/door/crossings": "tcp://127.0.0.1:5560",
        "/side/crossings": "tcp://10.0.0.7:5561",
    }
    assert {e.topic: e.publisher_key for e in found["/board"].connections["crossings"].endpoints} == {
        "/back/crossings": "",
        "/door/crossings": own,
        "/side/crossings": other,
    }
    graph = loaded(tmp_path, text).graph
    assert "/side/crossings" not in expected_subscribers(graph, found)


def test_the_data_folder_is_the_stores_own(tmp_path: Path) -> None:
    assert specs(tmp_path, LAUNCH)["/detector"].data_dir.parts[-2:] == ("metrica", "tunis-01")
    assert specs(tmp_path, f"{LAUNCH}data: data\n")["/detector"].data_dir == tmp_path / "data"


def test_without_a_store_there_is_a_default_one(tmp_path: Path) -> None:
    found = loaded(tmp_path, "metrica: 1\nnodes:\n  camera: {type: shop:Camera, params: {uri: a}}\n")
    assert (found.graph.document.store, found.graph.document.timezone) == ("store", "UTC")


def test_sources_come_first_then_sinks_then_nodes_without_topics(tmp_path: Path) -> None:
    assert levels(loaded(tmp_path, LAUNCH).graph) == [
        ["/door/capture", "/back/capture"],
        ["/detector"],
        ["/door/tracker", "/back/tracker"],
        ["/door/counter", "/back/counter"],
        ["/uploader"],
    ]


def test_a_cycle_is_opened_somewhere_and_everything_is_ordered(tmp_path: Path) -> None:
    (tmp_path / "loop.py").write_text(
        "from metrica import Message, Node, message, publisher, subscription\n"
        "@message\nclass Ping(Message): pass\n"
        "class Echo(Node):\n"
        "    out = publisher(Ping)\n"
        "    @subscription(Ping)\n"
        "    def heard(self, msg: Ping) -> None: ...\n"
        "class Start(Node):\n"
        "    begin = publisher(Ping)\n"
        "class End(Echo): pass\n"
    )
    text = (
        "metrica: 1\nnodes:\n"
        "  a: {type: loop:Echo, remap: {heard: b_out, out: a_out}}\n"
        "  b: {type: loop:Echo, remap: {heard: a_out, out: b_out}}\n"
        "  self: {type: loop:Echo, remap: {heard: own, out: own}}\n"
        "  end: {type: loop:End, remap: {heard: b_out, out: unheard}}\n"
    )
    assert levels(loaded(tmp_path, text).graph) == [["/self"], ["/a"], ["/b"], ["/end"]]


def test_the_launcher_knows_how_many_subscriptions_to_wait_for(tmp_path: Path) -> None:
    graph = loaded(tmp_path, LAUNCH).graph
    everybody = [node.name for node in graph.nodes]
    assert expected_subscribers(graph, everybody) == {
        f"/{camera}/{topic}": 1 for camera in ("door", "back") for topic in ("frames", "detections", "tracks")
    }
    assert expected_subscribers(graph, set(everybody) - {"/detector"}) == {"/door/tracks": 1, "/back/tracks": 1}


def test_the_graph_is_shown_as_text_and_as_mermaid_without_secrets(tmp_path: Path) -> None:
    graph = loaded(tmp_path, LAUNCH).graph
    text = as_text(graph)
    assert text.startswith("store tunis-01 (Africa/Tunis): 8 nodes, 8 topics\n\n/door/capture  shop:Camera\n")
    assert "    out  /door/frames  Frame (latest) to /detector\n" in text
    assert "    in   frames: /back/frames, /door/frames  (latest)\n" in text
    assert "    out  /back/crossings  Crossing (events) to nobody" in text
    mermaid = as_mermaid(graph)
    assert mermaid.startswith("flowchart LR\n")
    assert '    n0["/door/capture<br/><i>shop:Camera</i>"]\n' in mermaid
    assert "    n0 -->|/door/frames| n6\n" in mermaid
    assert "s3cret" not in text + mermaid


def test_check_and_graph_start_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "store.yaml"
    path.write_text(LAUNCH.replace("$(env HOST)", "host"))
    run_dir = tmp_path / "run"
    for arguments, begin in (
        (["--check", str(path)], f"{path}: ok, 8 nodes, 8 topics\n"),
        (["--graph", str(path)], "store tunis-01"),
        ([str(path), "--graph"], "store tunis-01"),
        ([str(path), "--graph", "mermaid"], "flowchart LR"),
    ):
        assert main([*arguments, "--run-dir", str(run_dir)]) == 0
        assert capsys.readouterr().out.startswith(begin)
    assert not run_dir.exists()


def test_until_finished_needs_a_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "store.yaml"
    path.write_text("metrica: 1\nnodes:\n  uploader: {type: shop:Uploader, params: {url: x}}\n")
    assert main([str(path), "--until-finished"]) == 2
    assert "--until-finished: error: " in capsys.readouterr().err
