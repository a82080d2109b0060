"""Passwords: how they are kept, how the first one is made, and how guessing is slowed down."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import cache

from werkzeug.security import check_password_hash, generate_password_hash

from metrica.dashboard.store.database import Database, User

OWNER = "owner"
"""The user that is made when there is none."""
SHORTEST = 8

_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else


def hashed(password: str) -> str:
    """scrypt with a salt. Raises ValueError for a password that is too short."""
    if len(password) < SHORTEST:
        raise ValueError(f"the password is too short: use at least {SHORTEST} characters")
    return generate_password_hash(password)


def is_right(user: User | None, password: str) -> bool:
    """Whether the password is the user's; takes the same time for no user."""
    return check_password_hash(user.password if user else _nobody(), password[:1000]) and user is not None


@cache
def _nobody() -> str:
    """What is checked when the name is unknown, so that this takes as long as a wrong password."""
    return generate_password_hash(secrets.token_hex())


def generate() -> str:
    """A password of 16 characters in four groups (79 bits), easy to type."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


def ensure_owner(database: Database, password: str = "") -> str | None:
    """Make sure that somebody can log in.

    With a password, the owner has it afterwards. Without one and without any user, the owner is made with a
    generated password, which is returned: the one time that it can be shown. Raises ValueError if it is too short.
    """
    if password:
        if not is_right(database.user(OWNER), password):
            database.put_user(User(OWNER, hashed(password)))
        return None
    if database.users():
        return None
    made = generate()
    database.put_user(User(OWNER, hashed(made)))
    return made


class Throttle:
    """Counts failures by key (an address, a name) and says how long the next attempt has to wait."""

    def __init__(self, limit: int, window: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Allow `limit` failures within `window` seconds."""
        self._limit, self._window, self._clock = limit, window, clock
        self._failures: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def wait(self, key: str) -> float:
        """Seconds until the key may try again, 0 for now."""
        with self._lock:
            recent = self._recent(key)
            return recent[0] + self._window - self._clock() if len(recent) >= self._limit else 0.0

    def failed(self, key: str) -> None:
        with self._lock:
            if len(self._failures) > 10_000:  # many made-up names must not fill the memory
                self._failures = {k: v for k in list(self._failures) if (v := self._recent(k))}
            recent = self._recent(key)
            recent.append(self._clock())
            self._failures[key] = recent

    def succeeded(self, key: str) -> None:
        with self._lock:
            self._failures.pop(key, None)

    def _recent(self, key: str) -> deque[float]:
        recent = self._failures.get(key, deque())
        while recent and recent[0] <= self._clock() - self._window:
            recent.popleft()
        return recent
