"""What the launcher prints, as text and as JSON."""

from __future__ import annotations

import json
from io import BytesIO, StringIO, TextIOWrapper

from metrica.launch.supervision.console import Console
from tests.launch.harness import launching

RECORD = {"time": "2026-01-02T10:00:00.000+00:00", "level": "WARNING", "node": "/door/capture", "message": "gone"}


def test_every_line_of_json_is_one_object_with_the_same_keys() -> None:
    nodes = "  babbler: {type: talks_nonsense:Babbler}\n  source: {type: good:Source, params: {until: 1}}\n"
    with launching(nodes, "--log-format", "json") as launch:
        launch.wait_for("done babbling")
        assert launch.stop() == 0, launch.output
    records = [json.loads(line) for line in launch.lines]
    assert all(record.keys() >= {"time", "level", "node", "message"} for record in records)
    assert {"metrica-launch", "/babbler", "/source"} == {record["node"] for record in records}
    assert {"message": "counted to the end", "sent": 1}.items() <= records_of(records, "/source")[-1].items()
    assert "a plain line" in [record["message"] for record in records_of(records, "/babbler")]


def records_of(records: list[dict[str, object]], node: str) -> list[dict[str, object]]:
    return [record for record in records if record["node"] == node]


def test_the_log_level_is_for_the_launcher_and_its_nodes() -> None:
    with launching("  source: {type: good:Source, params: {until: 1}}\n", "--log-level", "warning") as launch:
        assert launch.end() == 0
    assert launch.lines == []


def test_text_names_the_node_and_keeps_standard_output_apart() -> None:
    out, err = StringIO(), StringIO()
    console = Console(out=out, err=err)
    console.record(RECORD)
    console.line("/listener", "hello", is_error=False)
    console.line("/capture", "[h264] concealing errors", is_error=True)
    console.info("stopped", nodes=2)
    assert out.getvalue() == "/listener  hello\n"
    assert "WARNING /door/capture  gone\n" in err.getvalue()
    assert "/capture  [h264] concealing errors\n" in err.getvalue()
    assert "INFO    metrica-launch  stopped  nodes=2\n" in err.getvalue()


def test_a_closed_output_is_no_reason_to_stop() -> None:
    out = StringIO()
    out.close()
    console = Console(out=out, err=StringIO())
    console.line("/listener", "hello", is_error=False)
    console.line("/listener", "hello again", is_error=False)


def test_what_the_terminal_cannot_show_is_written_as_its_code() -> None:
    bytes_out = BytesIO()
    console = Console(out=TextIOWrapper(bytes_out, encoding="ascii"), err=StringIO())
    console.line("/listener", "باب \ud800", is_error=False)
    console.line("/listener", "door", is_error=False)
    assert bytes_out.getvalue() == b"/listener  \\u0628\\u0627\\u0628 \\ud800\n/listener  door\n"
