"""The time limits of the launcher."""

from __future__ import annotations

from dataclasses import dataclass

from metrica.executors.control import HUNG_AFTER_SECONDS


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long the launcher waits for each step, in seconds."""

    start: float = 120.0
    """From a node's start until it is configured (a large model on a small box), and to obey 'activate'."""
    match: float = 30.0
    """From the moment when all nodes are configured until every subscription has reached its publisher."""
    hung: float = HUNG_AFTER_SECONDS
    """Without a heartbeat for so long, a node that has sent one before is taken for hung."""
    drain: float = 5.0
    """From the command to stop until the node has processed the messages on their way and has ended."""
    terminate: float = 2.0
    """From SIGTERM until SIGKILL."""
    first_restart: float = 1.0
    """The wait after a first failure; it doubles with each further one."""
    longest_restart: float = 60.0
    healthy: float = 60.0
    """A restarted node that has been active for so long starts again with the first, short wait after a failure."""


USUAL = Limits()
