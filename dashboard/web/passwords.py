"""Passwords: their hashes, the first password of the owner, and the limit on failed logins."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import cache

from werkzeug.security import check_password_hash, generate_password_hash

from metrica.dashboard.store.database import Database
from metrica.dashboard.store.users import User

OWNER = "owner"
"""Name of the user that is made if there is none."""
SHORTEST = 8
"""Least number of characters of a password."""
_MOST_KEYS = 10_000  # of a throttle: invented names must not fill the memory

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without letters and digits that look alike


def hashed(password: str) -> str:
    """Return the scrypt hash of a password, with a salt. Raises ValueError for a password that is too short."""
    if len(password) < SHORTEST:
        raise ValueError(f"the password is too short: use at least {SHORTEST} characters")
    return generate_password_hash(password)


def is_right(user: User | None, password: str) -> bool:
    """Whether the password is the user's. Takes as long if there is no such user, so that names cannot be guessed."""
    return check_password_hash(user.password if user else _hash_of_nobody(), password[:1000]) and user is not None


@cache
def _hash_of_nobody() -> str:
    """Return the hash to compare with if the user is unknown."""
    return generate_password_hash(secrets.token_hex())


def generate() -> str:
    """Make a password that is easy to type: 16 characters in four groups, 79 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


def ensure_owner(database: Database, password: str = "") -> str | None:
    """Make sure that somebody can log in.

    With a `password`, it becomes the owner's; raises ValueError if it is too short. Without one, and if there is no
    user at all, the owner is made with a generated password. Returns the generated password, which cannot be read
    again later; None if none was generated.
    """
    if password:
        if not is_right(database.users.get(OWNER), password):
            database.users.put(User(OWNER, hashed(password)))
        return None
    if database.users.all():
        return None
    made = generate()
    database.users.put(User(OWNER, hashed(made)))
    return made


class Throttle:
    """Limits failed attempts by key, such as an address: after a few, each failure doubles the time to wait."""

    def __init__(self, free: int, longest: float, clock: Callable[[], float] = time.monotonic) -> None:
        """free: how many attempts may fail without a wait. longest: most seconds to wait. clock: seconds, monotonic.

        A key is forgotten when nothing has failed for twice `longest`.
        """
        self._free, self._longest, self._clock = free, longest, clock
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, key: str) -> float:
        """Return how many seconds the key has to wait; 0 if it may try now."""
        with self._lock:
            count, last = self._recent(key)
        if count < self._free:
            return 0.0
        delay = min(self._longest, 2.0 ** min(count - self._free + 1, 60))
        return max(0.0, last + delay - self._clock())

    def failed(self, key: str) -> None:
        """Count a failed attempt."""
        with self._lock:
            count, _ = self._recent(key)
            self._failures[key] = (count + 1, self._clock())
            self._failures.move_to_end(key)
            if len(self._failures) > _MOST_KEYS:
                self._failures.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Forget the failed attempts of the key."""
        with self._lock:
            self._failures.pop(key, None)

    def _recent(self, key: str) -> tuple[int, float]:
        """Return how many attempts of the key have failed, and when the last one did."""
        count, last = self._failures.get(key, (0, 0.0))
        return (count, last) if count and last + 2 * self._longest > self._clock() else (0, 0.0)
