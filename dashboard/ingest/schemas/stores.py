"""A store's settings, as pydantic models. What they mean and which are taken is in `Store` and `StoreDetails`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Spans = list[Annotated[str, Field(max_length=20)]]
Labels = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=100)]

_TAKEN = ConfigDict(strict=True, extra="forbid")


class Hours(BaseModel):
    """When a store is open: local times such as 09:00-13:00, or 20:00-02:00 until the next day. No span: closed."""

    model_config = _TAKEN

    weekdays: dict[Weekday, Spans] = Field(default={}, description="The usual hours.")
    exceptions: dict[str, Spans] = Field(default={}, description="Single days, by date: 2026-12-25.")
    ramadan: dict[Weekday, Spans] | None = Field(default=None, description="The hours in Ramadan; null: as usual.")
    ramadan_dates: list[list[str]] = Field(
        default=[], description="First and last day of Ramadan as announced; else it is computed (Umm al-Qura)."
    )


class StoreSettingsChange(BaseModel):
    """The settings of a store to be changed; what is left out stays."""

    model_config = _TAKEN

    timezone: str | None = Field(default=None, max_length=100, description="IANA name.")
    cutoff_hour: int | None = Field(default=None, description="Local hour at which a business day begins.")
    empty_hour: int | None = Field(default=None, description="Local hour at which nobody is ever inside; null: none.")
    recall: float | None = Field(default=None, description="Share of the crossings that is counted; null: unknown.")
    precision: float | None = Field(default=None, description="Share of what is counted that is true; null: unknown.")
    name: str | None = Field(default=None, max_length=100, description="As people call the store.")
    address: str | None = Field(default=None, max_length=300)
    country: str | None = Field(default=None, max_length=2, description="ISO 3166-1, two letters.")
    currency: str | None = Field(default=None, max_length=3, description="ISO 4217, three letters.")
    hours: Hours | None = Field(default=None, description="Opening hours; null: not known.")
    floor_area: float | None = Field(default=None, description="Square metres; null: not known.")
    capacity: int | None = Field(default=None, description="Most people at a time; null: not known.")
    tags: Labels | None = Field(default=None, description="Words by which the store is found.")
    groups: Labels | None = Field(default=None, description="The groups that the store is counted in.")


class StoreSettings(BaseModel):
    """The settings of a store."""

    store: str
    timezone: str
    cutoff_hour: int
    empty_hour: int | None
    recall: float | None
    precision: float | None
    name: str
    address: str
    country: str
    currency: str
    hours: Hours | None
    floor_area: float | None
    capacity: int | None
    tags: list[str]
    groups: list[str]


class StoreEntry(BaseModel):
    """One of the stores of whoever asks."""

    store: str
    name: str
    timezone: str


class Stores(BaseModel):
    """The stores of whoever asks."""

    stores: list[StoreEntry]
