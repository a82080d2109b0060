"""The rows of an export, as pydantic models: those of `metrica-admin export`, each with its store."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field, RootModel

_NULL = "Null if nobody was counted and a camera did not look."


class ExportedEvent(BaseModel):
    """One crossing (`what=events`)."""

    store: str
    time: datetime
    camera: str
    line: str
    direction: Literal["in", "out"]
    id: str
    track: int
    received: datetime = Field(description="When the server got it.")


class ExportedSpan(BaseModel):
    """A time in which a camera looked (`what=coverage`)."""

    store: str
    camera: str
    start: datetime
    end: datetime
    seconds: float


class ExportedQuarter(BaseModel):
    """The counts of one line in one quarter of an hour (`what=quarters`), if there were any."""

    store: str
    quarter: datetime = Field(description="When it begins.")
    business_day: date
    camera: str
    line: str
    entered: int
    left: int


class ExportedHour(BaseModel):
    """One clock hour (`what=hours`)."""

    store: str
    hour: datetime = Field(description="When it begins.")
    business_day: date
    entered: int | None = Field(description=_NULL)
    left: int | None = Field(description=_NULL)
    missing: float = Field(ge=0, le=1, description="The share of the hour in which a camera did not look.")


class ExportedDay(BaseModel):
    """One business day (`what=days`)."""

    store: str
    business_day: date
    entered: int | None = Field(description=_NULL)
    left: int | None = Field(description=_NULL)
    visits: float | None = Field(description=f"Mean of INs and OUTs. {_NULL}")
    mean_dwell: float | None = Field(
        description="Seconds. Null before the day is over, without its events, with a gap, or with few crossings."
    )
    peak_hour: datetime | None = Field(description="When the clock hour with the most INs began; null without any.")
    peak_entered: int | None = Field(description="How many these were; null without any.")
    missing_hours: float = Field(
        ge=0, description="For how long a camera did not look when people usually come: the sums are too low."
    )


class ExportedMean(BaseModel):
    """One clock hour of one weekday (`what=heatmap`)."""

    store: str
    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    hour: int = Field(ge=0, le=23, description="When it begins, by the store's clock.")
    visitors: float | None = Field(description="Mean INs. Null without a complete day to take the mean of.")


class Exported(
    RootModel[list[ExportedDay | ExportedEvent | ExportedSpan | ExportedQuarter | ExportedHour | ExportedMean]]
):
    """The rows, all of one kind."""
