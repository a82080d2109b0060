"""The launches that run on this machine, from their run folders."""

from __future__ import annotations

import time
from pathlib import Path

from metrica.box import Launched, Trouble, hello_of, read_launched, troubles
from metrica.box.launched import STATUS_FILE
from metrica.context import BOX_NAME
from metrica.errors import LaunchError
from metrica.launch.reading.folders import default_run_dir
from metrica.launch.status.found import Found
from metrica.nodes.reporting.machine import look_at
from metrica.runtime import SystemClock

HUNG_AFTER = 30.0
"""Seconds after which a launcher that has written nothing counts as hung."""


def run_folders() -> list[Path]:
    """Return this user's run folders in which a launcher has written how its nodes are."""
    above = default_run_dir("store").parent
    return sorted(path.parent for path in above.glob(f"*/{STATUS_FILE}"))


def look_here(run_dirs: list[Path]) -> list[Found]:
    """Return the boxes of these run folders. Raises LaunchError if nothing runs in one of them."""
    return [_look(path) for path in run_dirs]


def _look(run_dir: Path) -> Found:
    try:
        launched = read_launched(run_dir)
    except (OSError, ValueError) as error:
        raise LaunchError(f"nobody knows how the nodes in {run_dir} are: {error}") from None
    now = time.monotonic_ns()
    # A power cut leaves the file behind: its process and its times are then those of an earlier boot.
    if launched is None or launched.age(now) < 0 or not _lives(launched.pid):
        raise LaunchError(
            f"nothing runs in {run_dir}: start it with metrica-launch, or give the --run-dir it was given"
        )
    clock = SystemClock()
    machine = look_at(
        launched.data_dir,
        launched.data_dir / "journal.db",
        clock_ahead=_ahead(launched),
        synchronised=clock.is_synchronised(),
    )
    hello = hello_of(launched.store, launched.version, launched, machine, now)
    wrong = troubles(hello, 0.0)
    if (age := launched.age(now)) > HUNG_AFTER:
        what = f"metrica-launch (process {launched.pid}) has done nothing for {age:.0f} s"
        wrong.insert(0, Trouble("launcher", "", what, "stop it with 'kill -9' and start it again"))
    return Found(launched.store, _name(launched.data_dir), age, hello, wrong)


def _lives(pid: int) -> bool:
    """Whether a process is there, and a launcher: its number may be that of any other program by now."""
    try:
        return b"metrica" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _name(data_dir: Path) -> str:
    try:
        return (data_dir / BOX_NAME).read_text("utf-8").strip()
    except (OSError, ValueError):
        return ""


def _ahead(launched: Launched) -> float | None:
    """By how many seconds the server's clock is ahead, as a node that talks to it has measured; None if none has."""
    return next((node.clock_ahead for node in launched.nodes if node.clock_ahead is not None), None)
