"""How long the launcher waits for what."""

from __future__ import annotations

from dataclasses import dataclass

from metrica.executors.control import HUNG_AFTER_SECONDS


@dataclass(frozen=True, kw_only=True)
class Limits:
    """All in seconds."""

    start: float = 120.0
    """From a node's start until it is configured (a large model on a small box), and to obey 'activate'."""
    match: float = 30.0
    """Until every subscription has reached its publisher, once all nodes are configured."""
    hung: float = HUNG_AFTER_SECONDS
    """Silence of a node that has given a sign of life before."""
    drain: float = 5.0
    """For a node to take in what is on the way and to end, when told to stop."""
    terminate: float = 2.0
    """After SIGTERM, until SIGKILL."""
    first_restart: float = 1.0
    """The wait after a first failure; it doubles with each further one."""
    longest_restart: float = 60.0
    healthy: float = 60.0
    """How long a restarted node must work until its failures are forgotten."""


USUAL = Limits()
