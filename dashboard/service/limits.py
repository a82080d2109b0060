"""How many connections a server keeps, and which of them it closes to make room for another. No sockets, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from metrica.dashboard.service.addresses import is_loopback, network_of


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server takes."""

    connections: int = 16_384
    """Most connections at a time. Then the one that has been idle for longest is closed for a new one."""
    connections_with_tls: int = 4096
    """The same for HTTPS, where each takes 60 kB of memory."""
    of_one_address: int = 256
    """Most connections of one address (of one /64 network in IPv6). Not of this machine's own: a reverse proxy on it
    speaks for everybody."""
    requests_of_one_address: int = 32
    """Most requests of one address that are answered at a time; the others get 429."""
    idle: float = 30.0
    """Seconds after which a connection is closed that is in no request; half a request is none."""
    longest: float = 120.0
    """Seconds after which a request is given up, or after the last part of an answer that is sent in parts."""


@dataclass(eq=False, slots=True)
class Held:
    """A connection as the book sees it."""

    address: str
    """What stands for its visitor."""
    network: str
    """The same, or empty if there is no limit for it."""
    hang_up: Callable[[], object]
    """Closes it at once."""
    pending: Callable[[], int]
    """Returns how many bytes of answers still wait to be sent on it."""
    since: float = 0.0
    """When it became idle or busy, seconds."""
    left: int = 0
    """How many bytes waited when it was last looked at."""


def held(address: str, hang_up: Callable[[], object]) -> Held:
    """Make the record of a connection. address: where it comes from."""
    return Held(network_of(address), "" if is_loopback(address) else network_of(address), hang_up, lambda: 0)


class Connections:
    """The connections of one server, of one thread. Each is busy (in a request) or idle (anything else)."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        # Dicts keep the order in which they were filled, so the first one is the oldest.
        self._idle: dict[Held, None] = {}
        self._busy: dict[Held, None] = {}
        self._idle_of: dict[str, dict[Held, None]] = {}
        self._count: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._idle) + len(self._busy)

    def take(self, one: Held, now: float) -> bool:
        """Add a connection, idle. Hangs up the oldest idle one if there is no room; False if there is none at all."""
        if one.network and self._count[one.network] >= self._limits.of_one_address:
            if not self.close_oldest(one.network):
                return False
        elif len(self) >= self._limits.connections and not self.close_oldest():
            return False
        if one.network:
            self._count[one.network] += 1
        self._rest(one, now)
        return True

    def close_oldest(self, network: str = "") -> bool:
        """Hang up the connection that has been idle for longest, of one network or of all. False if none is idle."""
        oldest = next(iter(self._idle_of.get(network, {}) if network else self._idle), None)
        if oldest is None:
            return False
        self.lost(oldest)
        oldest.hang_up()
        return True

    def begin(self, one: Held, now: float) -> None:
        """A request has begun."""
        if self._wake(one):
            one.since, one.left = now, 0
            self._busy[one] = None

    def go_on(self, one: Held, now: float) -> None:
        """A part of a long answer was taken: the request has as long again."""
        if one in self._busy:
            del self._busy[one]
            one.since = now
            self._busy[one] = None

    def end(self, one: Held, now: float) -> None:
        """The request is over."""
        if one in self._busy:
            del self._busy[one]
            self._rest(one, now)

    def lost(self, one: Held) -> None:
        """The connection is closed. May be called twice."""
        known = one in self._busy or one in self._idle
        self._busy.pop(one, None)
        self._wake(one)
        if known and one.network:
            self._count[one.network] -= 1
            if not self._count[one.network]:
                del self._count[one.network]

    def sweep(self, now: float, most: int = 20) -> bool:
        """Hang up what has been idle, or busy, for too long. A long answer is not idle while its reader takes of it.

        most: how many are looked at, because everybody waits meanwhile. Returns whether there are more.
        """
        looked = 0
        while (one := next(iter(self._idle), None)) is not None and now - one.since >= self._limits.idle:
            if looked == most:
                return True
            looked += 1
            pending = one.pending()
            self._wake(one)
            self._rest(one, now)
            if pending and (not one.left or pending < one.left):
                one.left = pending
            else:
                self.lost(one)
                one.hang_up()
        while (one := next(iter(self._busy), None)) is not None and now - one.since >= self._limits.longest:
            self.lost(one)
            one.hang_up()
        return False

    def _rest(self, one: Held, now: float) -> None:
        one.since = now
        self._idle[one] = None
        if one.network:
            self._idle_of.setdefault(one.network, {})[one] = None

    def _wake(self, one: Held) -> bool:
        if one not in self._idle:
            return False
        del self._idle[one]
        if one.network:
            of_network = self._idle_of[one.network]
            del of_network[one]
            if not of_network:
                del self._idle_of[one.network]
        return True
