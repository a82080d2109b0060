"""The launcher's view of one node: its process, its status, and when to restart it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

from metrica import logs
from metrica.backoff import Backoff
from metrica.executors.control import DUMP_SIGNAL, Exit
from metrica.launch.supervision.child import Child
from metrica.launch.supervision.console import Console
from metrica.launch.supervision.limits import Limits
from metrica.lifecycle import State
from metrica.messages import Health
from metrica.transport import NodeSpec

DUMP_SECONDS = 0.5
"""How long a process that is to be killed has to write its stack traces."""
_REMEMBERED = 86_400.0
"""Seconds for which a node is told that it hung."""


class Status(StrEnum):
    """The status of a node. STARTING, READY and ACTIVE have a process, the others have none."""

    STARTING = "starting"
    READY = "ready"
    """Configured, and waiting for the command to activate."""
    ACTIVE = "active"
    WAITING = "waiting"
    """Failed, and will be started again after a wait."""
    FINISHED = "finished"
    """Ended by itself, for example because its video file has been read."""
    FAILED = "failed"
    """Given up: failed, and trying again cannot help. It is tried very rarely, or not at all (`restart: false`)."""
    STOPPED = "stopped"


class SupervisedNode:
    """One node under supervision. The supervisor tells it what happens and asks it what is due.

    All times are monotonic seconds. restart: whether to start the node again after a failure that may pass.
    """

    def __init__(self, spec: NodeSpec, *, restart: bool, limits: Limits, console: Console) -> None:
        self.spec, self.name = spec, spec.name
        self.status = Status.STOPPED
        self.child: Child | None = None
        self.subscribers: dict[str, int] = {}
        self.last_error = ""
        """The last error that the node has logged, or how its process ended."""
        self.opens: Path | None = None
        """A private file that says what to open in a browser, and that has not been shown yet."""
        self.health: Health | None = None
        """The last heartbeat of its process; None before the first one, and without a process."""
        self.starts = 0
        """How often its process was started."""
        self.restart_at = 0.0
        self.killed = False
        """Whether the launcher has decided to kill it."""
        self.kill_at: float | None = None
        """When to send SIGKILL to a process that writes its stack traces just now."""
        self._restart, self._limits, self._console = restart, limits, console
        self._backoff = Backoff(limits.first_restart, limits.longest_restart)
        self._slow_backoff = Backoff(limits.first_retry, limits.longest_retry)
        self._since, self._born = 0.0, 0
        self._hung_at: list[float] = []
        self._beat_at: float | None = None
        self._told_at: float | None = None

    @property
    def lives(self) -> bool:
        return self.child is not None

    @property
    def has_failed(self) -> bool:
        """Whether it has failed recently. The start of the graph does not wait for such a node."""
        return self._backoff.failures > 0

    @property
    def is_up(self) -> bool:
        """Whether it works, or has done all that it had to do."""
        return self.status in (Status.ACTIVE, Status.FINISHED)

    @property
    def is_given_up(self) -> bool:
        """Whether it was given up, also while it is tried again all the same."""
        return self.status is Status.FAILED or self._slow_backoff.failures > 0

    @property
    def is_connected(self) -> bool:
        """Whether a command can reach the node: it has a process that has sent a heartbeat."""
        return self.lives and self._beat_at is not None

    @property
    def due_at(self) -> float | None:
        """When it is to be restarted, or killed; None if it is neither."""
        return self.restart_at if self.waits else self.kill_at

    @property
    def waits(self) -> bool:
        """Whether it has ended and is to be restarted at `restart_at`."""
        return self.status is Status.WAITING or (self.status is Status.FAILED and self._restart)

    def start(self, environment: Mapping[str, str], now: float) -> Child:
        """Start the process of the node. Raises OSError if that is not possible."""
        self._born = time.monotonic_ns()
        self._hung_at = [at for at in self._hung_at if now - at < _REMEMBERED]
        self.child = Child(self.spec.model_copy(update={"hangs": len(self._hung_at)}), environment)
        self.starts += 1
        self._enter(Status.STARTING, now)
        self._beat_at, self._told_at, self.kill_at = None, None, None
        self.subscribers, self.last_error = {}, ""
        return self.child

    def beats(self, health: Health, now: float) -> bool:
        """Handle a heartbeat. Returns whether the node waits to be activated."""
        if self.child is None or health.header.mono < self._born:
            return False  # sent by an earlier process of this node, and late
        self._beat_at = now
        self.health = health
        self.subscribers = health.subscribers
        if health.state == State.INACTIVE and self.status is Status.STARTING:
            self._enter(Status.READY, now)
        elif health.state == State.ACTIVE and self.status is not Status.ACTIVE:
            self._enter(Status.ACTIVE, now)
        if self.status is Status.ACTIVE and now - self._since > self._limits.healthy:
            self._backoff.reset()
            self._slow_backoff.reset()
        return self.status is Status.READY

    def reads(self, line: str, *, is_error: bool) -> None:
        """Show a line that the node has printed or logged."""
        record = logs.parse(line) if is_error else None
        try:
            if record is not None:
                if opens := record.pop("open", ""):
                    self.opens = Path(opens)
                self._console.record(record)
        except (TypeError, ValueError):
            record = None  # it has the keys of a log record, but not its values
        if record is None:
            self._console.line(self.name, line, is_error=is_error)
        elif record["level"] in ("ERROR", "CRITICAL"):
            self.last_error = str(record["message"])

    def commanded(self, now: float) -> None:
        """Note that the node has been told to activate; its time limit runs from the first such command."""
        self._told_at = self._told_at or now

    def excuse(self, now: float) -> None:
        """Measure the silence of the node from now on."""
        self._since = now
        self._beat_at = now if self._beat_at is not None else None

    def overdue(self, now: float) -> str | None:
        """Why the node counts as hung, as the end of a sentence; None if it does not."""
        if self.child is None or self.killed:
            return None
        if self._beat_at is not None and now - self._beat_at > self._limits.hung:
            return f"has given no sign of life for {now - self._beat_at:.0f} s"
        if self.status is Status.STARTING and now - self._since > self._limits.start:
            return f"is not configured after {now - self._since:.0f} s"
        if self.status is Status.READY and self._told_at and now - self._told_at > self._limits.start:
            return f"does not become active within {now - self._told_at:.0f} s"
        return None

    def hangs(self, now: float) -> None:
        """Note that the process hangs, for its next start, and have it killed as `dump` does."""
        self._hung_at.append(now)
        self.dump(now)

    def dump(self, now: float) -> None:
        """Have the process write to its log where each of its threads is; it is to be killed at `kill_at`."""
        if self.child:
            self.killed, self.kill_at = True, now + DUMP_SECONDS
            self.child.send(DUMP_SIGNAL)

    def kill(self) -> None:
        """Send SIGKILL to the process, if there is one."""
        if self.child:
            self.killed, self.kill_at = True, None
            self.child.send(signal.SIGKILL)

    def ended(self, now: float, *, stopping: bool) -> None:
        """Handle the end of the process: read its last output and decide whether the node is restarted."""
        assert self.child
        status = self.child.reap()
        for lines, is_error in zip(self.child.outputs, (False, True), strict=True):
            lines.read_rest(self._taker(is_error))
        self.child, self.kill_at, self.health, killed = None, None, None, self.killed
        if stopping:
            expected = status in (Exit.DONE, -signal.SIGTERM) or killed
            self._enter(Status.STOPPED if expected else Status.FAILED, now)
            if not expected:
                self._console.error(f"{self.name} {_how(status)} while it was to stop")
            return
        self.killed = False
        if status == Exit.DONE:
            self._enter(Status.FINISHED, now)
            self._console.info(f"{self.name} has finished")
        elif status == Exit.PERMANENT or not self._restart:
            self.last_error = self.last_error or f"it {_how(status)}"
            self.restart_at = now + self._slow_backoff.next()
            self._enter(Status.FAILED, now)
        else:
            self.wait_to_restart(now, "was killed" if killed else _how(status))

    def wait_to_restart(self, now: float, what_happened: str) -> None:
        """Schedule a restart after a failure that may pass, with back-off."""
        wait = self._backoff.next()
        self.restart_at = now + wait
        self._enter(Status.WAITING, now)
        self._console.warning(f"{self.name} {what_happened}; it is restarted in {wait:.1f} s")

    def readers(self) -> list[tuple[int, Callable[[], bool]]]:
        """(file descriptor, function that reads from it) for each pipe of the process that is still open."""
        if self.child is None:
            return []
        pairs = zip(self.child.outputs, (False, True), strict=True)
        return [(lines.fd, _reader(lines.read, self._taker(is_error))) for lines, is_error in pairs if not lines.ended]

    def _taker(self, is_error: bool) -> Callable[[str], None]:
        return lambda line: self.reads(line, is_error=is_error)

    def _enter(self, status: Status, now: float) -> None:
        self.status, self._since = status, now


def _reader(read: Callable[[Callable[[str], None]], bool], take: Callable[[str], None]) -> Callable[[], bool]:
    return lambda: read(take)


def _how(status: int) -> str:
    """How a process ended, in words: its exit status or the signal that killed it."""
    if status >= 0:
        return f"failed (exit status {status})"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
