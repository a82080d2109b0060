"""Frame sizes come and go; the memory for them does not grow."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from openvino import opset13 as ops

from metrica.nodes.detection.sizes import SizesInUse
from tests.models.networks import save

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


_CARD = """
name: heavy
decoder: ssd
input: {size: [64, 64]}
thresholds: {new: 0.6, keep: 0.5, low: 0.1}
variants:
  - precision: FP32
    files: [{path: heavy.xml}, {path: heavy.bin}]
"""
_THIRTY_SIZES = """
import sys
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
    testing.run(OpenvinoDetector(model=sys.argv[1], requests=1, threads=1)) as detector,
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


def heavy_network(path: Path) -> Path:
    """A network that compiles in a moment and takes some 25 MB, as a small detector does; it finds nobody."""
    picture = ops.parameter([1, 3, 64, 64], np.float32, name="images")
    weights = np.random.default_rng(0).standard_normal((12288, 512), np.float32)
    flat = ops.reshape(picture, np.array([1, 12288]), special_zero=False)
    mixed = ops.reduce_mean(ops.matmul(flat, ops.constant(weights), False, False), np.array([0, 1]), keep_dims=False)
    return save(path, [picture], {"out": ops.add(ops.constant(np.zeros((1, 1, 1, 7), np.float32)), mixed)})


def test_thirty_frame_sizes_in_a_row_cost_no_more_memory_than_a_few(tmp_path: Path) -> None:
    heavy_network(tmp_path / "heavy.xml")
    (tmp_path / "heavy.yaml").write_text(_CARD)
    done = subprocess.run(
        [sys.executable, "-c", _THIRTY_SIZES, str(tmp_path / "heavy.yaml")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    early, late = map(float, done.stdout.split())
    assert late - early < 100, f"{late - early:.0f} MiB for 22 sizes"
