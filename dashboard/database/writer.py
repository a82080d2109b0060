"""The thread that writes to a database: jobs wait in a queue, and several of them share a transaction."""

from __future__ import annotations

import logging
import queue
import threading
import time
from abc import ABC, abstractmethod
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from metrica.dashboard.database.errors import DatabaseBusyError, DatabaseError
from metrica.dashboard.database.interface import Connection, Work

log = logging.getLogger(__name__)

T = TypeVar("T")

_LONGEST = 0.1
"""Seconds after which a transaction takes no further job: the first ones in it wait for the last."""
_TRIES = 6
"""How often a transaction is begun that another program's gets in the way of."""

Verdict = Literal["job", "transaction", "again", "end"]
"""What an error ends: the job alone, the whole transaction, nothing because it can be tried again, or the thread."""


class NextTransactionError(BaseException):
    """Raised inside a job that must be the first of its transaction. It is not for the job, so it is no Exception."""


class Transactions(ABC):
    """What the thread writes with: a connection, with its transactions and its errors."""

    name: str
    """What the database is called in sentences."""

    @abstractmethod
    def begin(self) -> AbstractContextManager[Connection]:
        """Begin a transaction; at the end of the context it is on the disk, or after an error nowhere."""

    @abstractmethod
    def savepoint(self, place: int) -> AbstractContextManager[None]:
        """Undo what is done inside, and no more, if it fails. place: how many jobs the transaction had before."""

    @abstractmethod
    def verdict(self, error: BaseException) -> Verdict:
        """Tell what an error ends that was raised inside a transaction."""

    @abstractmethod
    def failure(self, error: BaseException) -> DatabaseError | None:
        """Convert an error of the database to one that says what to do; None for one that is not of the database."""

    @abstractmethod
    def refused(self, failure: DatabaseError, writes: int) -> None:
        """Say in the log that a transaction failed, with so many writes."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""


@dataclass(slots=True)
class _Job(Generic[T]):
    work: Work[T]
    done: Future[T]


class Writer:
    """Runs jobs on the database in order, each all or nothing. A job is done when its changes are on the disk.

    A commit waits for the disk, and takes as long for one job as for fifty. So the jobs that arrive during a commit
    share the next transaction, each in a savepoint of its own.
    """

    def __init__(
        self,
        transactions: Transactions,
        *,
        max_waiting: int = 1000,
        max_together: int = 50,
        thread: str = "metrica-store-writer",
    ) -> None:
        """Start the thread.

        max_waiting: how many jobs the queue takes. max_together: how many jobs share a transaction.
        thread: its name.
        """
        self._transactions = transactions
        self._name = transactions.name
        self._max_together = max_together
        self.trouble: DatabaseError | None = None
        """Why the last transaction failed as a whole, such as a disk that is full; None if it did not."""
        self._jobs: queue.Queue[_Job[Any] | None] = queue.Queue(max_waiting)
        self._lock = threading.Lock()
        self._closing = self._dead = False
        self._thread = threading.Thread(target=self._run, name=thread, daemon=True)
        self._thread.start()

    def submit(self, work: Work[T]) -> Future[T]:
        """Queue a job. The future raises what the job raises, and DatabaseError if the database fails.

        Raises DatabaseBusyError when the queue is full, DatabaseError after `close`.
        """
        job = _Job(work, Future[T]())
        with self._lock:
            if self._dead:
                raise self._death()
            if self._closing:
                raise DatabaseError(f"the database {self._name} is closed")
            try:
                self._jobs.put_nowait(job)
            except queue.Full:
                raise DatabaseBusyError("too many writes are waiting: try again in a few seconds") from None
        return job.done

    @property
    def alive(self) -> bool:
        """Whether its thread is running."""
        return self._thread.is_alive() and not self._dead

    @property
    def waiting(self) -> int:
        """How many jobs wait for the next transaction."""
        return self._jobs.qsize()

    def close(self) -> None:
        """Finish the queued jobs and close the connection. May be called twice."""
        with self._lock:
            first, self._closing = not self._closing, True
        if first:
            self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        batch: list[_Job[Any]] = []
        try:
            while self._take(batch):
                begun = batch
                while begun:
                    begun = self._commit(begun)
                batch.clear()
        except BaseException as error:  # noqa: BLE001 (whoever waits for a write must hear that it never comes)
            self._die(error, batch)
        finally:
            self._transactions.close()

    def _take(self, batch: list[_Job[Any]]) -> bool:
        """Wait for jobs and move them into the batch. Returns False if there is none, and none will come."""
        job = self._jobs.get()
        while job is not None:
            if job.done.set_running_or_notify_cancel():
                batch.append(job)
            if len(batch) == self._max_together:
                return True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return True
        if batch:
            self._jobs.put(None)  # the end comes again, after these jobs; nothing else is put in once it was
        return bool(batch)

    def _die(self, error: BaseException, batch: list[_Job[Any]]) -> None:
        """Fail every job that waits, and those that come."""
        with self._lock:
            self._closing = self._dead = True
        log.critical("the thread that writes to %s has ended: nothing is written any more", self._name, exc_info=error)
        waiting = list(batch)
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is not None and job.done.set_running_or_notify_cancel():
                waiting.append(job)
        for job in waiting:
            if not job.done.done():
                job.done.set_exception(self._death())

    def _death(self) -> DatabaseError:
        return DatabaseError(f"the thread that writes to the database {self._name} has ended: restart this program")

    def _commit(self, batch: list[_Job[Any]]) -> list[_Job[Any]]:
        """Run jobs in one transaction, and finish them. Returns those for which there was no time."""
        outcomes: list[tuple[Any, BaseException | None]] = []
        for left in range(_TRIES - 1, -1, -1):
            try:
                outcomes = self._together(batch)
                break
            except Exception as error:
                verdict = self._transactions.verdict(error)
                if verdict == "end":
                    raise
                if verdict == "again" and left:
                    continue
                self._refuse(batch, error)
                return []
        self.trouble = None
        for job, (result, problem) in zip(batch, outcomes, strict=False):
            if problem is None:
                job.done.set_result(result)
            else:
                job.done.set_exception(self._transactions.failure(problem) or problem)
        return batch[len(outcomes) :]

    def _together(self, batch: list[_Job[Any]]) -> list[tuple[Any, BaseException | None]]:
        """Run jobs in one transaction, as many as it has time for. Returns what became of each of them."""
        outcomes: list[tuple[Any, BaseException | None]] = []
        with self._transactions.begin() as db:
            began = time.monotonic()
            for place, job in enumerate(batch):
                if time.monotonic() - began > _LONGEST:
                    break
                try:
                    with self._transactions.savepoint(place):
                        result = job.work(db)
                except NextTransactionError:
                    break
                except BaseException as error:
                    if self._transactions.verdict(error) != "job":
                        raise  # the disk or a lock, not the job: the whole transaction fails
                    outcomes.append((None, error))
                else:
                    outcomes.append((result, None))
        return outcomes

    def _refuse(self, batch: list[_Job[Any]], error: Exception) -> None:
        """Tell the jobs of a transaction that it failed as a whole."""
        failure = self._transactions.failure(error)
        if failure is None:
            failure = DatabaseError(f"the database {self._name} failed: {type(error).__name__}: {error}")
            log.error("%s (%d writes refused)", failure, len(batch), exc_info=error)
        else:
            self._transactions.refused(failure, len(batch))
        if not isinstance(failure, DatabaseBusyError):
            self.trouble = failure
        for job in batch:
            job.done.set_exception(failure)
