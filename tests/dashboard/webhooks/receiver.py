"""A real target of webhooks: it keeps what is posted to it, and answers as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from metrica.dashboard.kpis.events import SECOND
from metrica.dashboard.store.database import Database
from metrica.dashboard.webhooks.table import Webhook, WebhookKind, Webhooks
from tests.dashboard.client import NOON, STORE
from tests.dashboard.footfall import event


class Receiver:
    """What was posted, and what is answered next."""

    def __init__(self) -> None:
        self.status = 204
        self.headers: dict[str, str] = {}
        self.delay = 0.0
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.address = ""
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()

    @property
    def taken(self) -> list[dict[str, Any]]:
        """The messages, in the order in which they came."""
        return [json.loads(body) for _, body in self.posts]


@contextmanager
def receiving() -> Generator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with kept.lock:
                kept.at_once += 1
                kept.most_at_once = max(kept.most_at_once, kept.at_once)
            time.sleep(kept.delay)
            with kept.lock:
                kept.at_once -= 1
                kept.posts.append((dict(self.headers), body))
            self.send_response(kept.status)
            for name, value in kept.headers.items():
                self.send_header(name, value)
            self.end_headers()

        do_GET = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.address = f"http://127.0.0.1:{server.server_address[1]}/hook/key-4711"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def until(condition: Callable[[], object], timeout: float = 60.0) -> None:
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def opened(place: str) -> Database:
    """The database at a place, for a program of its own."""
    return Database(place if "://" in place else Path(place))


def register(database: Database, target: Receiver, kind: WebhookKind = "event") -> Webhook:
    return Webhooks(database).add(STORE.id, target.address, kind, allow_private=True)


def now_of(database: Database, hook: Webhook) -> Webhook:
    found = Webhooks(database).get(hook.store, hook.n)
    assert found is not None
    return found


def send(database: Database, *numbers: int, time: int = NOON) -> None:
    database.events.add(STORE.id, [event(n, time + n * SECOND, "in" if n % 3 else "out") for n in numbers]).result()


def ids(target: Receiver) -> list[str]:
    return [message["id"] for message in target.taken]
