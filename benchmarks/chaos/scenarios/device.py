"""The device of the detector is gone (a graphics driver that crashed): the rest counts, the detector finds a way."""

from __future__ import annotations

import socket
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.chaos import graphs
from benchmarks.chaos.result import Result
from benchmarks.chaos.shop import Shop, free_ports
from benchmarks.chaos.stores import corrupt, deliver_rest
from benchmarks.chaos.truth import compare, read_events, read_walks


def run(folder: Path, *, seconds: float = 90.0) -> Result:
    """Wait so long for pictures to be looked at again, although `device: GPU` names what this machine has not."""
    result = Result(faults=1)
    ports = free_ports(2)
    room = graphs.empty_room(folder / "room")
    first, second = folder / "s1", folder / "s2"
    small = graphs.small(first / "truth", ports[0])
    with (
        Shop(first, small) as counts,
        notified(folder / "notify") as unit,
        Shop(second, graphs.pictures(str(room), ports[1], detector=", device: GPU"), environment=unit) as sees,
    ):
        counts.wait_active(4)
        began = time.monotonic()
        looked = sees.wait_until(lambda: sees.pids() != {} and _looked(sees) > 0, seconds)
        if looked:
            result.recoveries.append(round(time.monotonic() - began, 2))
        else:
            result.problems.append(f"no picture was looked at within {seconds:.0f} s without the device")
        if sees.process is not None and sees.process.poll() is not None:
            result.problems.append("the launch was given up")
        result.detail["log"] = [line[13:200] for line in sees.text().splitlines() if "GPU" in line][:4]
        if not deliver_rest(counts):
            result.problems.append("events stay unsent")
        sees.stop()
    result.add(compare(read_walks(counts.truth), read_events(counts.database), by_track=True))
    result.corrupt = corrupt(counts.data) + corrupt(sees.data)
    return result


@contextmanager
def notified(path: Path) -> Generator[dict[str, str]]:
    """The environment that systemd gives: started by hand, a launch says that the device is missing and ends."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        yield {"NOTIFY_SOCKET": str(path)}


def _looked(shop: Shop) -> int:
    """How many pictures have reached the tracker as detections."""
    health = shop.monitor.health.get("/door/tracker")
    return health.counters.get("received.detections", 0) if health else 0
