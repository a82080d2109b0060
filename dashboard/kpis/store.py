"""What the figures of a store depend on: where it is, when its business day begins, how well its cameras count."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

DEFAULT_CUTOFF_HOUR = 4


@dataclass(frozen=True, slots=True)
class Store:
    """A store: its id, its IANA time zone, and the local hour at which its business day begins."""

    id: str
    timezone: str
    cutoff_hour: int = DEFAULT_CUTOFF_HOUR
    empty_hour: int | None = None
    """The local hour at which it is surely empty every day, some time after closing; None: only the cut-off hour."""
    recall: float | None = None
    """Of the true crossings, the share that is counted, as metrica-eval measured it; None: nobody did."""
    precision: float | None = None
    """Of the counted crossings, the share that is true."""

    def __post_init__(self) -> None:
        if not self.id or len(self.id) > 100 or not self.id.isprintable() or "/" in self.id:
            raise ValueError(f"{self.id!r} cannot name a store: use letters, digits and dashes")
        if not 0 <= self.cutoff_hour <= 23:
            raise ValueError(f"the day cannot begin at {self.cutoff_hour}: give an hour from 0 to 23")
        if self.empty_hour is not None and not 0 <= self.empty_hour <= 23:
            raise ValueError(f"the store cannot be empty at {self.empty_hour}: give an hour from 0 to 23")
        for name, share in (("recall", self.recall), ("precision", self.precision)):
            if share is not None and not 0.5 <= share <= 1:
                raise ValueError(f"a {name} of {share} cannot be: give a share from 0.5 to 1, such as 0.98")
        try:
            ZoneInfo(self.timezone)
        except (OSError, ValueError, LookupError):
            raise ValueError(
                f"there is no time zone {self.timezone!r}: use an IANA name such as Africa/Tunis"
            ) from None
