"""What the node `mqtt` tells Home Assistant, over a real broker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2

from metrica.nodes.mqtt.home_assistant import Discovery, Topics
from tests.nodes.mqtt.mosquitto import Mosquitto, listening, needs_mosquitto
from tests.nodes.mqtt.mqtt_bench import DOOR, NOON, SECOND, beat, crossing, crossings, node, record, state, until


@needs_mosquitto
def test_home_assistant_finds_the_sensors(tmp_path: Path, broker: Mosquitto) -> None:
    with listening(broker) as listener, node(tmp_path, broker.port) as bench:
        until(lambda: listener.newest.get("metrica/tunis-01/status") == "online")
        record(tmp_path, crossing(1, NOON, line="Entrée / sud"))
        until(lambda: [topic for topic in listener.newest if topic.endswith("_crossing/config")])
        beat(bench, 10)
        until(lambda: len([topic for topic in listener.newest if topic.startswith("homeassistant/")]) == 3 + 3 + 3)
        configs = {t: json.loads(p) for t, p in listener.newest.items() if t.startswith("homeassistant/")}
        until(lambda: all(config["state_topic"] in listener.newest for config in configs.values()))
        assert len({config["unique_id"] for config in configs.values()}) == len(configs)
        for topic, config in configs.items():
            levels = topic.split("/")
            assert len(levels) == 5 and all(level.replace("-", "").replace("_", "").isalnum() for level in levels)
            assert config["availability_topic"] == "metrica/tunis-01/status"
            assert config["device"]["identifiers"] == ["metrica_tunis-01"]
            assert "value_json" in config["value_template"]
            assert not set("+# ") & set(config["state_topic"])
        shown = {
            config["name"]: _rendered(config, listener.newest[config["state_topic"]]) for config in configs.values()
        }
        assert shown["People inside"] == "1" and shown["Entered today"] == "1" and shown["Left today"] == "0"
        assert shown["door looks"] in ("ON", "OFF")
        assert shown["Door Entrée / sud entered today"] == "1"
        event = json.loads(shown["door Entrée / sud crossing"])
        assert event["event_type"] == "in" and event["line"] == "Entrée / sud"
        total = next(config for config in configs.values() if config["name"] == "Entered today")
        assert (
            jinja2.Template(total["last_reset_value_template"]).render(value_json=state(listener, total["state_topic"]))
            == "2026-01-01T04:00:00+01:00"
        )


def test_a_late_crossing_moves_nothing_in_home_assistant_and_null_is_unknown() -> None:
    discovery = Discovery("homeassistant", "s", Topics("metrica/s"))
    event = next(c for t, c in discovery.of_line("door", "main").items() if "/event/" in t)
    assert _rendered(event, '{"event_type":"in","late":true}') == ""
    inside = next(iter(discovery.of_store().values()))
    assert _rendered(inside, '{"inside":null}') == "None"  # Home Assistant's word for unknown


def _rendered(config: dict[str, Any], payload: str) -> str:
    return str(jinja2.Template(config["value_template"]).render(value=payload, value_json=json.loads(payload)))


@needs_mosquitto
def test_a_line_of_last_month_is_no_longer_announced(tmp_path: Path, broker: Mosquitto) -> None:
    with node(tmp_path, broker.port), listening(broker) as listener:
        until(lambda: listener.newest.get("metrica/tunis-01/status") == "online")
        record(tmp_path, crossing(1, NOON))
        until(lambda: [topic for topic in listener.newest if "door-main_entered" in topic])
        until(lambda: crossings(listener))
    with node(tmp_path, broker.port, now=NOON + 40 * 86_400 * SECOND), listening(broker) as listener:
        until(lambda: state(listener, "metrica/tunis-01/state").get("day") == "2026-02-10")
        until(lambda: listener.newest.get(f"{DOOR}/state") == "" or f"{DOOR}/state" not in listener.newest)
        with listening(broker, "homeassistant/#") as fresh:
            until(lambda: fresh.newest)
            until(lambda: len(fresh.newest) >= 3)
            assert not [topic for topic in fresh.newest if "door-main" in topic]
