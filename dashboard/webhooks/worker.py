"""The thread that delivers: it looks each second what is due, and posts it, each webhook's messages one by one.

What was taken is noted in the database, so nothing is lost when the server ends; what was taken just before may be
posted again, with the same id. Of several servers on one database, one at a time has a webhook.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import secrets
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from aiohttp import ClientSession

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.service.calm import calm_logger
from metrica.dashboard.store.database import Database
from metrica.dashboard.webhooks import retry
from metrica.dashboard.webhooks.messages import AT_ONCE, Outgoing, due, is_quarter_due
from metrica.dashboard.webhooks.sender import SECONDS, Outcome, post, session
from metrica.dashboard.webhooks.table import Webhook, Webhooks

T = TypeVar("T")
log = calm_logger(__name__)

AT_A_TIME = 16
"""Most deliveries at a time; one webhook has one at a time."""
_LOOK = 1.0  # s between two looks at what is due
_LEASE = 120 * retry.SECOND  # ns; longer than a delivery and the note of it take
_NOTE_EVERY = 1.0  # s; what was taken since is posted again after a crash
_ASK_EVERY = 10.0  # s; another server may have taken what has arrived
_HOOKS = 1000  # webhooks that are looked at together; then the next ones
_KEEP_EVERY = 60.0  # s; up to where there was nothing for a webhook


class WebhookWorker:
    """Delivers what is due, from `start` to `stop`.

    Args:
        database: Where the webhooks and their events are.
        look: Seconds between two looks.
        ask: Seconds between two looks at a store of which nobody has said that something arrived, where that is dear.
        observe: Called with the outcome of each delivery: `delivered`, `failed` or `paused`.
    """

    def __init__(
        self,
        database: Database,
        *,
        look: float = _LOOK,
        ask: float = _ASK_EVERY,
        observe: Callable[[str], None] = lambda outcome: None,
    ) -> None:
        self._database, self._table = database, Webhooks(database)
        self._look_every, self._ask_every, self._observe = look, ask, observe
        self._who = secrets.token_hex(8)
        self._rng = random.Random()
        self._busy: dict[int, asyncio.Task[bool]] = {}
        self._seen: dict[int, tuple[int, int]] = {}  # n -> (its position, the newest event when nothing was due)
        self._kept_at: dict[int, float] = {}
        self._is_cheap = database.kind == "sqlite"  # to ask each second for the newest event
        self._nudged: set[str] = set()
        self._asked: dict[int, float] = {}
        self._cursor = 0
        self._failing = False
        self._ending = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="metrica-webhooks-database")
        self._thread = threading.Thread(target=self._run, name="metrica-webhooks", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End: deliveries under way are broken off, and posted again by the next server."""
        self._ending.set()
        if self._loop is not None and self._wake is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._wake.set)
        if self._thread.ident is not None:
            self._thread.join(SECONDS)
        self._threads.shutdown(cancel_futures=True)

    def nudge(self, store: str) -> None:
        """Say that something of a store has arrived. Any thread may call it."""
        self._nudged.add(store)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        room = asyncio.Semaphore(AT_A_TIME)
        async with session(False) as public, session(True) as private:
            while not self._ending.is_set():
                try:
                    await self._look(room, public, private)
                    self._failing = False
                except DatabaseError as error:
                    self._say_failing(error)
                except Exception:  # a mistake in one look must not end the thread that delivers
                    if not self._ending.is_set():
                        log.exception("a look at the webhooks failed; the next one is in %.0f s", self._look_every)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._look_every)
                self._wake.clear()
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def _look(self, room: asyncio.Semaphore, public: ClientSession, private: ClientSession) -> None:
        for hook, newest in await self._in_thread(self._due):
            if hook.n not in self._busy:
                client = private if hook.allow_private else public
                task = asyncio.create_task(self._serve(room, client, hook, newest))
                self._busy[hook.n] = task
                task.add_done_callback(partial(self._served, hook.n))

    def _served(self, n: int, done: asyncio.Task[bool]) -> None:
        self._busy.pop(n, None)
        if not done.cancelled() and done.result() and self._wake is not None:
            self._wake.set()  # there is more: look at once

    def _due(self) -> list[tuple[Webhook, int]]:
        """Return the webhooks for which there may be something, each with the number of its store's newest event."""
        now = self._database.clock()
        nudged, self._nudged = self._nudged, set[str]()
        hooks = self._table.due(now, self._cursor, _HOOKS)
        self._cursor = hooks[-1].n if len(hooks) == _HOOKS else 0
        found: list[tuple[Webhook, int]] = []
        newest: dict[str, int] = {}
        for hook in hooks:
            asked = time.monotonic()
            quiet = asked - self._asked.get(hook.n, -math.inf) < self._ask_every and hook.store not in nudged
            if quiet and not self._is_cheap and not is_quarter_due(hook, now):
                continue
            self._asked[hook.n] = asked
            store = "" if self._is_cheap else hook.store
            if store not in newest:
                newest[store] = self._table.newest_event(store)
            if is_quarter_due(hook, now) or self._is_news(hook, newest[store]):
                found.append((hook, newest[store]))
        return found

    def _is_news(self, hook: Webhook, newest: int) -> bool:
        """Whether something has arrived that was not looked at: the store may have no part in it."""
        return newest > hook.position and self._seen.get(hook.n) != (hook.position, newest)

    async def _serve(self, room: asyncio.Semaphore, client: ClientSession, hook: Webhook, newest: int) -> bool:
        try:
            async with room:
                return await self._deliver(client, hook, newest)
        except DatabaseError as error:
            self._say_failing(error)
        except Exception:  # one broken webhook must not end the thread that serves all others
            log.exception("%s failed", hook.label)
        return False

    async def _deliver(self, client: ClientSession, hook: Webhook, newest: int) -> bool:
        """Post what is due to one webhook, as far as it is taken. Returns whether there may be more at once."""
        now = self._database.clock()
        messages, position = await self._in_thread(due, self._database, hook, now)
        if not messages:
            await self._nothing(hook, position, newest)
            return False
        # Read again once it is this process's own: another one may have delivered in between.
        mine = await self._in_thread(self._table.claim, hook.n, self._who, now + _LEASE)
        if mine is None:
            return False
        was_failing = mine.failures > 0
        if (mine.position, mine.quarter) != (hook.position, hook.quarter):
            messages, _ = await self._in_thread(due, self._database, mine, now)
        taken: list[Outgoing] = []
        noted = time.monotonic()
        for message in messages:
            outcome = await post(client, mine, message)
            if outcome.trouble:
                if taken:
                    await self._note(mine, taken, keep=True)
                await self._failed(mine, outcome, after=len(taken))
                return False
            self._observe("delivered")
            taken.append(message)
            if time.monotonic() - noted >= _NOTE_EVERY:
                if not await self._note(mine, taken, keep=True):
                    return False  # it was removed, or another process has it
                mine = replace(mine, position=message.position, quarter=message.quarter, failures=0, failing_since=None)
                taken, noted = [], time.monotonic()
        await self._note(mine, taken, keep=False)
        if was_failing:
            log.info("%s takes what is posted again", mine.label)
        return len(messages) >= AT_ONCE

    async def _nothing(self, hook: Webhook, position: int, newest: int) -> None:
        """Note that there is nothing for this webhook up to a position: in memory, and now and then on the disk."""
        self._seen[hook.n] = (hook.position, newest)
        now = time.monotonic()
        if position > hook.position and now - self._kept_at.get(hook.n, -_KEEP_EVERY) >= _KEEP_EVERY:
            self._kept_at[hook.n] = now
            until = self._database.clock() + _LEASE
            mine = await self._in_thread(self._table.claim, hook.n, self._who, until)
            if mine is not None:
                place = max(mine.position, position) if mine.position == hook.position else mine.position
                await self._in_thread(self._progress, mine, place, mine.quarter, 0, 0)

    async def _note(self, hook: Webhook, taken: list[Outgoing], *, keep: bool) -> bool:
        last = taken[-1] if taken else None
        position, quarter = (last.position, last.quarter) if last else (hook.position, hook.quarter)
        until = self._database.clock() + _LEASE if keep else 0
        return await self._in_thread(self._progress, hook, position, quarter, len(taken), until)

    def _progress(self, hook: Webhook, position: int, quarter: int, delivered: int, until: int) -> bool:
        return self._table.progress(
            hook.n, self._who, position=position, quarter=quarter, delivered=delivered, until=until
        )

    async def _failed(self, hook: Webhook, outcome: Outcome, *, after: int) -> None:
        now = self._database.clock()
        failures = 1 if after else hook.failures + 1
        since = now if after or hook.failing_since is None else hook.failing_since
        dead = outcome.gone or retry.is_dead(since, now)
        next_try = now + retry.wait(failures, outcome.retry_after, self._rng)
        why = outcome.trouble
        await self._in_thread(lambda: self._table.failed(hook, self._who, why, next_try, paused=now if dead else None))
        self._observe("paused" if dead else "failed")
        if dead:
            remedy = f"'metrica-admin webhook resume {hook.store} {hook.n}' posts again"
            log.error("%s is paused, nothing more is posted: %s; %s", hook.label, why, remedy)
        elif failures == 1:
            log.warning("%s does not take what is posted: %s; it is tried again", hook.label, why)

    def _say_failing(self, error: DatabaseError) -> None:
        if not self._failing and not self._ending.is_set():
            log.error("webhooks wait: %s", error)
        self._failing = True

    async def _in_thread(self, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(*args))


@contextlib.contextmanager
def delivering(database: Database, **settings: Any) -> Generator[WebhookWorker]:
    """Deliver inside the `with` block."""
    worker = WebhookWorker(database, **settings)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()
