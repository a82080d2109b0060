"""Short rounds of the scenarios of benchmarks/chaos: real processes and signals, known crossings, right values.

They run beside each other, because most of the time they wait.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from concurrent.futures import Future

import pytest

from benchmarks.chaos.plan import Round
from benchmarks.chaos.result import Result
from benchmarks.chaos.runner import Runner
from benchmarks.chaos.scenarios.camera import SYSTEM_PYTHON

ROUNDS = {
    "nodes killed": Round("kills", 0.5, {"count": 6, "small": True}),
    "nodes stopped": Round("hangs", 0.4, {"hung": 4.0, "small": True}),
    "launchers killed": Round("deaths", 0.5, {"count": 6, "longest": 3.0}),
    "journal locked": Round("locked", 0.3, {"seconds": 9.0}),
    "journal locked by its file": Round("locked", 0.3, {"seconds": 9.0, "how": "file"}),
    "disk full": Round("disk", 0.3, {"seconds": 7.0, "rounds": 1}),
    "clock wrong": Round("clock", 0.3, {"jumps": [3, -3, 0], "unset_seconds": 6.0, "each": 4.0}),
    "camera cut": Round("camera", 0.3, {"cuts": 3, "freezes": 1, "changes": 2}),
    "server bad": Round("offline", 0.3, {"events": 2000, "dark_seconds": 2.0, "limit_minutes": 3.0}),
    "device gone": Round("device", 0.5, {"seconds": 60.0}),
}
"""What is tested, and the round that tests it."""
_AT_ONCE = 2.2


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest) -> Generator[dict[str, Future[Result]]]:
    """The results of the rounds that were asked for, as they come."""
    asked = {item.callspec.params["what"] for item in request.session.items if isinstance(item, pytest.Function)
             and item.module is request.module and hasattr(item, "callspec")}  # fmt: skip
    wanted = {what: ROUNDS[what] for what in ROUNDS if what in asked}
    found = {what: Future[Result]() for what in wanted}
    names = {each.key: what for what, each in wanted.items()}
    with Runner(_AT_ONCE) as runner:
        thread = threading.Thread(
            target=runner.run,
            args=(list(wanted.values()), lambda each, result: found[names[each.key]].set_result(result)),
            daemon=True,
        )
        thread.start()
        yield found


@pytest.mark.timeout(400)
@pytest.mark.parametrize("what", ROUNDS)
def test_nothing_is_lost_doubled_invented_or_left_behind(results: dict[str, Future[Result]], what: str) -> None:
    if what == "camera cut" and not SYSTEM_PYTHON.exists():
        pytest.skip("no system Python with GStreamer")
    result = results[what].result(timeout=390)
    if any("unshare" in problem or "PermissionError" in problem for problem in result.problems):
        pytest.skip("this user may not mount a small disk")
    assert result.problems == []
    assert (result.lost, result.doubled, result.phantoms) == (0, 0, 0)
    assert (result.orphans, result.corrupt) == (0, 0)
    assert result.faults > 0
    if what not in ("camera cut", "launchers killed"):
        assert result.certain > 0, "nobody walked who had to be counted"
    if result.delivered is not None:
        assert result.delivered == 2000
