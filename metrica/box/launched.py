"""What the launcher writes into its run folder every few seconds: its nodes, and how they are."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

STATUS_FILE = "_status.json"
"""The name of the file in the run folder; no topic has a name that begins like this."""
MAX_BYTES = 4 << 20
"""Most bytes of the file that are read."""

_SECOND = 1_000_000_000


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class LaunchedNode(_Part):
    """A node as the launcher sees it."""

    name: str
    """Full name, such as /door/tracker."""
    camera: str = ""
    """The camera that it is started for; empty for none."""
    role: str = ""
    """`source` if it brings pictures, `counter` if it counts, or empty."""
    status: str
    """As in `metrica.launch.supervision.supervised_node.Status`."""
    restarts: int = 0
    """How often it was started again since the launch."""
    trouble: str = ""
    """What it says is wrong, or why it ended; empty for nothing."""
    counters: dict[str, int] = {}
    """What it has counted since its process began, as in `Health`; empty while it has no process."""
    clock_ahead: float | None = None
    """By how many seconds the server's clock is ahead of this machine's, if the node has measured it."""
    latency_ms: float | None = None
    """The age of the oldest picture that reached it within a second; None if none did."""


class Launched(_Part):
    """A running launch."""

    store: str
    """The store's id."""
    version: str
    """The version of Metrica that runs."""
    digest: str
    """Digest of the launch file, secrets left out."""
    pid: int
    """The launcher's process."""
    data_dir: Path
    """The folder of the store's files."""
    began: int
    """When the launch began, monotonic ns of this machine."""
    written: int
    """When this was written, monotonic ns of this machine."""
    nodes: list[LaunchedNode]
    """Every node of the launch file."""
    looked: dict[str, int | None]
    """Camera -> when it last looked, monotonic ns; None if not since the launch."""

    def age(self, now: int) -> float:
        """For how long it has not been written, seconds. now: monotonic ns."""
        return (now - self.written) / _SECOND


def read_launched(run_dir: Path) -> Launched | None:
    """Read what the launcher of a run folder wrote; None if nothing runs there. Raises OSError, ValueError."""
    try:
        with (run_dir / STATUS_FILE).open("rb") as file:
            content = file.read(MAX_BYTES)
    except FileNotFoundError:
        return None
    try:
        return Launched.model_validate_json(content)
    except ValidationError as error:
        raise ValueError(
            f"{run_dir / STATUS_FILE} is not of this version of Metrica ({error.error_count()} errors)"
        ) from None
