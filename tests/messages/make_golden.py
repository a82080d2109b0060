"""Write the golden files: one message of each class, as this version of the codec puts it on the wire.

    python -m tests.messages.make_golden

A file that is there stays as it is, for it must decode for ever. A message with a new version gets a new folder.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from metrica.messages import (
    Crossing,
    Detections,
    Frame,
    FrameRef,
    Header,
    Health,
    Message,
    Occupancy,
    Thresholds,
    Tracks,
    Visit,
    encode,
)

GOLDEN = Path(__file__).parent / "golden"
HEADER = Header(
    stamp=1_767_225_600_123_456_789, mono=98_765_432_109, seq=4711, epoch=1_767_225_590_000_000_001, camera="door"
)
BOXES = np.array([[1.5, 2.25, 300.125, 400.0625], [-3.0, 0.0, 1280.0, 720.0]], np.float32)

EXAMPLES: tuple[Message, ...] = (
    Frame(header=HEADER, image=np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)),
    FrameRef(
        header=HEADER,
        ring="/dev/shm/metrica/door.frames.77.18a5",
        slot=3,
        generation=1_767_225_590_000_000_246,
        shape=(1080, 1920, 3),
        dtype="uint8",
    ),
    Detections(
        header=HEADER,
        boxes=BOXES,
        scores=np.array([0.5, 0.875], np.float32),
        size=(1280, 720),
        thresholds=Thresholds(new=0.4, keep=0.3, low=0.05),
    ),
    Tracks(
        header=HEADER,
        boxes=BOXES,
        ids=np.array([1, 9_007_199_254_740_993], np.int64),
        scores=np.array([0.5, 0.875], np.float32),
        ages=np.array([1, 2_000_000_000], np.int32),
        size=(1280, 720),
    ),
    Crossing(
        header=HEADER,
        id="door-18a5f3c2e1-42",
        line="entrée",
        direction="in",
        track=42,
        time=1_767_225_600_100_000_000,
        boot=4_611_686_018_427_387_905,
        uptime=98_742_108_653,
    ),
    Visit(
        header=HEADER,
        id="door/queue/18a5f3c2e1/7",
        zone="queue",
        track=42,
        entered=1_767_225_500_000_000_000,
        left=1_767_225_600_100_000_000,
    ),
    Occupancy(header=HEADER, zone="queue", people=4, loitering=1, longest=95.5),
    Health(
        header=HEADER,
        node="/door/tracker",
        state="active",
        counters={"received.detections": 900, "lost": 2},
        gauges={"fps": 14.96, "cpu_seconds": 3.5},
        subscribers={"/door/tracks": 2},
        detail="the journal cannot be written",
    ),
)


def golden_file(msg: Message) -> Path:
    return GOLDEN / f"v{msg.version}" / f"{type(msg).__name__}.msgpack"


def main() -> None:
    for msg in EXAMPLES:
        path = golden_file(msg)
        if path.exists():
            print(f"{path.name}: stays as it is")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(msg))
        print(f"{path.name}: written")


if __name__ == "__main__":
    main()
