"""The answers of the KPI endpoints, as pydantic models. Times are ISO 8601 with the store's UTC offset."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, Field


class StoreInfo(BaseModel):
    """A store, and how old its data are."""

    store: str
    timezone: str = Field(description="IANA name.")
    cutoff_hour: int = Field(description="Local hour at which a business day begins.")
    business_day: date = Field(description="The business day of now.")
    first_event: datetime | None = Field(description="When the first line was crossed in the store's history.")
    last_event: datetime | None


class Today(BaseModel):
    """In and out since the business day began."""

    model_config = ConfigDict(serialize_by_alias=True)

    entered: int = Field(serialization_alias="in")
    left: int = Field(serialization_alias="out")
    last_week: int | None = Field(
        serialization_alias="in_last_week",
        description="In, by this time on the same weekday last week.",
    )


class DwellEstimates(BaseModel):
    """Estimates, seconds: it is not known which OUT belongs to which IN."""

    p50: float = Field(description="Half of the visits are shorter.")
    p90: float = Field(description="Nine of ten visits are shorter; usually too low.")


class Dwell(BaseModel):
    """The dwell of the visits that ended today."""

    seconds: float = Field(description="The mean, corrected for missed crossings.")
    sessions: int = Field(description="Finished sessions, one IN and one OUT each.")
    estimated_percentiles: DwellEstimates | None = Field(description="Null for fewer than 10 sessions.")


class Peak(BaseModel):
    """A clock hour and its visitors."""

    hour: int = Field(ge=0, le=23, description="Local hour at which it begins.")
    visitors: float


class Kpis(BaseModel):
    """The figures that are one number each."""

    store: str
    time: datetime = Field(description="The moment for which they are computed.")
    business_day: date
    inside: int = Field(ge=0, description="People in the store, corrected for missed crossings.")
    inside_margin: int = Field(ge=0, description="Nine times in ten the truth differs from `inside` by no more.")
    inside_known: bool = Field(description="False while no camera looks: `inside` is then what usually happens.")
    today: Today
    inflow_per_hour: float = Field(ge=0, description="Visitors per hour at the pace of the last 15 minutes.")
    dwell: Dwell | None
    peak: Peak | None = Field(description="Today's busiest hour so far.")
    usual_peak: Peak | None = Field(description="The hour that is busiest on average on this weekday.")
    last_event: datetime | None
    missing_seconds: int = Field(ge=0, description="For how long today a camera did not look: sums are too low.")
    emptied: datetime | None = Field(description="When somebody last marked the store as empty today.")


class Hour(BaseModel):
    """One clock hour."""

    hour: int = Field(ge=0, le=23)
    today: int | None = Field(description="Visitors; null if the hour has not begun, or nobody looked, or not yet.")
    last_week: int | None = Field(description="Visitors on the same weekday last week; null without data.")
    missing: float = Field(ge=0, le=1, description="The share of today's hour in which a camera did not look.")


class Hourly(BaseModel):
    """Visitors per hour, today and on the same weekday last week, in the order of the business day."""

    store: str
    business_day: date
    compared_with: date
    hours: list[Hour]


class Day(BaseModel):
    """One business day."""

    day: date
    visitors: int | None = Field(
        description="Null if nobody was counted before anybody looked for the first time, or while no camera looked."
    )
    missing_hours: float = Field(ge=0, description="For how long a camera did not look: the figure is too low.")


class Daily(BaseModel):
    """Visitors per business day, the oldest first; the last is today so far."""

    store: str
    days: list[Day]


class Weekday(BaseModel):
    """The mean visitors per hour on one weekday."""

    weekday: int = Field(ge=0, le=6, description="0 is Monday.")
    visitors: list[float | None] = Field(description="One for each of `hours`; null without data.")


class Heat(BaseModel):
    """Mean visitors by weekday and hour, over the complete business days of the last weeks."""

    store: str
    weeks: int
    hours: list[int] = Field(description="Clock hours in the order of the business day.")
    weekdays: list[Weekday]
