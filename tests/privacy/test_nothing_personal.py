"""No message, table, endpoint, metric or log field can hold a picture or tell one person from another.

`inventory.yaml` lists every one of them with what it is. What is new is not in it, so the test fails until somebody has
thought about it; and nothing that is called like a picture, a body, a device or a plate is let in at all.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args, get_origin

import numpy as np
import pytest
import yaml

from tests.privacy import places

INVENTORY: dict[str, dict[str, str]] = yaml.safe_load(
    Path(__file__).with_name("inventory.yaml").read_text(encoding="utf-8")
)
KINDS = {
    "time": "a time or a duration",
    "number": "a count or a measure of the system",
    "figure": "a figure of a store, made from counts",
    "choice": "one of a few words",
    "place": "a name that an installer gave: store, camera, line, zone, node, file",
    "random": "a number or id that was made by chance or by counting, and means nothing elsewhere",
    "account": "a user of the pages or an administrator, who has agreed to it; never somebody who was seen",
    "hash": "a hash of a secret",
    "text": "a sentence of the program",
    "boxes": "rectangles for some seconds, in memory only",
    "picture": "the picture itself, in memory for a fraction of a second only",
    "parts": "made of fields that are listed themselves",
    "event": "an encoded Crossing or Visit",
}
FORBIDDEN = re.compile(
    r"face|pixel|image|picture|photo|thumb|jpeg|png|embed|feature|appearance|vector|descriptor|gait|biometr|gender|sex\b|"
    r"age_group|ethnic|colou?r|cloth|plate|licen[cs]e|mac_|\bmac\b|imei|imsi|bluetooth|wifi|bssid|device_address|"
    r"phone|email|first_?name|last_?name|surname|birth|passport|identity|person_id",
    re.IGNORECASE,
)
IN_MEMORY_ONLY = {"Frame.image"}
"""The one place of pictures. That its topic stays on the box's shared memory or is encrypted is tested elsewhere."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    folder = tmp_path_factory.mktemp("places")
    return {
        "messages": set(places.of_messages()),
        "tables": places.of_tables(folder),
        "api": places.of_the_api(),
        "metrics": places.of_metrics(folder),
        "logs": places.of_logs(),
    }


@pytest.mark.parametrize("where", ["messages", "tables", "api", "metrics", "logs"])
def test_everything_that_is_kept_or_sent_is_known(where: str, found: dict[str, set[str]]) -> None:
    known = INVENTORY[where]
    assert sorted(found[where] - set(known)) == [], "new: say in inventory.yaml what it is, or leave it out"
    assert sorted(set(known) - found[where]) == [], "gone: take it out of inventory.yaml"
    assert set(known.values()) <= set(KINDS)


@pytest.mark.parametrize("where", ["messages", "tables", "api", "metrics", "logs"])
def test_nothing_is_called_like_a_picture_a_body_or_a_device(where: str, found: dict[str, set[str]]) -> None:
    assert sorted(name for name in found[where] - IN_MEMORY_ONLY if FORBIDDEN.search(name)) == []


def test_no_log_message_is_made_of_a_picture_or_a_body() -> None:
    messages = places.of_log_messages()
    assert len(messages) > 50, "the search itself works"
    assert sorted(text for text in messages if FORBIDDEN.search(text.split(": ", 1)[1])) == []


def test_only_frames_hold_pictures_and_only_what_is_in_memory_holds_arrays() -> None:
    kinds = INVENTORY["messages"]
    assert {name for name, kind in kinds.items() if kind == "picture"} == IN_MEMORY_ONLY
    arrays = {name for name, hint in places.of_messages().items() if holds_many_numbers(hint)}
    assert arrays == {name for name, kind in kinds.items() if kind in ("picture", "boxes")}


@pytest.mark.parametrize("where", ["tables", "api", "metrics", "logs"])
def test_nothing_outside_of_memory_is_a_picture_or_boxes(where: str) -> None:
    assert not {"picture", "boxes"} & set(INVENTORY[where].values())


@pytest.mark.parametrize(
    "name", ["events.face_id", "Crossing.embedding", "frame_jpeg", "Event.plate", "GET /v1/photo", "wifi_mac"]
)
def test_the_check_would_find_such_names(name: str) -> None:
    assert FORBIDDEN.search(name)


def holds_many_numbers(hint: Any) -> bool:
    """Whether a type is an array or bytes, or a list of them."""
    if hint in (bytes, bytearray, memoryview) or get_origin(hint) is np.ndarray or hint is np.ndarray:
        return True
    return any(holds_many_numbers(part) for part in get_args(hint) if not isinstance(part, str | int))
