"""Answers that never keep anybody waiting for long: a figure that takes longer than usual is given as it last was.

Most figures take milliseconds, as only what is new is computed. Some take seconds: the first ones after a start, and
those of a busy store into whose morning a late event has come.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor, TimeoutError
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from metrica.dashboard.kpis.events import MINUTE
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.reports.reports import Reports

PATIENCE = 0.03
"""How long a server waits for fresh figures before it gives the last ones, seconds."""

_OLDEST = 10 * MINUTE  # older answers are not given; the question waits for fresh ones
_KEPT = 1000  # answers
_THREADS = 4

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """Figures, and the moment that they describe."""

    value: T
    moment: int
    """ns UTC."""


class Answers:
    """Computes figures in a few threads. Each question is computed once at a time, however many ask it."""

    def __init__(self, reports: Reports, *, patience: float | None = None) -> None:
        """patience: seconds until the last answer is given instead of a fresh one; None waits for the fresh one."""
        self._reports = reports
        self._patience = patience
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="metrica-figures")
        self._lock = threading.Lock()
        self._running: dict[Hashable, Future[Answer[Any]]] = {}
        self._last: OrderedDict[Hashable, Answer[Any]] = OrderedDict()
        self._version = -1  # of the rows that they were made from

    def close(self) -> None:
        """End the threads, after the figures that they compute now."""
        self._threads.shutdown(cancel_futures=True)

    def ask(self, store: Store, question: Hashable, now: int, compute: Callable[[Reports], T]) -> Answer[T]:
        """Return what `compute` returns at `now` (ns UTC), or what it returned in the last minutes.

        question: what is asked, the same for the same kind of answer. Raises what `compute` raises.
        """
        key = self._key(store, question)
        future = self._start(key, now, compute)
        last = self._last_answer(key, now)
        if last is None:
            return future.result()
        try:
            return future.result(self._patience)
        except TimeoutError:
            if future.done():  # `compute` itself has raised it
                raise
            return last

    async def ask_async(self, store: Store, question: Hashable, now: int, compute: Callable[[Reports], T]) -> Answer[T]:
        """As `ask`, without holding a thread while it waits."""
        key = self._key(store, question)
        future = asyncio.wrap_future(self._start(key, now, compute))
        last = self._last_answer(key, now)
        # Shielded, because others may wait for the same answer.
        await asyncio.wait({asyncio.shield(future)}, timeout=None if last is None else self._patience)
        return last if last is not None and not future.done() else await asyncio.shield(future)

    def _key(self, store: Store, question: Hashable) -> Hashable:
        """Return what an answer is kept under; forget all when an administrator has removed rows since."""
        version = self._reports.version()
        with self._lock:
            if version != self._version:
                self._last.clear()
                self._version = version
        return store, question, version

    def _last_answer(self, key: Hashable, now: int) -> Answer[Any] | None:
        if self._patience is None:
            return None
        with self._lock:
            last = self._last.get(key)
        return last if last is not None and 0 <= now - last.moment <= _OLDEST else None

    def _start(self, key: Hashable, now: int, compute: Callable[[Reports], T]) -> Future[Answer[T]]:
        with self._lock:
            running = self._running.get(key)
            if running is None:
                running = self._running[key] = self._threads.submit(self._compute, key, now, compute)
            return running

    def _compute(self, key: Hashable, now: int, compute: Callable[[Reports], T]) -> Answer[T]:
        try:
            answer = Answer(compute(self._reports), now)
        except BaseException:
            with self._lock:
                del self._running[key]
            raise
        with self._lock:
            del self._running[key]
            self._last[key] = answer
            self._last.move_to_end(key)
            if len(self._last) > _KEPT:
                self._last.popitem(last=False)
        return answer
