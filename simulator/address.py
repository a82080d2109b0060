"""Reads `sim://` addresses: the kind of place, and its parameters after the `?`.

sim://entrance?seed=7&visitors_per_hour=240&night=1
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import parse_qsl, unquote

from metrica.errors import ParameterError
from metrica.params import did_you_mean

KINDS = ("entrance", "ceiling", "shopfront")
"""The kinds of place that can be simulated."""
TEST_SEEDS = (90_000, 100_000)
"""The first seed that is kept for measuring, and the end of that range. No detector is ever trained on these seeds."""


def _parameter(default: Any, low: float, high: float, about: str) -> Any:
    """A field that an address may set, with its limits and the text for `metrica-sim --help`."""
    return field(default=default, metadata={"low": low, "high": high, "about": about})


@dataclass(frozen=True, slots=True)
class SceneSettings:
    """The settings of a simulated camera, as its address gives them. NaN: the value is drawn from the seed."""

    kind: str = "entrance"
    seed: int = _parameter(
        1, 0, TEST_SEEDS[1] - 1, "chooses room, camera and people; the same seed gives the same pictures"
    )
    visitors_per_hour: float = _parameter(240.0, 0, 3600, "visitors who come in during the busiest hour")
    passers_per_hour: float = _parameter(60.0, 0, 3600, "people who pass by outside during the busiest hour")
    staff: int = _parameter(1, 0, 6, "employees; each goes out and comes in again every few minutes")
    groups: float = _parameter(0.3, 0, 1, "share of the visits that are made by a group")
    u_turns: float = _parameter(0.06, 0, 1, "share of the visits that turn round shortly before or behind the line")
    loiterers: float = _parameter(0.04, 0, 1, "share of the visits that stand in the door for a while")
    start: float = _parameter(17.0, 0, 23.99, "hour of the day at the first picture; fewer people come in quiet hours")
    seconds: float = _parameter(0.0, 0, 86_400, "length in seconds; 0: it never ends")
    width: int = _parameter(640, 160, 1920, "width of the picture, pixels")
    height: int = _parameter(360, 120, 1080, "height of the picture, pixels")
    fps: float = _parameter(10.0, 1, 30, "pictures per second")
    night: int = _parameter(0, 0, 1, "1: night, an infrared picture; 0: day")
    camera_height: float = _parameter(math.nan, 2.0, 4.5, "height of the camera above the floor, metres")
    tilt: float = _parameter(math.nan, 5, 90, "angle below the horizon, degrees; 90 looks straight down")
    fov: float = _parameter(math.nan, 40, 110, "horizontal field of view, degrees")


PARAMETERS = [f for f in fields(SceneSettings) if f.metadata]
"""The parameters that may follow the `?`: fields of SceneSettings whose metadata holds `low`, `high` and `about`."""


def read_sim_address(uri: str) -> SceneSettings:
    """Read a sim:// address.

    Raises ParameterError, in one sentence, for an unknown place or parameter and for a value outside its limits.
    """
    place, _, query = uri.strip().partition("://")[2].partition("?")
    kind = unquote(place.strip("/")).lower() or "entrance"
    if kind not in KINDS:
        raise _wrong(
            f"there is no simulated place '{kind}'{did_you_mean(kind, KINDS) or ';'} there are {', '.join(KINDS)}"
        )
    known = {f.name: f for f in PARAMETERS}
    found: dict[str, Any] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in known:
            more = did_you_mean(name, list(known)) or f"; it knows {', '.join(known)}"
            raise _wrong(f"a simulated place has no '{name}'{more}")
        if name in found:
            raise _wrong(f"'{name}' is given twice")
        found[name] = _number(name, text, known[name].type == "int", known[name].metadata)
    return SceneSettings(kind=kind, **found)


def _number(name: str, text: str, whole: bool, limits: Any) -> float:
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        raise _wrong(f"'{name}={text}' is not a {'whole ' if whole else ''}number") from None
    if not limits["low"] <= value <= limits["high"]:
        raise _wrong(f"'{name}' must lie between {limits['low']:g} and {limits['high']:g}, not {text}")
    return value


def _wrong(what: str) -> ParameterError:
    return ParameterError("uri", f"'uri' cannot be simulated: {what}")
