"""The folders of a running launch: sockets, frames in shared memory; and whether there is room for them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from metrica.executors.control import control_endpoint
from metrica.launch.reading.graph import Graph, Topic
from metrica.launch.reading.problems import Problems
from metrica.launch.reading.source import Place
from metrica.messages import Frame
from metrica.transport import RING_SLOTS

SHM = Path("/dev/shm")
"""The folder of shared memory on Linux."""
LONGEST_SOCKET_PATH = 107
"""Longest path of a Unix socket, in bytes: the size of `sun_path` less its final zero byte (unix(7))."""
_LIKELY_FRAME_BYTES = 1280 * 720 * 3
_MIB = 1 << 20


def default_run_dir(store: str) -> Path:
    """The run folder of a store if the command names none: below the user's runtime folder, else below /tmp."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Path(runtime) / "metrica" / store if runtime else Path(f"/tmp/metrica-{os.getuid()}") / store


def frame_dir(run_dir: Path) -> Path:
    """The folder in /dev/shm for the frame rings of this run folder. Each run folder has its own."""
    digest = hashlib.sha256(os.fsencode(run_dir)).hexdigest()[:12]
    return SHM / f"metrica-{os.getuid()}-{digest}"


def free_bytes(folder: Path) -> int:
    """Free bytes on the disk that holds the folder; 0 if there is no such folder."""
    try:
        room = os.statvfs(folder)
    except OSError:
        return 0
    return room.f_bavail * room.f_frsize


def endpoint(graph: Graph, topic: Topic, run_dir: Path) -> str:
    """The address that the topic's publisher binds: the one in the launch file, or a socket in the run folder."""
    explicit = graph.document.endpoints.get(topic.name)
    return explicit.value if explicit else f"ipc://{run_dir}/{topic.name.strip('/').replace('/', '.')}"


def check_folders(graph: Graph, run_dir: Path, problems: Problems) -> None:
    """Add a problem for each socket path that is too long, and one if shared memory is too small for the frames."""
    addresses = {control_endpoint(run_dir): Place(graph.document.source)}
    for topic in graph.topics.values():
        if topic.publisher is None:
            continue
        address = endpoint(graph, topic, run_dir)
        # A socket's lock lies beside it, so /door and /door/lock cannot both be topics.
        if address in addresses or address.removesuffix(".lock") in addresses:
            problems.add(topic.publisher.place, f"{topic.name} is a name that the launcher needs itself: rename it")
        addresses.setdefault(address, topic.publisher.place)
    ipc = [
        (address.removeprefix("ipc://"), place) for address, place in addresses.items() if address.startswith("ipc://")
    ]
    path, place = max(ipc, key=lambda item: len(os.fsencode(item[0])))
    if (length := len(os.fsencode(path))) > LONGEST_SOCKET_PATH:
        message = f"the socket {path} has a path of {length} bytes, and {LONGEST_SOCKET_PATH} are allowed"
        problems.add(place, message, "shorten the names, or give a shorter --run-dir")
    _check_shared_memory(graph, problems)


def _check_shared_memory(graph: Graph, problems: Problems) -> None:
    """Compare the free shared memory with an estimate of what the frames need.

    The size of frames is known only when the first one arrives; the ring itself then reserves exactly what it needs.
    """
    rings = [
        topic
        for topic in graph.published
        if topic.message is Frame and topic.name not in graph.document.endpoints and graph.listeners(topic)
    ]
    if not rings:
        return
    free, needed = free_bytes(SHM), len(rings) * RING_SLOTS * _LIKELY_FRAME_BYTES
    if free < needed:
        publisher = rings[0].publisher
        cameras = "one camera" if len(rings) == 1 else f"{len(rings)} cameras"
        problems.add(
            publisher.place if publisher else Place(graph.document.source),
            f"{SHM} has {free // _MIB} MiB left, and the frames of {cameras} need about {needed // _MIB} MiB",
            "free some, make it larger, or start the container with a larger --shm-size",
            may_pass=True,  # a killed launcher's frames are removed when this one starts
        )
