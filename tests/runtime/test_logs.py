"""Logs: one JSON object a line, the same as text, and nothing in them that must not be seen."""

from __future__ import annotations

import io
import json
import logging
import os
import pty
import re
from collections.abc import Generator
from datetime import UTC, datetime
from typing import Any

import pytest

from metrica import logs
from metrica.runtime import NodeLog


@pytest.fixture
def root() -> Generator[logging.Logger]:
    """The root logger, as it was before."""
    logger = logging.getLogger()
    handlers, level = list(logger.handlers), logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)


def node_log(name: str = "/door/capture") -> NodeLog:
    return NodeLog(logging.getLogger("metrica.node"), {"node": name})


def written(root: logging.Logger, *, as_json: bool = True, level: str = "INFO") -> io.StringIO:
    stream = io.StringIO()
    logs.setup("/door/capture", level=level, as_json=as_json, stream=stream)
    return stream


def test_a_line_of_a_node_is_one_json_object_with_its_fields(root: logging.Logger) -> None:
    stream = written(root)
    node_log().info("camera %s opened", "one", width=1280, fps=15.0, note="a b\nc")
    record = json.loads(stream.getvalue())
    when = datetime.fromisoformat(record.pop("time"))
    assert abs((datetime.now(UTC) - when).total_seconds()) < 60
    assert record == {
        "level": "INFO",
        "node": "/door/capture",
        "message": "camera one opened",
        "width": 1280,
        "fps": 15.0,
        "note": "a b\nc",
    }
    assert stream.getvalue().count("\n") == 1


def test_what_was_written_is_parsed_and_shown_as_text(root: logging.Logger) -> None:
    stream = written(root)
    node_log().warning("camera opened", width=1280, fps=15.0, uri="a b", empty="")
    record = logs.parse(stream.getvalue())
    assert record is not None
    shown = logs.text(record)
    assert re.fullmatch(
        r'\d\d:\d\d:\d\d\.\d{3} WARNING /door/capture  camera opened  width=1280 fps=15 uri="a b" empty=', shown
    )
    assert logs.text(record, colour=True) == f"\x1b[33m{shown}\x1b[0m"


def test_a_library_s_record_carries_the_name_of_the_node_that_it_works_for(root: logging.Logger) -> None:
    stream = written(root)
    logging.getLogger("urllib3.connection").warning("retrying")
    record = json.loads(stream.getvalue())
    assert (record["node"], record["message"]) == ("/door/capture", "retrying")


def test_fields_cannot_pretend_to_be_the_record_s_own(root: logging.Logger) -> None:
    stream = written(root)
    node_log().info("hello", time="never", node="/other", message="bye")
    record = json.loads(stream.getvalue())
    assert (record["level"], record["node"], record["message"]) == ("INFO", "/door/capture", "hello")


def test_an_exception_comes_with_its_traceback(root: logging.Logger) -> None:
    stream = written(root)
    try:
        raise ValueError("broken")
    except ValueError:
        node_log().exception("the node failed", attempt=2)
    record = logs.parse(stream.getvalue())
    assert record is not None
    assert record["error"].startswith("Traceback") and record["error"].endswith("ValueError: broken")
    rows = logs.text(record).splitlines()
    assert rows[0].endswith("the node failed  attempt=2")
    assert all(row.startswith("    ") for row in rows[1:])


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("rtsp://admin:hunter22@192.168.1.10/stream", "rtsp://***@192.168.1.10/stream"),
        ("rtsp://admin:hunter22/with@slash@camera:554/1", "rtsp://***@camera:554/1"),
        ("cannot open 'rtsp://:hunter22@camera'", "cannot open 'rtsp://***@camera'"),
        ("http://box/a and me@shop.tn", "http://box/a and me@shop.tn"),
        ("rtsp://camera/stream", "rtsp://camera/stream"),
    ],
)
def test_a_password_in_an_address_never_reaches_a_log(root: logging.Logger, message: str, shown: str) -> None:
    stream = written(root)
    node_log().info(message, uri=message)
    try:
        raise ValueError(message)
    except ValueError:
        node_log().exception("failed")
    assert "hunter22" not in stream.getvalue()
    first = json.loads(stream.getvalue().splitlines()[0])
    assert (first["message"], first["uri"]) == (shown, shown)


def test_a_file_name_that_is_no_text_is_shown_and_does_not_break_the_log(root: logging.Logger) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    logs.setup("/door", stream=stream)
    node_log().info("reading %s", os.fsdecode(b"caf\xe9.mp4"))
    stream.flush()
    raw = stream.buffer.getvalue()  # type: ignore[attr-defined]
    assert logs.parse(raw.decode()) is not None
    assert b"caf" in raw and b".mp4" in raw


def test_a_value_that_json_does_not_know_is_shown_as_text(root: logging.Logger) -> None:
    stream = written(root)
    node_log().info("x", error_type=ValueError, path=os)
    assert "ValueError" in json.loads(stream.getvalue())["error_type"]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "plain words",
        "{",
        "{}",
        "[1]",
        '{"time": "x"}',
        '{"time": "x", "level": "INFO", "node": "/a", "message": "m"}',
        '{"time": 5, "level": "INFO", "node": "/a", "message": "m"}',
        '{"time": "2026-01-01T00:00:00", "level": null, "node": "/a", "message": "m"}',
        '{"time": "2026-01-01T00:00:00", "level": "INFO", "node": "/a"}',
    ],
)
def test_what_a_library_prints_by_itself_is_no_record(line: str) -> None:
    assert logs.parse(line) is None


def test_a_level_holds_back_what_is_below_it(root: logging.Logger) -> None:
    stream = written(root, level="warning")
    node_log().info("quiet")
    node_log().error("loud")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["loud"]


def test_text_has_colour_only_on_a_terminal(root: logging.Logger) -> None:
    plain = written(root, as_json=False)
    node_log().error("camera gone", tries=3)
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3} ERROR   /door/capture  camera gone  tries=3\n", plain.getvalue())
    leader, follower = pty.openpty()
    try:
        with os.fdopen(follower, "w") as terminal:
            logs.setup("/door/capture", as_json=False, stream=terminal)
            node_log().error("camera gone")
            terminal.flush()
            shown = os.read(leader, 1000).decode()
    finally:
        os.close(leader)
    assert shown.startswith("\x1b[31m") and "\x1b[0m" in shown


def test_setting_up_twice_does_not_write_twice(root: logging.Logger) -> None:
    written(root)
    stream = written(root)
    node_log().info("once")
    assert stream.getvalue().count("once") == 1


def record(**fields: Any) -> dict[str, Any]:
    return {"time": "2026-01-01T00:00:00.120+00:00", "level": "INFO", "node": "/a", "message": "m", **fields}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (15.0, "15"),
        (0.1234567, "0.123457"),
        (1, "1"),
        ("a b", '"a b"'),
        ("a\nb", '"a\\nb"'),
        ("é", "é"),
        (None, "None"),
    ],
)
def test_fields_are_shown_so_that_they_stay_on_one_line(value: object, shown: str) -> None:
    assert logs.text(record(x=value)).endswith(f"  m  x={shown}")
