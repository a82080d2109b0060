"""What is wrong with a box, in a sentence, and what to do. Pure: from its last hello and how long ago that was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metrica.box.hello import CameraState, Hello

SILENT_AFTER = 15 * 60.0
"""Seconds without a hello after which a box counts as silent."""
BLIND_AFTER = 5 * 60.0
"""Seconds without a look after which a camera counts as blind."""
WAITING_AFTER = 3600.0
"""Seconds for which an event may wait in the journal."""
HOT = 85.0
"""°C from which a machine slows down."""
CLOCK_OFF = 120.0
"""Seconds by which a box's clock may differ from the server's."""
LEAST_FREE, LEAST_SHARE = 2_000_000_000, 0.1
"""A disk is low when it has less free bytes than both: this many, and this share of it."""

Code = Literal[
    "silent", "launcher", "node_down", "node_trouble", "camera_blind", "journal_waits", "disk_low", "hot", "clock"
]
"""The kinds of trouble."""
_DOWN = ("waiting", "failed", "stopped")


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong."""

    code: Code
    """What kind of trouble it is."""
    subject: str
    """The node or camera that it is about; empty for the box."""
    what: str
    """What is wrong, such as `/door/capture is down`."""
    remedy: str
    """What to do, as an order."""


def troubles(hello: Hello, silent_s: float) -> list[Trouble]:
    """Return what is wrong, the worst first. silent_s: seconds since the hello."""
    if silent_s >= SILENT_AFTER:
        # What it said before is not known to be so any more.
        what = f"it has said nothing for {in_words(silent_s)}"
        return [Trouble("silent", "", what, "look whether it has power and network, then 'metrica-status' on the box")]
    found: list[Trouble] = []
    if not hello.nodes:
        what = "nobody knows how its nodes are"
        found.append(Trouble("launcher", "", what, "start its graph with this version of metrica-launch"))
    for node in hello.nodes:
        if node.state in _DOWN:
            why = f": {node.trouble}" if node.trouble else ""
            again = "it is started again by itself" if node.state == "waiting" else "mend it and start the launch again"
            found.append(Trouble("node_down", node.name, f"{node.name} is down{why}", again))
        elif node.trouble:
            what = f"{node.name}: {node.trouble}"
            found.append(Trouble("node_trouble", node.name, what, "see the log of metrica-launch on the box"))
    found += [_blind(camera) for camera in hello.cameras if is_blind(camera, hello.up_s)]
    if hello.waiting_s is not None and hello.waiting_s >= WAITING_AFTER and hello.unsent:
        what = f"{hello.unsent} events wait to be sent, the oldest for {in_words(hello.waiting_s)}"
        found.append(Trouble("journal_waits", "", what, "look at the uploader: 'metrica-journal status' on the box"))
    if hello.disk_free is not None and is_low(hello.disk_free, hello.disk_total):
        what = f"{hello.disk_free / 1e9:.1f} GB are free on its disk"
        found.append(Trouble("disk_low", "", what, "remove what is not needed there"))
    if hello.temperature is not None and hello.temperature >= HOT:
        found.append(Trouble("hot", "", f"it is {hello.temperature:.0f} °C hot", "give it air, or a cooler"))
    if hello.clock_ahead is not None and abs(hello.clock_ahead) > CLOCK_OFF:
        way = "behind" if hello.clock_ahead > 0 else "ahead of"
        what = f"its clock is {in_words(abs(hello.clock_ahead))} {way} the server's"
        found.append(Trouble("clock", "", what, "set up a time service on both"))
    return found


def is_blind(camera: CameraState, up_s: float | None) -> bool:
    """Whether a camera has not looked for too long, as its box knew at the hello. up_s: how long the launch runs."""
    return blind_s(camera, up_s) >= BLIND_AFTER


def blind_s(camera: CameraState, up_s: float | None) -> float:
    """Return for how long a camera had not looked at the hello, seconds; since the launch if it never did."""
    return (up_s or 0.0) if camera.looked_s is None else camera.looked_s


def is_low(free: int, total: int | None, *, slack: float = 1.0) -> bool:
    """Whether a disk is low. slack: above 1 for a disk that was low, so that it is not low and high by turns."""
    return free < slack * min(LEAST_FREE, LEAST_SHARE * total if total else LEAST_FREE)


def in_words(seconds: float) -> str:
    """Return a duration as people say it, such as `3 h`."""
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def _blind(camera: CameraState) -> Trouble:
    since = "since the launch" if camera.looked_s is None else f"for {in_words(camera.looked_s)}"
    what = f"the camera {camera.name} has not looked {since}"
    return Trouble(
        "camera_blind", camera.name, what, "look at its power, cable and lens, and at the capture node's log"
    )
