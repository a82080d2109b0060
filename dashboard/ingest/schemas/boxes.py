"""The answers of the endpoints about boxes, as pydantic models. Times are ISO 8601 in UTC."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from metrica.box import Hello


class HelloReceipt(BaseModel):
    """The answer to a hello. It is on the server's disk."""

    heard: int = Field(description="When it was heard, by the server's clock, nanoseconds since 1970 UTC.")


class Wrong(BaseModel):
    """One thing that is wrong with a box."""

    code: str = Field(description="What kind of trouble it is, such as node_down.")
    subject: str = Field(description="The node or camera that it is about; empty for the box.")
    what: str = Field(description="What is wrong.")
    remedy: str = Field(description="What to do.")


class BoxState(BaseModel):
    """How a box is."""

    store: str
    box: str = Field(description="Its random name.")
    first_heard: datetime
    heard: datetime = Field(description="When it last said how it is.")
    silent_s: float = Field(description="How long ago that was, seconds.")
    looked: dict[str, datetime | None] = Field(description="When each camera last looked; null: not since its launch.")
    wrong: list[Wrong] = Field(description="What is wrong, the worst first; empty if nothing is.")
    hello: Hello = Field(description="What it said.")


class Boxes(BaseModel):
    """The boxes of one or more stores."""

    boxes: list[BoxState]


class HourOfBox(BaseModel):
    """How a box was in one hour."""

    hour: datetime
    hellos: int = Field(description="How often it said hello; 60 when all is well.")
    frames_in: int = Field(description="Pictures that came from its cameras.")
    frames_out: int = Field(description="Pictures that were counted on.")
    restarts: int = Field(description="How often its nodes were started again.")
    blind: int = Field(description="Most cameras that did not look.")
    down: int = Field(description="Most nodes that did not run.")
    unsent: int | None = Field(description="Most events that waited in its journal.")
    disk_free: int | None = Field(description="Fewest free bytes on its disk.")
    temperature: float | None = Field(description="The highest temperature, °C.")
    latency_ms: float | None = Field(description="The longest time from picture to count.")
    clock_ahead: float | None = Field(description="By how many seconds its clock and the server's differed at most.")


class BoxHistory(BaseModel):
    """How a box was, hour by hour, the oldest first. Hours in which it said nothing are left out."""

    store: str
    box: str
    hours: list[HourOfBox]
