"""Publishes what the journal holds to an MQTT broker: each crossing once it is new, and the totals of the day.

The journal is the queue: while the broker is away nothing is kept in memory but a position in it. Totals are retained
states, made anew from the journal at each start; of a topic whose last message the broker has not acknowledged, only
the newest state is sent next.
"""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Any

from metrica.errors import JournalError
from metrica.nodes.delivery.dating import Dating
from metrica.nodes.mqtt.broker import Broker
from metrica.nodes.mqtt.day_totals import DayTotals
from metrica.nodes.mqtt.home_assistant import Discovery, Topics
from metrica.nodes.mqtt.journal import Dated, JournalReader
from metrica.nodes.mqtt.position import Kept, PositionFile
from metrica.nodes.mqtt.states import Cameras, states, written
from metrica.nodes.mqtt.store_day import StoreDay
from metrica.runtime import Clock, NodeLog

_SECOND = 1_000_000_000
_DAY = 86_400 * _SECOND
_LATE = 60 * _SECOND
"""A crossing that is older when it is published is marked as late."""
_FORGET = 30 * _DAY
"""A line at which nobody was counted for so long is no longer announced."""
_SAVE_EVERY = 5.0  # s; what is published between is published again after a power cut
_GOODBYE = 1.0  # s, for the last messages


@dataclass(frozen=True, slots=True)
class Place:
    """Whose crossings are published, and where."""

    store: str
    timezone: str
    cutoff_hour: int
    keep_days: float
    """Crossings that are older when the broker is back are not published one by one."""
    topics: Topics
    discovery: Discovery | None


@dataclass(slots=True)
class _InFlight:
    """A crossing that was published; they are acknowledged in any order."""

    position: int
    id: str
    acknowledged: bool = False


class Feed:
    """All that one thread does: `open`, then `turn` several times a second, then `close`."""

    def __init__(
        self, place: Place, reader: JournalReader, dating: Dating, broker: Broker, file: PositionFile, clock: Clock
    ) -> None:
        self.cameras = Cameras()
        """Which cameras look; another thread tells it."""
        self.published = 0
        """How many crossings the broker has acknowledged."""
        self.passed_over = 0
        """How many were too old to be published one by one."""
        self.trouble = ""
        """What is wrong, in one sentence; empty if nothing is."""
        self.waiting = 0
        """How many positions of the journal are between the newest event and the last one that the broker has."""
        self._place, self._reader, self._dating, self._broker = place, reader, dating, broker
        self._file, self._clock = file, clock
        self._kept = Kept()
        self._sent_up_to: int | None = None
        self._counted = 0
        self._totals: DayTotals | None = None
        self._in_flight = deque[_InFlight]()
        self._states: dict[str, bytes] = {}
        self._unacknowledged: set[str] = set()
        self._gone: set[str] = set()
        self._connections = 0
        self._announced_for: tuple[tuple[str, ...], tuple[tuple[str, str], ...]] | None = None
        self._configs: dict[str, bytes] = {}
        self._saved, self._save_at = Kept(), 0.0
        self._journal_trouble = self._file_trouble = ""

    def open(self, log: NodeLog) -> None:
        """Read up to where the broker has the crossings, and begin to connect."""
        self._log = log
        try:
            self._kept = self._file.load()
        except (OSError, ValueError) as error:
            log.error(f"{self._file.path} cannot be read, only new crossings are published: {error}")
        self._broker.start()

    def turn(self) -> None:
        """Handle what is new in the journal, and publish what the broker lacks. Never waits for the broker."""
        self._broker.look()
        if self._broker.connections != self._connections:
            self._connections = self._broker.connections
            self._states.clear()  # the broker may have been replaced by an empty one
        stepped = self._dating.look()
        try:
            self._read(anew=stepped)
            self._publish_crossings()
            self._journal_trouble = ""
        except JournalError as error:
            if not self._journal_trouble:
                self._log.error(f"{error}; what is counted is published as soon as it can be read again")
            self._journal_trouble = str(error)
        self._publish_states()
        self._save()
        self.trouble = self._journal_trouble or self._dating.held or self._broker.trouble

    def close(self) -> None:
        """Publish that this node goes, and end; a second or two at most."""
        if self._broker.connected:
            self._states.pop(self._place.topics.status, None)
            end = time.monotonic() + _GOODBYE
            while self._broker.connected and time.monotonic() < end:
                self._publish(self._place.topics.status, b"offline")
                if self._place.topics.status not in self._unacknowledged and not self._in_flight:
                    break
                time.sleep(0.01)
                self._broker.look()
        self._broker.stop(_GOODBYE)
        self._save(at_once=True)
        self._reader.close()

    def _read(self, *, anew: bool) -> None:
        """Count what is new in the journal; at a new day, or with a clock that was set, all of the day."""
        if self._dating.held:
            self._totals = None
            return
        now = self._clock.now()
        if self._sent_up_to is None:
            self._sent_up_to = self._first_position()
            self._broker_has(self._sent_up_to)
        if self._totals is None or anew or now not in self._totals.day:
            self._begin_day(now)
        assert self._totals is not None
        while True:
            found, position = self._reader.after(self._counted)
            if position == self._counted:
                break
            for dated in found:
                self._count(self._totals, dated)
            self._counted = position
        self.cameras.look(self._clock.monotonic())
        self.waiting = max(0, self._counted - (self._kept.position or 0))

    def _first_position(self) -> int:
        """Where to begin to publish crossings."""
        last, position = self._reader.last_position(), self._kept.position
        if position is None:
            return last
        there = self._reader.id_at(position)  # nothing if it was sent to the server long ago
        if (there and there != self._kept.id) or last < position:
            self._log.info("the journal is a new one: all of its crossings are published")
            return 0
        return position

    def _begin_day(self, now: int) -> None:
        day = StoreDay.of(now, self._place.timezone, self._place.cutoff_hour)
        if self._totals is not None and self._totals.day != day:
            self.cameras.new_day()
        self._totals = DayTotals(day)
        self._counted = self._reader.last_position()
        for dated in self._reader.since(day.start, self._counted):
            self._count(self._totals, dated)
        for line in [line for line, last in self._kept.lines.items() if now - last > _FORGET]:
            del self._kept.lines[line]
            discovery = self._place.discovery
            self._gone |= {self._place.topics.line(*line), *(discovery.of_line(*line) if discovery else ())}

    def _count(self, totals: DayTotals, dated: Dated) -> None:
        camera, line = dated.crossing.header.camera, dated.crossing.line
        totals.add(dated.time, camera, line, dated.crossing.direction)
        self._kept.lines[camera, line] = max(dated.time, self._kept.lines.get((camera, line), 0))

    def _publish_crossings(self) -> None:
        while self._in_flight and self._in_flight[0].acknowledged:
            first = self._in_flight.popleft()
            self._kept.position, self._kept.id = first.position, first.id
        if self._dating.held or self._sent_up_to is None:
            return
        if self._sent_up_to >= self._counted:
            if not self._in_flight and self._kept.position != self._sent_up_to:  # what is left was not to be published
                self._broker_has(self._sent_up_to)
            return
        room = self._broker.room // 2  # the rest is for states, so that totals are not late after a long absence
        if room <= 0:
            return
        oldest = self._clock.now() - round(self._place.keep_days * _DAY)
        found, position = self._reader.after(self._sent_up_to, room)
        for dated in found:
            if dated.time < oldest:
                self.passed_over += 1
                continue
            entry = _InFlight(dated.position, dated.id)
            topic = self._place.topics.crossing(dated.crossing.header.camera, dated.crossing.line)
            if not self._broker.publish(topic, self._crossing(dated), partial(self._acknowledged, entry)):
                return
            self._in_flight.append(entry)
            self._sent_up_to = dated.position
        self._sent_up_to = position

    def _acknowledged(self, entry: _InFlight) -> None:
        entry.acknowledged = True
        self.published += 1

    def _broker_has(self, position: int) -> None:
        self._kept.position, self._kept.id = position, self._reader.id_at(position)

    def _crossing(self, dated: Dated) -> bytes:
        crossing = dated.crossing
        return _json(
            {
                "event_type": crossing.direction,
                "id": dated.id,
                "store": self._place.store,
                "camera": crossing.header.camera,
                "line": crossing.line,
                "time": written(dated.time, self._place.timezone),
                "late": self._clock.now() - dated.time > _LATE,
            }
        )

    def _publish_states(self) -> None:
        if not self._broker.connected:
            return
        place, cameras = self._place, self.cameras
        now = states(
            *(place.topics, place.store, place.timezone, self._totals, cameras),
            self._kept.lines,
            self._clock.monotonic(),
        )
        wanted = {place.topics.status: b"online", **{topic: _json(state) for topic, state in now.items()}}
        wanted |= self._announced()
        for topic in self._gone - wanted.keys():
            self._publish(topic, b"")  # an empty retained message removes the one before
        for topic, payload in wanted.items():
            self._publish(topic, payload)

    def _announced(self) -> dict[str, bytes]:
        """The messages of discovery."""
        discovery = self._place.discovery
        if discovery is None:
            return {}
        places = (tuple(self.cameras.known()), tuple(self._kept.lines))
        if places != self._announced_for:
            found = discovery.of_store()
            for camera in sorted({*places[0], *(camera for camera, _ in places[1])}):
                found |= discovery.of_camera(camera)
            for line in places[1]:
                found |= discovery.of_line(*line)
            self._configs = {topic: _json(config) for topic, config in found.items()}
            self._announced_for = places
        return self._configs

    def _publish(self, topic: str, payload: bytes) -> None:
        """Retain a payload on a topic, unless it is there already, or the one before is still on its way."""
        if self._states.get(topic) == payload or topic in self._unacknowledged:
            return
        if self._broker.publish(topic, payload, partial(self._unacknowledged.discard, topic), retain=True):
            self._states[topic] = payload
            self._unacknowledged.add(topic)

    def _save(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if self._kept.position is None or self._kept == self._saved or (now < self._save_at and not at_once):
            return
        self._save_at = now + _SAVE_EVERY
        try:
            self._file.save(self._kept)
            self._saved, self._file_trouble = self._kept.copy(), ""
        except OSError as error:
            if not self._file_trouble:
                self._log.error(f"{self._file.path} cannot be written, tried again every few seconds: {error.strerror}")
            self._file_trouble = str(error)


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
