"""The thread that writes to the database: jobs wait in a queue, and several of them share a transaction."""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from metrica.dashboard.database.errors import DatabaseBusyError, DatabaseError, database_error
from metrica.dashboard.database.interface import Work
from metrica.dashboard.database.sqlite.connections import immediate, open_writer

log = logging.getLogger(__name__)

T = TypeVar("T")

_LONGEST = 0.1
"""Seconds after which a transaction takes no further job: the first ones in it wait for the last."""


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
        self, path: Path, *, max_waiting: int = 1000, max_together: int = 50, lock_timeout: float = 10.0
    ) -> None:
        """Open the database and start the thread. Raises DatabaseError if the database cannot be opened.

        max_waiting: how many jobs the queue takes. max_together: how many jobs share a transaction.
        lock_timeout: how long a transaction waits for another program's, seconds.
        """
        self._path = path
        self._max_together = max_together
        self._jobs: queue.Queue[_Job[Any] | None] = queue.Queue(max_waiting)
        self._lock = threading.Lock()
        self._closing = self._dead = False
        self._db = open_writer(path, lock_timeout=lock_timeout)
        self._thread = threading.Thread(target=self._run, name="metrica-store-writer", daemon=True)
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
                raise DatabaseError(f"the database {self._path} is closed")
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
        """Finish the queued jobs and close the database. May be called twice."""
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
            self._db.close()

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
        log.critical("the thread that writes to %s has ended: nothing is written any more", self._path, exc_info=error)
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
        return DatabaseError(f"the thread that writes to the database {self._path} has ended: restart this program")

    def _commit(self, batch: list[_Job[Any]]) -> list[_Job[Any]]:
        """Run jobs in one transaction, and finish them. Returns those for which there was no time."""
        left: list[_Job[Any]] = []
        outcomes: list[tuple[_Job[Any], Any, BaseException | None]] = []
        try:
            with immediate(self._db):
                began = time.monotonic()
                for at, job in enumerate(batch):
                    if time.monotonic() - began > _LONGEST:
                        batch, left = batch[:at], batch[at:]
                        break
                    try:
                        with self._db.atomic():
                            outcomes.append((job, job.work(self._db.conn), None))
                    except sqlite3.OperationalError:
                        raise  # the disk or a lock, not the job: the whole transaction fails
                    except BaseException as error:  # noqa: BLE001 (raised by the future of this job)
                        outcomes.append((job, None, error))
        except sqlite3.ProgrammingError:
            raise  # the connection is closed: nothing can be written on it any more
        except Exception as error:  # noqa: BLE001 (raised by the futures; the thread goes on with the next jobs)
            self._refuse(batch, error)
            return left
        for job, result, problem in outcomes:
            if problem is None:
                job.done.set_result(result)
            elif isinstance(problem, sqlite3.Error):
                job.done.set_exception(database_error(problem, self._path))
            else:
                job.done.set_exception(problem)
        return left

    def _refuse(self, batch: list[_Job[Any]], error: Exception) -> None:
        """Tell the jobs of a transaction that it failed as a whole."""
        if isinstance(error, sqlite3.Error):
            failure = database_error(error, self._path)
            log.error("%s (%d writes refused)", failure, len(batch))
        else:
            failure = DatabaseError(f"the database {self._path} failed: {type(error).__name__}: {error}")
            log.error("%s (%d writes refused)", failure, len(batch), exc_info=error)
        for job in batch:
            job.done.set_exception(failure)
