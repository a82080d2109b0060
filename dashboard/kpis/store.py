"""A store, and the settings that its figures depend on."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

DEFAULT_CUTOFF_HOUR = 4
"""Local hour at which a business day begins unless chosen otherwise."""


@dataclass(frozen=True, slots=True)
class Store:
    """A store and its settings. Raises ValueError, as one sentence, for a setting that is out of its range."""

    id: str
    """Up to 100 printable characters without a slash, such as tunis-01."""
    timezone: str
    """IANA name, such as Africa/Tunis."""
    cutoff_hour: int = DEFAULT_CUTOFF_HOUR
    """Local hour at which the business day begins, 0 to 23."""
    empty_hour: int | None = None
    """Local hour, some time after closing, at which the store is empty every day; None: only at the cut-off hour."""
    recall: float | None = None
    """Share of the true crossings that is counted, 0.5 to 1, as metrica-eval measured it; None: not measured."""
    precision: float | None = None
    """Share of the counted crossings that is true, 0.5 to 1, as metrica-eval measured it; None: not measured."""

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
