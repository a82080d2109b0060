"""Several programs write to one PostgreSQL at once: nothing is lost or doubled, also when one of them is killed."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import ExitStack

from metrica.dashboard.database.errors import DatabaseAwayError, DatabaseError
from metrica.dashboard.database.interface import Connection
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.events import Added
from tests.dashboard.database.sender import STEP, numbers
from tests.dashboard.database.server import Server
from tests.dashboard.footfall import event
from tests.paths import ROOT

SHARED, OWN = ("shared-1", "shared-2", "shared-3"), ("own-0", "own-1")


class Program:
    """A sender in a process of its own."""

    def __init__(self, place: str, first: int, last: int, stores: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.dashboard.database.sender", place, str(first), str(last), *stores],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._line() == "ready"

    def go(self) -> None:
        """Let it write; all of them begin at the same moment."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def said(self, lines: int | None = None) -> list[tuple[str, int, int]]:
        """The store, the number and the new events of each batch that it knows to be on the disk."""
        found: list[tuple[str, int, int]] = []
        while (lines is None or len(found) < lines) and (line := self._line()):
            store, batch, accepted = line.split()
            found.append((store, int(batch), int(accepted)))
        return found

    def end(self) -> str:
        """Wait for its end, and return what it said of errors."""
        _, errors = self.process.communicate(timeout=60)
        return errors

    def kill(self) -> None:
        """Kill it, wherever it is."""
        self.process.kill()
        self.process.wait(60)

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


def prepared(place: str) -> Database:
    database = Database(place)
    for name in (*SHARED, *OWN):
        database.stores.put(Store(name, "Africa/Tunis"))
    return database


def require_once(database: Database, store: str, expected: set[int]) -> None:
    """Each expected event is there once, in the table of its month and in that of the ids, and no other one."""
    ids = Counter(row[0] for row in database.rows("SELECT id FROM events WHERE store = ?", store))
    assert ids == Counter({f"door/main/epoch/{n}": 1 for n in expected})
    known = Counter(row[0] for row in database.rows("SELECT id FROM event_ids WHERE store = ?", store))
    assert known == ids


def test_programs_that_write_the_same_and_different_stores_lose_and_double_nothing(postgresql: str) -> None:
    batches = 40
    with prepared(postgresql) as database:
        # One of them goes through the stores from the end, so that their locks are taken in every order.
        programs = [
            Program(postgresql, 0, batches, (*SHARED, OWN[0])),
            Program(postgresql, 0, batches, (OWN[1], *SHARED[::-1])),
        ]
        for program in programs:
            program.go()
        said = [program.said() for program in programs]
        assert [program.end() for program in programs] == ["", ""]
        sent = {n for batch in range(batches) for n in numbers(batch)}
        for store in (*SHARED, *OWN):
            accepted = sum(new for lines in said for name, _, new in lines if name == store)
            assert accepted == len(sent), "each event is new to exactly one of the programs"
            require_once(database, store, sent)


def test_a_program_that_is_killed_in_the_middle_of_writes_leaves_whole_batches_and_no_lock(postgresql: str) -> None:
    with prepared(postgresql) as database:
        for kill in range(4):
            program = Program(postgresql, 0, 10_000, SHARED)
            program.go()
            said = program.said(30 * (kill + 1))
            program.kill()
            said += program.said()
            for store in SHARED:
                known = {n for name, batch, _ in said if name == store for n in numbers(batch)}
                ids = database.rows("SELECT id FROM events WHERE store = ?", store)
                found = {int(row[0].rpartition("/")[2]) for row in ids}
                assert known <= found, "what was acknowledged is there"
                assert len(found) % (STEP // 2) == 0, "no batch is there in part"
                require_once(database, store, found)
                # The lock went with the program: nobody waits for it.
                assert database.events.add(store, [event(0, 0)]).result(5) == Added(0, 1)


def test_a_server_that_is_restarted_under_load_loses_nothing_that_was_acknowledged() -> None:
    server = Server(settings="-c max_connections=60 -c shared_buffers=32MB")  # with fsync: this one loses its memory
    try:
        place = server.new_database(empty=True)
        with prepared(place) as database:
            acknowledged: set[int] = set()
            refused: list[BaseException] = []
            stop = threading.Event()

            def send() -> None:
                n = 0
                while not stop.is_set():
                    try:
                        if database.events.add(SHARED[0], [event(n, n)]).result(60).accepted:
                            acknowledged.add(n)
                        n += 1
                    except DatabaseError as error:  # as a box does: the same one again
                        refused.append(error)
                        stop.wait(0.02)

            sender = threading.Thread(target=send)
            sender.start()
            for mode in ("fast", "immediate", "fast"):
                before = len(acknowledged)
                server.stop(mode)
                server.start()
                while len(acknowledged) < before + 20:
                    assert sender.is_alive()
                    stop.wait(0.01)
            stop.set()
            sender.join(60)
            assert all(isinstance(error, DatabaseAwayError) for error in refused), refused
            ids = [row[0] for row in database.rows("SELECT id FROM events WHERE store = ?", SHARED[0])]
            assert len(ids) == len(set(ids))
            assert {f"door/main/epoch/{n}" for n in acknowledged} <= set(ids)
    finally:
        server.remove()


def test_programs_that_open_a_new_database_together_all_get_it(postgresql_server: Server) -> None:
    place = postgresql_server.new_database(empty=True)
    programs: list[subprocess.Popen[str]] = []
    with ExitStack() as stack:
        for _ in range(4):
            code = "import sys; from metrica.dashboard.store.database import Database; Database(sys.argv[1]).close()"
            programs.append(
                stack.enter_context(
                    subprocess.Popen([sys.executable, "-c", code, place], stderr=subprocess.PIPE, text=True)
                )
            )
        assert [(program.communicate(timeout=60)[1], program.returncode) for program in programs] == [("", 0)] * 4
    postgresql_server.drop(place)


def test_writes_that_lock_stores_in_any_order_end_without_a_deadlock(postgresql: str) -> None:
    """Both hold one store and want the other one: whoever is not the first of its transaction gives way."""
    with prepared(postgresql) as one, Database(postgresql) as other:
        holding = threading.Barrier(2, timeout=20)

        def lock(database: Database, store: str, *, meet: bool = False) -> Future[str]:
            def work(db: Connection) -> str:
                database.lock_store(db, store)
                if meet:
                    holding.wait()
                return store

            return database.write(work)

        waiting = [
            lock(one, "shared-1", meet=True), lock(one, "shared-2"),
            lock(other, "shared-2", meet=True), lock(other, "shared-1"),
        ]  # fmt: skip
        assert [done.result(20) for done in waiting] == ["shared-1", "shared-2", "shared-2", "shared-1"]
        deadlocks = one.rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        assert deadlocks == [(0,)]


def test_a_deadlock_of_other_rows_is_tried_again_and_nobody_notices(postgresql: str) -> None:
    with Database(postgresql) as one, Database(postgresql) as other:
        one.write(lambda db: db.execute("INSERT INTO users VALUES ('a', 'x', 1), ('b', 'x', 1)")).result()
        meeting = threading.Barrier(2, timeout=20)
        tries: Counter[str] = Counter()

        def swap(first: str, second: str, db: Connection) -> None:
            tries[first] += 1
            db.execute("UPDATE users SET created = created + 1 WHERE name = ?", (first,))
            if tries[first] == 1:
                meeting.wait()
            db.execute("UPDATE users SET created = created + 1 WHERE name = ?", (second,))

        waiting = [one.write(lambda db: swap("a", "b", db)), other.write(lambda db: swap("b", "a", db))]
        for done in waiting:
            done.result(30)
        assert sum(tries.values()) > 2, "one of them was tried again"
        assert one.rows("SELECT created FROM users ORDER BY name") == [(3,), (3,)]
