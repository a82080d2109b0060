"""Passwords are argon2id, old hashes are made anew at the login, and a flood of logins costs a bounded memory."""

from __future__ import annotations

import threading
import time
import unicodedata
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import VerificationError
from argon2.low_level import error_to_str
from werkzeug.security import check_password_hash, generate_password_hash

from metrica.dashboard.service import passwords
from metrica.dashboard.service.errors import BusyError
from metrica.dashboard.service.passwords import AT_ONCE, MEMORY, check_password, hashed, is_outdated, matches
from metrica.dashboard.store.audit import COMMAND
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.origins import ADMIN
from metrica.dashboard.store.users import OWNER, User
from metrica.dashboard.web.passwords import ensure_owner, is_right, log_in, unused
from tests.dashboard.web.browser import Visitor
from tests.dashboard.web.site import PASSWORD, Site


@pytest.fixture
def database(tmp_path: Path) -> Generator[Database]:
    with Database(tmp_path / "metrica.db") as opened:
        yield opened


def test_a_hash_is_argon2id_and_its_memory_is_known() -> None:
    made = extract_parameters(hashed(PASSWORD))
    assert (made.type, made.memory_cost, made.parallelism) == (Type.ID, MEMORY, 1)
    assert AT_ONCE * MEMORY <= 64 * 1024, "KiB, together"


@pytest.mark.parametrize("method", ["scrypt", "scrypt:16384:8:1"])
def test_an_old_hash_is_accepted_and_made_anew_at_the_login(site: Site, method: str) -> None:
    old = generate_password_hash(PASSWORD, method=method)
    site.database.users.put(User(OWNER, old, "somebody"))
    visitor, other = Visitor(site.address), Visitor(site.address)
    assert visitor.log_in("wrong") == 401
    assert visitor.log_in() == 302
    user = site.database.users.get(OWNER)
    assert user is not None
    assert user.password.startswith("$argon2id$")
    assert user.origin == "somebody"
    assert other.log_in() == 302
    assert visitor.is_in(), "the password is the same: no session ends"


def test_a_hash_with_other_costs_is_made_anew_too(database: Database) -> None:
    database.users.put(User("amel", PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)))
    before = database.users.get("amel")
    assert before is not None
    assert is_outdated(before.password)
    after = log_in(database, "amel", PASSWORD)
    assert after is not None
    assert not is_outdated(after.password)
    assert database.users.get("amel") == after


def test_a_password_that_would_not_be_taken_today_still_works(database: Database) -> None:
    database.users.put(User("amel", generate_password_hash("aaaaaaaa")))
    assert log_in(database, "amel", "aaaaaaaa") is not None


def test_a_hash_that_is_none_lets_nobody_in() -> None:
    for stored in ("", "hash", "$argon2id$", "scrypt:", "scrypt:1:2:3$a$b", "plain text"):
        assert not matches(stored, stored)
        assert not matches(stored, "")


def test_the_same_password_from_another_keyboard_is_the_same() -> None:
    stored = hashed(unicodedata.normalize("NFC", "café-déjà-vu"))
    assert matches(stored, unicodedata.normalize("NFD", "café-déjà-vu"))


def test_lone_surrogates_and_nulls_are_a_wrong_password_and_no_crash() -> None:
    stored = hashed(PASSWORD)
    for wrong in ("\ud800", "\x00", PASSWORD + "\x00", "x" * 100_000):
        assert not matches(stored, wrong)


@pytest.mark.parametrize(
    ("password", "words"), [("1234567", "too short"), ("x" * 1001, "too long"), ("aaaabbbb", "too simple")]
)
def test_a_bad_password_is_refused_in_one_sentence(password: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_password(password)


def test_a_lack_of_memory_is_not_a_wrong_password(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = hashed(PASSWORD)
    monkeypatch.setattr(passwords, "_HASHER", PasswordHasher(memory_cost=MEMORY))
    monkeypatch.setattr("argon2._password_hasher.verify_secret", without_memory)
    with pytest.raises(BusyError, match="there is no memory"):
        matches(stored, PASSWORD)


def without_memory(*_: object) -> bool:
    raise VerificationError(error_to_str(-22))


class Counting:
    """A hasher that counts how many hashings go on at a time."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self._lock = threading.Lock()
        self.kinds: list[str] = []
        self.now = self.most = 0

    def verify(self, stored: str, password: bytes) -> bool:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.kinds.append("argon2")
        try:
            time.sleep(0.02)
            return self._hasher.verify(stored, password)
        finally:
            with self._lock:
                self.now -= 1

    def check_needs_rehash(self, stored: str) -> bool:
        return self._hasher.check_needs_rehash(stored)

    def hash(self, password: bytes | str) -> str:
        return self._hasher.hash(password)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    counting = Counting(passwords._HASHER)  # pyright: ignore[reportPrivateUsage]
    check = check_password_hash

    def old(stored: str, password: str) -> bool:
        counting.kinds.append("scrypt")
        return check(stored, password)

    monkeypatch.setattr(passwords, "_HASHER", counting)
    monkeypatch.setattr(passwords, "check_password_hash", old)
    return counting


def test_in_a_flood_two_are_hashed_at_a_time_and_few_wait(counting: Counting) -> None:
    stored = hashed(PASSWORD)

    def try_it(_: int) -> str:
        try:
            return str(matches(stored, "wrong"))
        except BusyError as error:
            return str(error)

    with ThreadPoolExecutor(30) as threads:
        answers = list(threads.map(try_it, range(60)))
    assert counting.most <= AT_ONCE
    assert set(answers) == {"False", "too many people log in at this moment: try again in a few seconds"}
    assert matches(stored, PASSWORD), "and afterwards all is as before"


def test_in_a_flood_the_login_says_to_come_back_and_the_pages_go_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = Visitor(site.address)
    assert owner.log_in() == 302
    began, go_on = threading.Semaphore(0), threading.Event()
    hasher = passwords._HASHER  # pyright: ignore[reportPrivateUsage]

    class Slow(Counting):
        def verify(self, stored: str, password: bytes) -> bool:
            began.release()
            go_on.wait(20)
            return super().verify(stored, password)

    monkeypatch.setattr(passwords, "_HASHER", Slow(hasher))
    guests = [Visitor(site.address) for _ in range(6)]
    tokens = [guest.token() for guest in guests]

    def guess(n: int) -> int:
        fields = {"name": f"guest {n}", "password": "wrong", "csrf": tokens[n]}
        return guests[n].ask("POST", "/login", fields).status

    with ThreadPoolExecutor(6) as threads:
        under_way = [threads.submit(guess, n) for n in range(4)]
        for _ in range(AT_ONCE):
            assert began.acquire(timeout=20)
        statuses = [guess(4), guess(5)] if all_wait(under_way) else []
        assert statuses == [503, 503]
        assert owner.is_in(), "a page does not wait for those who log in"
        go_on.set()
        assert [one.result() for one in under_way] == [401] * 4
    late = Visitor(site.address)
    assert late.log_in() == 302, "those who were sent away were not counted as wrong"


def all_wait(under_way: Sequence[object]) -> bool:
    """Wait until every place of those who hash or wait is taken."""
    places = passwords._places  # pyright: ignore[reportPrivateUsage]
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not places.acquire(blocking=False):
            return bool(under_way)
        places.release()
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("old_ones", [False, True])
def test_every_login_costs_the_same_whether_there_is_such_a_user_or_not(
    database: Database, counting: Counting, old_ones: bool
) -> None:
    database.users.put(User("new", hashed(PASSWORD)))
    if old_ones:
        database.users.put(User("old", generate_password_hash(PASSWORD)))
    log_in(database, "nobody", "wrong")  # the hashes of nobody are made once
    costs: set[tuple[str, ...]] = set()
    for name in ("new", "nobody", "", *(["old"] if old_ones else [])):
        counting.kinds.clear()
        assert log_in(database, name, "wrong") is None
        costs.add(tuple(counting.kinds))
    assert costs == {("argon2", "scrypt") if old_ones else ("argon2",)}


def test_what_the_owner_has_chosen_stands_against_the_launch_file(database: Database) -> None:
    node = "launch file of /dashboard"
    ensure_owner(database, "of the launch file", node)
    ensure_owner(database, "a changed launch file", node)
    assert is_right(database.users.get(OWNER), "a changed launch file")
    assert unused(database, "a changed launch file") == ""
    database.users.put(User(OWNER, hashed("chosen on the page"), ADMIN), actor=OWNER)
    for given in ("a changed launch file", "of the launch file"):
        assert "is not used, because 'owner' has chosen another one since" in unused(database, given)
        ensure_owner(database, given, node)
        assert is_right(database.users.get(OWNER), "chosen on the page")
    assert unused(database, "chosen on the page") == ""
    ensure_owner(database, "for the demonstration", node, force=True)
    assert is_right(database.users.get(OWNER), "for the demonstration")
    actors = [entry.actor for entry in database.audit.all()]
    assert actors == [node, node, OWNER, node]


def test_an_owner_that_was_removed_does_not_come_back_while_somebody_else_can_log_in(database: Database) -> None:
    ensure_owner(database, "of the launch file", "launch file of /dashboard")
    database.users.put(User("amel", hashed(PASSWORD), ADMIN))
    database.users.remove(OWNER)
    assert "was removed" in unused(database, "of the launch file")
    ensure_owner(database, "of the launch file")
    assert [user.name for user in database.users.all()] == ["amel"]
    database.users.remove("amel")
    ensure_owner(database, "of the launch file")
    assert [user.name for user in database.users.all()] == [OWNER], "somebody must be able to log in"
    assert {entry.actor for entry in database.audit.all()} >= {COMMAND}
