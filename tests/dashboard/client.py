"""A real ingest on a free port, and a sender that talks to it over real HTTP."""

from __future__ import annotations

import contextlib
import gzip
import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgpack
import urllib3

from metrica.dashboard.ingest.access import MetricsAccess
from metrica.dashboard.ingest.app import create_app
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people.api_tokens import ApiTokenTable
from metrica.dashboard.people.members import MemberTable
from metrica.dashboard.people.organisations import MAIN
from metrica.dashboard.people.rights import RIGHTS, Role
from metrica.dashboard.service.serving import AioServer
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.records import Event
from tests.dashboard.footfall import at

STORE = Store("tunis-01", "Africa/Tunis")
METRICS_TOKEN = "for-prometheus-alone"
NOON = at("Africa/Tunis", 2026, 11, 22, 12)


@dataclass
class ManualClock:
    """A clock that only the test moves, ns UTC."""

    now: int = NOON

    def __call__(self) -> int:
        return self.now


@dataclass
class Answer:
    status: int
    body: Any
    headers: Any


@dataclass
class Client:
    """Sends requests to one address with one token."""

    address: str
    token: str | None
    http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False, timeout=30, maxsize=8))

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return self.request("GET", path, headers=headers)

    def post(
        self,
        document: Any,
        *,
        form: str = "msgpack",
        zipped: bool = False,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """POST /v1/events; `body` replaces the document's own bytes."""
        given = {"Content-Type": f"application/{form}"}
        if body is None:
            body = json.dumps(document).encode() if form == "json" else packed(document)
        if zipped:
            given["Content-Encoding"] = "gzip"
            body = gzip.compress(body)
        return self.request("POST", "/v1/events", body=body, headers=given | (headers or {}))

    def change(self, method: str, path: str, document: Any) -> Answer:
        """Send a small JSON document."""
        body = json.dumps(document).encode()
        return self.request(method, path, body=body, headers={"Content-Type": "application/json"})

    def send(self, events: Sequence[Event], store: str = "tunis-01", **how: Any) -> Answer:
        return self.post(batch([event_document(e) for e in events], store), **how)

    def request(
        self, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        given = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        answer = self.http.request(method, f"{self.address}{path}", body=body, headers=given | (headers or {}))
        is_json = answer.headers.get("Content-Type", "").startswith("application/json")
        return Answer(answer.status, json.loads(answer.data) if is_json else answer.data, answer.headers)


def event_document(e: Event) -> dict[str, Any]:
    """An event as it travels."""
    return {
        "id": e.id, "camera": e.camera, "line": e.line, "direction": e.direction, "track": e.track, "time": e.time
    }  # fmt: skip


def packed(document: Any) -> bytes:
    """As msgpack."""
    made: bytes | None = msgpack.packb(document)
    assert made is not None
    return made


def batch(events: Sequence[Any], store: str = "tunis-01") -> dict[str, Any]:
    return {"v": 1, "store": store, "events": list(events)}


@dataclass
class Ingest(Client):
    """The client of a server in this process, whose store and clock are at hand."""

    database: Database = field(kw_only=True)
    clock: ManualClock = field(kw_only=True)

    def metrics(self) -> str:
        """The counters, read with their own token."""
        text: str = Client(self.address, METRICS_TOKEN).get("/metrics").body.decode()
        return text

    def as_user(self, name: str = "olfa", role: Role = Role.OWNER, stores: list[str] | None = None) -> Client:
        """A new user of the first organisation, with a token that has all the scopes that the role allows."""
        MemberTable(self.database).add(MAIN, name, "no hash", role, stores)
        token, _ = ApiTokenTable(self.database).create(name, RIGHTS[role])
        return Client(self.address, token)


@contextlib.contextmanager
def ingest_server(place: Path | str, *, lock_timeout: float = 10.0) -> Generator[Ingest]:
    """A server over a new database in a folder, or at an address, with the store tunis-01 and a token for it."""
    clock = ManualClock()
    where = place / "metrica.db" if isinstance(place, Path) and place.is_dir() else place
    with Database(where, clock=clock, lock_timeout=lock_timeout) as database:
        database.stores.put(STORE)
        server = AioServer(create_app(database, MetricsAccess(METRICS_TOKEN), patience=None), "127.0.0.1", 0)
        try:
            yield Ingest(server.address, database.tokens.create(STORE.id), database=database, clock=clock)
        finally:
            server.stop()
