"""What tells Home Assistant which sensors there are: MQTT discovery, by retained messages. Pure.

Source: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery (one topic for each sensor: every version of
Home Assistant that has discovery reads it, and so does openHAB).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from metrica.version import __version__

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_-]+")
_PEOPLE = {"unit_of_measurement": "people"}


def plain(name: str) -> str:
    """The name as a level of a topic and as an id: letters, digits, '-', '_'. Names that differ stay different."""
    if re.fullmatch(r"[A-Za-z0-9_-]+", name):
        return name
    return f"{_NOT_PLAIN.sub('-', name).strip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}".lstrip("-")


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of a store; `base` is where they begin."""

    base: str

    @property
    def status(self) -> str:
        """Whether the node is there: `online` or `offline`."""
        return f"{self.base}/status"

    @property
    def store(self) -> str:
        """The totals of the store."""
        return f"{self.base}/state"

    def camera(self, camera: str) -> str:
        """The totals of a camera, and whether it looks."""
        return f"{self.base}/{plain(camera)}/state"

    def line(self, camera: str, line: str) -> str:
        """The totals of a line."""
        return f"{self.base}/{plain(camera)}/{plain(line)}/state"

    def crossing(self, camera: str, line: str) -> str:
        """Each crossing of a line."""
        return f"{self.base}/{plain(camera)}/{plain(line)}/crossing"


class Discovery:
    """Makes the messages of discovery for one store.

    Args:
        prefix: Where Home Assistant looks for them, such as `homeassistant`.
        store: The store's id.
        topics: The topics of the store.
    """

    def __init__(self, prefix: str, store: str, topics: Topics) -> None:
        self._prefix, self._store, self._topics = prefix, store, topics
        self._id = plain(topics.base.replace("/", "_"))

    def of_store(self) -> dict[str, dict[str, Any]]:
        """The sensors of the store, by the topics of their messages."""
        state = self._topics.store
        return {
            **self._sensor(
                "inside", "People inside", state, "inside", {"state_class": "measurement"}, "mdi:account-group"
            ),
            **self._counts("", "", state),
        }

    def of_camera(self, camera: str) -> dict[str, dict[str, Any]]:
        """The sensors of a camera, likewise."""
        state, key = self._topics.camera(camera), plain(camera)
        looks = {
            "name": f"{camera} looks",
            "state_topic": state,
            "value_template": "{{ 'ON' if value_json.looks else 'OFF' }}",
            "device_class": "running",
            "entity_category": "diagnostic",
        }
        return {**self._config("binary_sensor", f"{key}_looks", looks), **self._counts(f"{key}_", f"{camera} ", state)}

    def of_line(self, camera: str, line: str) -> dict[str, dict[str, Any]]:
        """The sensors of a line, and its events, likewise."""
        key = f"{plain(camera)}-{plain(line)}"  # the name of a camera has no '-'
        event = {
            "name": f"{camera} {line} crossing",
            "state_topic": self._topics.crossing(camera, line),
            "event_types": ["in", "out"],
            # An old crossing that could not be sent in time is no reason to switch a light on now.
            "value_template": "{{ '' if value_json.late else value }}",
            "icon": "mdi:walk",
        }
        return {
            **self._config("event", f"{key}_crossing", event),
            **self._counts(f"{key}_", f"{camera} {line} ", self._topics.line(camera, line)),
        }

    def _counts(self, key: str, name: str, state: str) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for what, icon in (("entered", "mdi:location-enter"), ("left", "mdi:location-exit")):
            total = {"state_class": "total", "last_reset_value_template": "{{ value_json.since }}"}
            title = f"{name}{what} today"
            found |= self._sensor(f"{key}{what}", title[:1].upper() + title[1:], state, what, total, icon)
        return found

    def _sensor(
        self, key: str, name: str, state: str, field: str, more: Mapping[str, Any], icon: str
    ) -> dict[str, dict[str, Any]]:
        sensor = {
            "name": name,
            "state_topic": state,
            "value_template": f"{{{{ value_json.{field} }}}}",  # null becomes None, which is "unknown"
            "icon": icon,
            **_PEOPLE,
            **more,
        }
        return self._config("sensor", key, sensor)

    def _config(self, component: str, key: str, of_its_own: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        config = {
            **of_its_own,
            "unique_id": f"{self._id}_{key}",
            "availability_topic": self._topics.status,
            "device": {
                "identifiers": [self._id],
                "name": f"Metrica {self._store}",
                "manufacturer": "Metrica",
                "model": "people counter",
                "sw_version": __version__,
            },
            "origin": {"name": "Metrica", "sw_version": __version__},
        }
        return {f"{self._prefix}/{component}/{self._id}/{key}/config": config}
