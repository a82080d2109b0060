"""What each figure costs with three years of ten stores, and with a month of them: by day, in an outage, at night.

Both databases are asked in turn, a question of one and the same of the other, so that whatever else the machine does
slows both. The time is that of the whole request over a connection that stays open.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from benchmarks.backoffice.figures import Findings, percentile
from benchmarks.backoffice.filled import PASSWORD, Filled, extend, fill
from benchmarks.backoffice.places import Places
from benchmarks.backoffice.process import Served
from benchmarks.backoffice.size import size
from benchmarks.hostile.target import log_in
from benchmarks.years.shop import Shop, make_shop
from metrica.dashboard.ingest.kpi_routes import ROUTES
from metrica.dashboard.kpis.events import HOUR, MINUTE, SECOND

State = Literal["day", "outage", "night"]
_MONTH = 31
"""Days of the other database. With eight weeks a heat map would have the same to read in both; with a month it has
less, so that growth is rather over- than underestimated."""
_TO_NIGHT = 8 * HOUR + 15 * MINUTE
"""From the afternoon to the night of the same business day: a quarter to three in Tunis, a quarter to four in Cairo."""
_LONGER = ("daily?days=400",)
"""Questions whose answer is longer the longer the history is: they have to be quick, but their ratio says nothing."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    stores: int = 10
    days: int = 1095
    visitors: float = 300
    rounds: int = 30


class Asker:
    """Asks one pair of services, as a program and as an open page do."""

    def __init__(self, server: Served, tokens: dict[str, str]) -> None:
        self._tokens = tokens
        self._api = http.client.HTTPConnection(server.ingest.removeprefix("http://"), timeout=60)
        port = int(server.web.rstrip("/").rsplit(":", 1)[1])
        self._web = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        _, cookie = log_in(port, PASSWORD)
        self._page = {"Cookie": cookie, "Content-Type": "application/json"}
        listed = json.loads(self._send(self._web, "GET", "/_dash-dependencies", None, self._page))
        self._updates = {_name_of(each): each for each in listed if not each["clientside_function"]}
        self._tick = 0

    @property
    def questions(self) -> list[str]:
        """Every figure of the API and of the page."""
        routes = [route.path.removeprefix("/v1/stores/{store}") for route in ROUTES if "{store}" in route.path]
        return [*(f"api {path.strip('/')}" for path in routes), *(f"api {path}" for path in _LONGER), *self._updates]

    def ask(self, question: str, store: str) -> float:
        """Ask one question about one store, and return how long the answer took, ms. Raises RuntimeError."""
        if question.startswith("api "):
            headers = {"Authorization": f"Bearer {self._tokens[store]}"}
            path = f"/v1/stores/{store}/{question.removeprefix('api ')}".rstrip("/")
            began = time.perf_counter()
            self._send(self._api, "GET", path, None, headers)
        else:
            self._tick += 1
            body = json.dumps(_asked(self._updates[question], store, self._tick)).encode()
            began = time.perf_counter()
            self._send(self._web, "POST", "/_dash-update-component", body, self._page)
        return (time.perf_counter() - began) * 1e3

    def tell(self, store: str, camera: str, at: int, number: int) -> None:
        """Send what a box sends while somebody comes: one crossing, and that its camera looked."""
        headers = {"Authorization": f"Bearer {self._tokens[store]}", "Content-Type": "application/json"}
        way = "in" if number % 2 else "out"
        event = {"id": f"asked/{at}", "camera": camera, "line": "main", "direction": way, "track": number, "time": at}
        span = {"camera": camera, "start": at - MINUTE, "end": at}
        for what, item in (("events", event), ("watched", span)):
            body = json.dumps({"v": 1, "store": store, what: [item]}).encode()
            self._send(self._api, "POST", f"/v1/{what}", body, headers)

    def _send(
        self, to: http.client.HTTPConnection, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> bytes:
        try:
            to.request(method, path, body=body, headers=headers)
            answer = to.getresponse()
        except (ConnectionError, http.client.RemoteDisconnected):  # the server closes what was idle for half a minute
            to.close()
            to.request(method, path, body=body, headers=headers)
            answer = to.getresponse()
        said = answer.read()
        if answer.status not in (200, 204):
            raise RuntimeError(f"{method} {path}: {answer.status} {said[:300]!r}")
        return said


def growth(places: Places, sizes: Sizes, found: Findings) -> None:
    """Fill two databases, and compare what each figure costs. Adds to `found`."""
    until = _afternoon()
    shops = [make_shop(number, visitors=sizes.visitors) for number in range(sizes.stores)]
    years = fill(places, "years", shops, until=until, days=sizes.days)
    month = fill(places, "month", shops, until=until, days=_MONTH)
    now = until
    detail: dict[str, Any] = {
        "events": years.sent.accepted + years.sent.duplicates,
        "events_per_second": round((years.sent.accepted + years.sent.duplicates) / max(years.seconds, 1e-3)),
        "states": {},
    }
    for state, now in (("day", until), ("outage", until + 45 * MINUTE), ("night", until + _TO_NIGHT)):
        if state == "night":
            for filled, days in ((years, sizes.days), (month, _MONTH)):
                extend(places, filled.place, filled.tokens, shops, until=now, days=days)
        detail["states"][state] = _measure(places, (years, month), shops, state, now, sizes.rounds, found)
    found.detail[f"growth {places.kind}"] = detail
    size(places, years, shops, now=now, days=sizes.days, found=found)


def _measure(
    places: Places, pair: tuple[Filled, Filled], shops: Sequence[Shop], state: str, now: int, rounds: int,
    found: Findings,
) -> dict[str, list[float]]:  # fmt: skip
    """Return p95 of both, ms, and their ratio, by question."""
    times: dict[str, tuple[list[float], list[float]]] = {}
    with ExitStack() as stack:
        servers = [stack.enter_context(Served(each.place, places.log, now=now, web=True)) for each in pair]
        started = time.monotonic_ns()
        askers = [Asker(server, each.tokens) for server, each in zip(servers, pair, strict=True)]
        for turn in range(rounds):
            for shop in shops:
                if state == "day":
                    at = now + time.monotonic_ns() - started
                    for asker in askers:
                        asker.tell(shop.id, shop.cameras[0][0], at, turn)
                for question in askers[0].questions:
                    both = times.setdefault(question, ([], []))
                    for which in (0, 1) if turn % 2 else (1, 0):
                        both[which].append(askers[which].ask(question, shop.id))
        for which, server in enumerate(servers):
            found.detail.setdefault("growth_rss_mb", {})[f"{places.kind} {state} {which}"] = round(server.peak_mb)
    made: dict[str, list[float]] = {}
    for question, (many, few) in times.items():
        slow, quick = percentile(many, 95), percentile(few, 95)
        made[question] = [round(slow, 2), round(quick, 2), round(slow / quick, 2), round(max(many), 1)]
        found.worst("kpi_p95_ms", slow)
        if question.removeprefix("api ") not in _LONGER:
            found.worst("kpi_three_years_over_one_month", slow / quick)
    return made


def _afternoon() -> int:
    """Half past five in the afternoon (UTC) of the last day that is over, ns: every shop is open in some country."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    return round(datetime(yesterday.year, yesterday.month, yesterday.day, 17, 30, tzinfo=UTC).timestamp()) * SECOND


def _name_of(callback: dict[str, Any]) -> str:
    """What a callback of the page is called here: its first output."""
    return f"page {callback['output'].strip('.').split('...')[0].rsplit('.', 1)[0]}"


def _asked(callback: dict[str, Any], store: str, tick: int) -> dict[str, Any]:
    """What a page sends for a callback."""
    names = [name.rsplit(".", 1) for name in callback["output"].strip(".").split("...")]
    outputs = [{"id": name, "property": what} for name, what in names]
    return {
        "output": callback["output"],
        "outputs": outputs if len(outputs) > 1 else outputs[0],
        "changedPropIds": ["tick.n_intervals"],
        "inputs": [each | {"value": tick if each["id"] == "tick" else store} for each in callback["inputs"]],
        "state": [each | {"value": None} for each in callback["state"]],
    }
