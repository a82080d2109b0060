"""The time limits of the launcher."""

from __future__ import annotations

from dataclasses import dataclass

from metrica.executors.control import HUNG_AFTER_SECONDS


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long the launcher waits for each step."""

    start: float = 120.0
    """Seconds from a node's start until it is configured (a large model on a small box), and to obey 'activate'."""
    match: float = 30.0
    """Seconds from the moment when all nodes are configured until every subscription has reached its publisher."""
    hung: float = HUNG_AFTER_SECONDS
    """Seconds without a heartbeat after which a node that has sent one before counts as hung."""
    drain: float = 5.0
    """Seconds from the command to stop until the node has processed the messages on their way and has ended."""
    terminate: float = 2.0
    """Seconds from SIGTERM until SIGKILL."""
    first_restart: float = 1.0
    """Seconds before the restart after a first failure; doubled after each further one."""
    longest_restart: float = 60.0
    """Seconds before a restart, at most."""
    first_retry: float = 300.0
    """Seconds before another try of a node for which trying again cannot help; doubled after each further one."""
    longest_retry: float = 3600.0
    """Seconds before such a try, at most."""
    healthy: float = 60.0
    """Seconds after which a restarted node counts as healthy: its next failure is a first one again."""


USUAL = Limits()
"""The limits that `metrica-launch` uses."""
