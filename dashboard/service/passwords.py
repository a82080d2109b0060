"""Passwords: what one must be, its hash, and the comparison with a hash. Two hashings at most go on at a time."""

from __future__ import annotations

import secrets
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import HashingError, InvalidHashError, VerificationError
from argon2.low_level import error_to_str
from werkzeug.security import check_password_hash, generate_password_hash

from metrica.dashboard.service.errors import BusyError

T = TypeVar("T")

SHORTEST = 8
"""Least number of characters of a password."""
LONGEST = 1000
"""Most number of characters of a password."""
MEMORY = 19 * 1024
"""Memory that one hashing takes, KiB."""
AT_ONCE = 2
"""Most hashings at a time: with `MEMORY`, 38 MiB, however many people log in."""

_FEWEST_DIFFERENT = 4
_WAITING = 2  # most hashings that wait; more would hold all threads of a server, and its pages would stand still
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without letters and digits that look alike

# OWASP's advice for argon2id where memory is scarce: 19 MiB, 2 passes, 1 lane
# (https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html). RFC 9106's own 64 MiB and 4 lanes
# are for machines that do nothing else.
_HASHER = PasswordHasher(time_cost=2, memory_cost=MEMORY, parallelism=1, type=Type.ID)
_NO_MEMORY = -22  # ARGON2_MEMORY_ALLOCATION_ERROR of argon2.h
_OLD = "scrypt:"  # how werkzeug's hashes begin, which Metrica wrote before

# Threads of its own: memory that was given back stays with the thread that used it, and a server has many.
_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hashing")
_places = threading.BoundedSemaphore(AT_ONCE + _WAITING)


def hashed(password: str) -> str:
    """Return the argon2id hash of a password, with a salt.

    Raises ValueError for a password that is too short, too long or too simple, and BusyError.
    """
    check_password(password)
    return hashed_again(password)


def hashed_again(password: str) -> str:
    """Return the hash of a password that is in use already, whatever one must be today. Raises BusyError."""
    return _in_turn(lambda: _HASHER.hash(_bytes(password[:LONGEST])))


def check_password(password: str) -> None:
    """Raise ValueError, as one sentence, for a password that is too short, too long or too simple."""
    if len(password) < SHORTEST:
        raise ValueError(f"the password is too short: use at least {SHORTEST} characters")
    if len(password) > LONGEST:
        raise ValueError(f"the password is too long: use at most {LONGEST} characters")
    if len(set(password)) < _FEWEST_DIFFERENT:
        raise ValueError(f"the password is too simple: use at least {_FEWEST_DIFFERENT} different characters")


def matches(stored: str | None, password: str, *, old_hashes: bool = False) -> bool:
    """Whether a password belongs to a hash. None stands for a user who is not there, and takes as long.

    old_hashes: whether any user still has a hash of the old kind. Every comparison then takes as long as one of each
    kind, so that the time does not say who has which. Raises BusyError if too many others wait.
    """
    given, old = password[:LONGEST], stored is not None and is_old(stored)

    def compare() -> bool:
        new_right = _verified(stored if stored is not None and not old else _hash_of_nobody(), given)
        old_right = False
        if old or old_hashes:
            old_right = _verified_old(stored if stored is not None and old else _old_hash_of_nobody(), given)
        return stored is not None and (old_right if old else new_right)

    return _in_turn(compare)


def is_outdated(stored: str) -> bool:
    """Whether a hash is of the old kind, or was made with other costs, and should be made again at the next login."""
    try:
        return is_old(stored) or _HASHER.check_needs_rehash(stored)
    except InvalidHashError:
        return False


def is_old(stored: str) -> bool:
    """Whether a hash is of the kind that Metrica wrote before argon2id."""
    return stored.startswith(_OLD)


def generate() -> str:
    """Make a password that is easy to type: 16 characters in four groups, 79 bits."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


def _in_turn(work: Callable[[], T]) -> T:
    """Run a hashing on one of the threads for it, and return what it returns.

    Raises BusyError if too many wait already, or if there is no memory for it.
    """
    if not _places.acquire(blocking=False):
        raise BusyError("too many people log in at this moment: try again in a few seconds")
    try:
        return _threads.submit(work).result()
    except HashingError as error:
        raise BusyError(f"a password cannot be hashed at present ({error}): try again in a few seconds") from None
    finally:
        _places.release()


def _verified(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, _bytes(password))
    except (VerificationError, InvalidHashError) as error:  # a wrong password, or a hash that is damaged
        if str(error) == error_to_str(_NO_MEMORY):
            raise BusyError("there is no memory to compare a password at present: try again in a minute") from None
        return False


def _verified_old(stored: str, password: str) -> bool:
    try:
        return check_password_hash(stored, password)
    except ValueError:  # damaged
        return False


def _bytes(password: str) -> bytes:
    # The same password typed on another keyboard: é is one character on some, and e with an accent on others.
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


@cache
def _hash_of_nobody() -> str:
    """Return the hash to compare with if the user is unknown."""
    return _HASHER.hash(secrets.token_hex())


@cache
def _old_hash_of_nobody() -> str:
    return generate_password_hash(secrets.token_hex(), method="scrypt")
