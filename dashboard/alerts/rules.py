"""The rules: from what is known of a store to its alerts. Pure: no clock, no database.

Each rule has two sides. An alert *begins* only at a time at which it matters, such as opening hours; it is *kept on*
for as long as what is wrong goes on, also at night, so that closing time is not told as the end of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from metrica.box.troubles import BLIND_AFTER, SILENT_AFTER, is_low
from metrica.dashboard.alerts.alert import Alert, Finding, Kind

SECOND = 10**9
HOUR = 3600 * SECOND
DAY = 24 * HOUR
BLIND = round(BLIND_AFTER * SECOND)
"""Without a look for so long in opening hours, a camera is blind, ns."""
SILENT = round(SILENT_AFTER * SECOND)
"""Without a hello for so long, a box is silent, ns."""
UPLOAD = HOUR
"""Without an upload for so long in opening hours, something is wrong, ns."""
BUSY = 20.0
"""Mean visitors from which an hour is a busy one: by chance alone, nobody comes in one such hour of 500 million."""
ENDS_WITHIN = 14 * DAY
"""A certificate or token that ends within so long is about to end, ns …"""
LAST_QUARTER = 4
"""… or one that was made for a shorter time, in the last quarter of it."""
RELIEF = 1.2
"""A disk that was low is low until so many times the limit is free."""


@dataclass(frozen=True, slots=True)
class BoxSeen:
    """What is known of a box."""

    box: str
    """Its name."""
    first_heard: int
    """ns UTC."""
    heard: int
    """When it last said hello, ns UTC."""
    looked: Mapping[str, int]
    """When each camera last looked as the box knew then, ns UTC; the launch for one that has not."""
    disk_free: int | None = None
    """Bytes; None if it does not say."""
    disk_total: int | None = None
    """Bytes; None if it does not say."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted in the last whole clock hour."""

    start: int
    """The start of the hour, ns UTC."""
    hour: int
    """What the store's clock showed then, 0 to 23."""
    usual: float | None
    """Mean visitors in this hour of the weekday; None without data."""
    visitors: int | None
    """How many came in; None if no camera looked."""
    missing: float
    """The share of the hour in which a camera did not look."""
    last_event: int | None
    """When a line was last crossed, ns UTC; None if never."""


def _always_open() -> int:
    return 0


@dataclass(frozen=True, slots=True)
class StoreSeen:
    """What is known of a store."""

    store: str
    """Its id."""
    boxes: Sequence[BoxSeen] = ()
    """Its boxes."""
    coverage: Mapping[str, int] = field(default_factory=dict[str, int])
    """When each camera last looked, ns UTC, for a store whose boxes say no hello."""
    uploaded: int | None = None
    """When events or coverage last came, ns UTC; None if never."""
    open_since: Callable[[], int | None] = _always_open
    """Returns since when the store is open, ns UTC; None while it is closed. It is called only if it matters."""
    counted: Counted | None = None
    """The last whole hour; None if there is nothing to be said of it."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Something that is valid until a moment."""

    kind: Kind
    """`certificate_ends` or `token_ends`."""
    store: str
    """The id of its store; empty for the server's."""
    subject: str
    """What names it."""
    begins: int
    """When it began to be valid, ns UTC."""
    ends: int
    """When it ends, ns UTC."""
    organisation: str = ""
    """The organisation whose it is; empty for the server's."""


def of_store(seen: StoreSeen, now: int, listening: int) -> list[Finding]:
    """Return what is to be said of a store. now: ns UTC. listening: since when the server hears boxes, ns UTC.

    What nobody could hear, because the server was down, begins no alert.
    """
    return [
        *_boxes(seen, now, listening),
        *_cameras(seen, now, listening),
        *_uploads(seen, now, listening),
        *_zero(seen),
    ]


def of_endings(endings: Sequence[Ending], now: int) -> list[Finding]:
    """Return which of these are about to end, or have ended."""
    found: list[Finding] = []
    for it in endings:
        warned = it.ends - min(ENDS_WITHIN, (it.ends - it.begins) // LAST_QUARTER)
        if now >= warned:
            facts: dict[str, int | str] = {"ends": it.ends, "organisation": it.organisation}
            found.append(Finding(Alert(it.store, it.kind, it.subject, warned, facts), True))
    return found


def _boxes(seen: StoreSeen, now: int, listening: int) -> Iterator[Finding]:
    for box in seen.boxes:
        silent = now - box.heard >= SILENT
        if silent:
            heard_of = now - max(box.heard, listening) >= SILENT
            yield Finding(Alert(seen.store, "box_silent", box.box, box.heard), heard_of)
        if box.disk_free is not None and is_low(box.disk_free, box.disk_total, slack=RELIEF):
            facts = {"free": f"{box.disk_free / 1e9:.1f}"}
            low = is_low(box.disk_free, box.disk_total) and not silent
            yield Finding(Alert(seen.store, "disk_low", box.box, box.heard, facts), low)


def _cameras(seen: StoreSeen, now: int, listening: int) -> Iterator[Finding]:
    """A camera of a box that says nothing is as it was: nobody knows, and the box's silence is told."""
    looks: dict[str, tuple[int, int, bool]] = {}
    for box in seen.boxes:
        heard = now - box.heard < SILENT
        for camera, looked in box.looked.items():
            # Two boxes may know a camera of the same name: the one that saw it last is right.
            looks[camera] = max(looks.get(camera, (0, 0, False)), (looked, box.heard, heard))
    if not seen.boxes:
        looks = {camera: (looked, now, True) for camera, looked in seen.coverage.items()}
    for camera, (looked, known, heard) in looks.items():
        if known - looked < BLIND:
            continue
        since = seen.open_since() if heard else None
        # Without hellos the server's own absence looks like the camera's.
        from_when = max(looked, since or 0, 0 if seen.boxes else listening)
        begins = since is not None and known - from_when >= BLIND
        yield Finding(Alert(seen.store, "camera_blind", camera, looked), begins)


def _uploads(seen: StoreSeen, now: int, listening: int) -> Iterator[Finding]:
    starts = [box.first_heard for box in seen.boxes]
    last = seen.uploaded if seen.uploaded is not None else min(starts, default=None)
    if last is None or now - last < UPLOAD:
        return
    since = seen.open_since()
    begins = since is not None and now - max(last, since, listening) >= UPLOAD
    yield Finding(Alert(seen.store, "nothing_uploaded", "", last), begins)


def _zero(seen: StoreSeen) -> Iterator[Finding]:
    """Nobody came in an hour in which many always come: the camera is turned away, or the line is wrong."""
    counted = seen.counted
    if counted is None or counted.last_event is None or counted.last_event >= counted.start:
        return
    # A camera that did not look is no zero.
    looked = counted.visitors == 0 and counted.missing < 0.5
    busy = counted.usual is not None and counted.usual >= BUSY
    begins = looked and busy and seen.open_since() is not None
    facts = {"hour": counted.hour, "usual": round(counted.usual or 0)}
    yield Finding(Alert(seen.store, "count_zero", "", counted.last_event, facts), begins)
