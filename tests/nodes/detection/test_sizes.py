"""Frame sizes come and go; the memory for them does not grow."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from metrica.nodes.detection.sizes import SizesInUse

SIZES = st.tuples(st.integers(1, 9), st.just(1))


@given(st.lists(st.tuples(st.sampled_from("abc"), SIZES), max_size=80))
def test_the_size_of_each_camera_is_kept_and_two_more_at_most(seen: list[tuple[str, tuple[int, int]]]) -> None:
    sizes = SizesInUse()
    kept: set[tuple[int, int]] = set()
    latest: dict[str, tuple[int, int]] = {}
    for camera, size in seen:
        kept.add(size)
        latest[camera] = size
        gone = sizes.see(camera, size)
        assert set(gone) <= kept
        kept -= set(gone)
        assert set(sizes.in_use) == set(latest.values()) <= kept
        assert len(kept - set(latest.values())) <= 2


_THIRTY_SIZES = """
import numpy as np
from metrica import testing
from metrica.messages import Frame, Header
from metrica.nodes.detection.openvino_detector import OpenvinoDetector
from metrica.nodes.tracking.bytetrack import ByteTrack
from metrica.nodes.counting.line_counter import LineCounter
from metrica.nodes.counting.zone_counter import ZoneCounter

def mib():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20

zones = {"all": [(0, 0), (300, 0), (300, 200), (0, 200)]}
with (
    testing.run(OpenvinoDetector(requests=1, threads=1)) as detector,
    testing.run(ByteTrack()) as tracker,
    testing.run(LineCounter(line=(0, 100, 300, 100))) as counter,
    testing.run(ZoneCounter(zones=zones)) as zone_counter,
):
    for number in range(30):
        width, height = 320 + 24 * number, 240 + 16 * number
        image = np.full((height, width, 3), 90, np.uint8)
        detector.send("frames", Frame(header=Header(stamp=number * 10**9, camera="door"), image=image))
        tracker.send("detections", detector.wait_for("detections", number + 1, timeout=60)[-1])
        counter.send("tracks", tracker.sent("tracks")[-1])
        zone_counter.send("tracks", tracker.sent("tracks")[-1])
        if number in (7, 29):
            print(mib())
"""


def test_thirty_frame_sizes_in_a_row_cost_no_more_memory_than_a_few() -> None:
    """Each costs some 20 MiB where it is not given back."""
    done = subprocess.run([sys.executable, "-c", _THIRTY_SIZES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    early, late = map(float, done.stdout.split())
    assert late - early < 80, f"{late - early:.0f} MiB for 22 sizes"
