"""The node `mqtt` on a bench, and what it takes to look at what it has published."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from metrica import testing
from metrica.context import Context
from metrica.journal import Journal
from metrica.messages import Crossing, Header, Health, encode
from metrica.messages.crossing import Direction
from metrica.nodes.mqtt.node import Mqtt
from tests.nodes.mqtt.mosquitto import Listener

SECOND = 1_000_000_000
NOON = testing.START + 11 * 3600 * SECOND  # 12:00 in Tunis
DOOR = "metrica/tunis-01/door/main"


def crossing(n: int, when: int, direction: Direction = "in", *, camera: str = "door", line: str = "main") -> Crossing:
    return Crossing(
        header=Header(camera=camera),
        id=f"{camera}/{line}/1/{n}",
        line=line,
        direction=direction,
        track=n,
        time=when,
    )


def record(folder: Path, *events: Crossing) -> None:
    with Journal(folder / "journal.db") as journal:
        journal.append_many([(e.id, "Crossing", encode(e)) for e in events])


def beat(bench: testing.Bench, received: int, camera: str = "door") -> None:
    bench.send(
        "heartbeats",
        Health(
            header=Header(stamp=bench.clock.now(), mono=bench.clock.monotonic() + 1, camera=camera, epoch=1),
            node=f"/{camera}/counter",
            state="active",
            counters={"received.tracks": received},
        ),
    )


def until(condition: Callable[[], object], bench: testing.Bench | None = None, timeout: float = 20.0) -> None:
    """Wait for the node's thread; with a bench, its timers go on meanwhile."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        if bench is not None:
            bench.advance(0.5)
        time.sleep(0.02)


@contextmanager
def node(folder: Path, port: int, *, now: int = NOON, **params: Any) -> Generator[testing.Bench]:
    context = Context(store="tunis-01", timezone="Africa/Tunis", data=folder)
    mqtt = Mqtt(host="127.0.0.1", port=port, **params)
    mqtt.check()
    with testing.run(mqtt, name="/mqtt", context=context, clock=testing.FakeClock(now)) as bench:
        yield bench


def state(listener: Listener, topic: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(listener.newest.get(topic) or "{}")
    return found


def crossings(listener: Listener, topic: str = f"{DOOR}/crossing") -> list[dict[str, Any]]:
    return [json.loads(payload) for heard, payload, _ in listener.all if heard == topic]
