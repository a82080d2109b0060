"""Who may log in: whether a password is a user's, the first password of the owner, and the limit on failed logins."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from metrica.dashboard.service.errors import BusyError
from metrica.dashboard.service.passwords import SHORTEST, generate, hashed, hashed_again, is_outdated, matches
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.origins import ADMIN
from metrica.dashboard.store.users import OWNER, User

__all__ = ["OWNER", "SHORTEST", "Throttle", "ensure_owner", "generate", "hashed", "is_right", "log_in", "unused"]

_MOST_KEYS = 10_000  # of a throttle: invented names must not fill the memory


def is_right(user: User | None, password: str, *, old_hashes: bool = False) -> bool:
    """Whether the password is the user's. Takes as long if there is no such user, so that names cannot be guessed.

    old_hashes: whether some user has a hash of the old kind, see `matches`. Raises BusyError.
    """
    return matches(user.password if user else None, password, old_hashes=old_hashes)


def log_in(database: Database, name: str, password: str) -> User | None:
    """Return the user if the password is right, else None. A hash of an old kind is then made anew.

    Raises BusyError and DatabaseError.
    """
    user = database.users.get(name)
    if not is_right(user, password, old_hashes=database.users.have_old_hash()) or user is None:
        return None
    if is_outdated(user.password):
        with contextlib.suppress(BusyError):  # then at the next login
            user = database.users.rehash(user, hashed_again(password))
    return user


def ensure_owner(database: Database, password: str, origin: str = "", *, force: bool = False) -> str:
    """Make the password the owner's, unless `unused` says why not; returns that sentence, empty if it is used.

    origin: who gives the password, such as a launch file. force: it is also used against what an administrator said.
    Raises ValueError if it is too short.
    """
    why = "" if force else unused(database, password)
    if not why and not is_right(database.users.get(OWNER), password):
        database.users.put(User(OWNER, hashed(password), origin), actor=origin or "first start")
    return why


def unused(database: Database, password: str) -> str:
    """Return why the owner's password of a launch file is not used, as one sentence; empty if it is used.

    What an administrator or the owner said stands: a password that they chose, and that there is no owner any more.
    """
    owner = database.users.get(OWNER)
    if owner is None and database.users.was_removed(OWNER) and database.users.all():
        return f"the user '{OWNER}' was removed, so the password given for it is not used: take it out"
    if owner is not None and owner.origin == ADMIN and not is_right(owner, password):
        return (
            f"the given password is not used, because '{OWNER}' has chosen another one since: take it out, or set it "
            f"with 'metrica-admin user passwd {OWNER}'"
        )
    return ""


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

    def forgive(self, key: str) -> None:
        """Take back the last failed attempt of the key: it was not a wrong password after all."""
        with self._lock:
            count, last = self._recent(key)
            if count > 1:
                self._failures[key] = (count - 1, last)
            else:
                self._failures.pop(key, None)

    def succeeded(self, key: str) -> None:
        """Forget the failed attempts of the key."""
        with self._lock:
            self._failures.pop(key, None)

    def _recent(self, key: str) -> tuple[int, float]:
        """Return how many attempts of the key have failed, and when the last one did."""
        count, last = self._failures.get(key, (0, 0.0))
        return (count, last) if count and last + 2 * self._longest > self._clock() else (0, 0.0)
