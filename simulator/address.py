"""What a `sim://` address asks for: the kind of place, and after `?` how it is to be.

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
TEST_SEEDS = (90_000, 100_000)
"""Seeds from the first to before the last are for measuring only: nothing is ever trained on them."""


def _ask(default: Any, low: float, high: float, about: str) -> Any:
    return field(default=default, metadata={"low": low, "high": high, "about": about})


@dataclass(frozen=True, slots=True)
class SceneSettings:
    """A simulated camera as it is asked for. NaN: whatever the seed says."""

    kind: str = "entrance"
    seed: int = _ask(1, 0, TEST_SEEDS[1] - 1, "which place, camera and people; the same seed gives the same pictures")
    visitors_per_hour: float = _ask(240.0, 0, 3600, "how many come in during the busiest hour")
    passers_per_hour: float = _ask(60.0, 0, 3600, "how many pass by outside in that hour")
    staff: int = _ask(1, 0, 6, "how many work here and pass the door again and again")
    groups: float = _ask(0.3, 0, 1, "what part of the visitors comes in company")
    u_turns: float = _ask(0.06, 0, 1, "what part turns round before or just after the line")
    loiterers: float = _ask(0.04, 0, 1, "what part stands in the door for a while")
    start: float = _ask(17.0, 0, 23.99, "the hour of the day at which it begins; fewer people come at quiet hours")
    seconds: float = _ask(0.0, 0, 86_400, "ends after so many seconds; 0 never")
    width: int = _ask(640, 160, 1920, "of the picture, pixels")
    height: int = _ask(360, 120, 1080, "of the picture, pixels")
    fps: float = _ask(10.0, 1, 30, "pictures per second")
    night: int = _ask(0, 0, 1, "1: infrared, dark outside")
    camera_height: float = _ask(math.nan, 2.0, 4.5, "metres over the floor")
    tilt: float = _ask(math.nan, 5, 90, "degrees below the horizon; 90 is straight down")
    fov: float = _ask(math.nan, 40, 110, "horizontal field of view, degrees")


PARAMETERS = [f for f in fields(SceneSettings) if f.metadata]
"""What may follow the `?`: dataclass fields whose metadata holds low, high and about."""


def read_sim_address(uri: str) -> SceneSettings:
    """Understand a sim:// address. Raises ParameterError with one sentence for what it does not know or take."""
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
        found[name] = _value(name, text, known[name].type == "int", known[name].metadata)
    return SceneSettings(kind=kind, **found)


def _value(name: str, text: str, whole: bool, limits: Any) -> float:
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        raise _wrong(f"'{name}={text}' is not a {'whole ' if whole else ''}number") from None
    if not limits["low"] <= value <= limits["high"]:
        raise _wrong(f"'{name}' must lie between {limits['low']:g} and {limits['high']:g}, not {text}")
    return value


def _wrong(what: str) -> ParameterError:
    return ParameterError("uri", f"'uri' asks for what cannot be simulated: {what}")
