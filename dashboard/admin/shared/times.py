"""Times as an administrator writes and reads them: in the store's own clock, or with an offset from UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from metrica.dashboard.kpis.events import SECOND

_FORM = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s?(Z|z|[+-]\d\d:?\d\d)?", re.ASCII
)
_HELP = "write it as 2026-11-28, 2026-11-28T14:30 or 2026-11-28T14:30:05.25+01:00"


def parse_time(text: str, zone: str) -> int:
    """Read a time, ns UTC. A date alone is its 00:00; without an offset it is the time of the zone's clocks.

    Raises ValueError, as one sentence, for what is no time, and for what the zone's clocks show twice or never.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no time: {_HELP}")
    *fields, fraction, offset = found.groups()
    try:
        plain = datetime(*(int(field or 0) for field in fields))  # type: ignore[arg-type]
        moment = _with_offset(plain, offset) if offset else _on_the_clock(plain, zone, text)
        seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    except OverflowError:
        raise ValueError(f"{text!r} is no time: {_HELP}") from None
    except ValueError as error:
        raise ValueError(f"{text!r} is no time ({error}): {_HELP}") from None
    if not 0 <= seconds < 1 << 33:
        raise ValueError(f"{text!r} cannot be meant: give a time from 1970 to 2242")
    return seconds * SECOND + int((fraction or "").ljust(9, "0"))


def _with_offset(plain: datetime, offset: str) -> datetime:
    if offset in "Zz":
        return plain.replace(tzinfo=UTC)
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    if minutes > 59:
        raise ValueError("an offset has at most 59 minutes")
    shift = timedelta(hours=hours, minutes=minutes) * (-1 if offset[0] == "-" else 1)
    return plain.replace(tzinfo=timezone(shift))


def _on_the_clock(plain: datetime, zone: str, text: str) -> datetime:
    local = plain.replace(tzinfo=ZoneInfo(zone))
    if local.utcoffset() == local.replace(fold=1).utcoffset():
        return local.astimezone(UTC)
    if local.astimezone(UTC).astimezone(local.tzinfo).replace(tzinfo=None) != plain:
        raise ValueError(f"the clocks of {zone} skip it")
    raise ValueError(f"the clocks of {zone} show it twice, give the offset too, such as {text.strip()}{local:%z}")
