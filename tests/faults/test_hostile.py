"""All attacks of benchmarks/hostile at once, for some seconds: nobody gets in, nothing leaks, nothing breaks."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from benchmarks.hostile.__main__ import attack
from benchmarks.hostile.attacker import ATTACKS
from benchmarks.hostile.notes import Notes
from benchmarks.hostile.target import Target
from benchmarks.hostile.wire import Answer


@pytest.fixture(scope="module")
def found() -> Generator[dict[str, Any]]:
    """What the attacks have found."""
    yield attack(list(ATTACKS), 5.0, quiet=0.0, nice=0)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("what", ["server_errors", "unauthenticated_successes", "cross_store_leaks"])
def test_no_attack_gets_what_it_wants(found: dict[str, Any], what: str) -> None:
    assert found[what] == []


@pytest.mark.timeout(300)
def test_every_attack_came_through(found: dict[str, Any]) -> None:
    assert [name for name, notes in found["attacks"].items() if notes["requests"] == 0] == []


@pytest.mark.timeout(300)
def test_the_honest_are_served_afterwards(found: dict[str, Any]) -> None:
    after = found["honest_after"]
    assert (after["failures"], after["logins_refused"]) == ([], 0)
    assert after["logins"] > 0
    assert found["peak_rss_mb"]["ingest"] < 400 and found["peak_rss_mb"]["dashboard"] < 400
    assert found["log_mb"] < 5


# The judge, who must see what is wrong.

TARGET = Target(1, 2, "own", "other", "revoked", "slow", "password", ["canary77"])


def judged(answer: Answer, *, what: str = "GET /v1/stores/theirs", may: bool = False) -> tuple[int, int, int, int]:
    notes = Notes("an attack")
    notes.see(TARGET, what, answer, may=may)
    return len(notes.server_errors), len(notes.successes), len(notes.leaks), len(notes.not_json)


@pytest.mark.parametrize(
    ("answer", "what", "may", "expected"),
    [
        (Answer(401, body=b'{"error":"no token"}'), "GET /v1/stores/theirs", False, (0, 0, 0, 0)),
        (Answer(503, body=b'{"error":"busy"}'), "GET /v1/stores/theirs", False, (0, 0, 0, 0)),
        (Answer(501, body=b'{"error":"no such transfer encoding"}'), "POST /v1/events", True, (0, 0, 0, 0)),
        (Answer(0), "GET /v1/stores/theirs", False, (0, 0, 0, 0)),
        (Answer(200, body=b"{}"), "GET /v1/stores/theirs", True, (0, 0, 0, 0)),
        (Answer(200, body=b"{}"), "GET /healthz", False, (0, 0, 0, 0)),
        (Answer(200, body=b"{}"), "GET /v1/stores/theirs", False, (0, 1, 0, 0)),
        (Answer(500, body=b'{"error":"x"}'), "POST /v1/events", True, (1, 0, 0, 0)),
        (Answer(500, body=b"<html>"), "POST /v1/events", True, (1, 0, 0, 1)),
        (Answer(400, body=b"Bad Request"), "POST /v1/events", True, (0, 0, 0, 1)),
        (Answer(403, body=b'{"error":"not canary77"}'), "POST /v1/events", False, (0, 0, 1, 0)),
    ],
)
def test_an_answer_is_judged(answer: Answer, what: str, may: bool, expected: tuple[int, int, int, int]) -> None:
    assert judged(answer, what=what, may=may) == expected
