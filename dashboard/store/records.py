"""The records that a box sends and the database keeps: a crossing, and a span of a camera's coverage.

They are pydantic models, because the HTTP service validates requests and makes its OpenAPI document with them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""1 to 200 characters without control characters."""


class Event(BaseModel):
    """One crossing of one line by one person. Unknown keys are ignored, so a newer box can send more."""

    model_config = ConfigDict(strict=True, frozen=True)

    id: Name = Field(description="Unique within the store for ever; sending it again changes nothing.")
    camera: Name = Field(description="The camera's name.")
    line: Name = Field(description="The line's name, unique within its camera.")
    direction: Literal["in", "out"] = Field(description="Whether the person came in or went out.")
    track: int = Field(
        ge=0, le=2**63 - 1, description="The temporary track id, meaningless after a few seconds.", examples=[12]
    )
    time: int = Field(
        ge=0,
        le=2**63 - 1,
        description="When the line was crossed, nanoseconds since 1970 UTC; from 2020 up to a day from now.",
        examples=[1763000000000000000],
    )


class Span(BaseModel):
    """A time from `start` to `end` in which a camera looked. Unknown keys are ignored."""

    model_config = ConfigDict(strict=True, frozen=True)

    camera: Name = Field(description="The camera's name, as in its events.")
    start: int = Field(ge=0, le=2**63 - 1, description="Nanoseconds since 1970 UTC; from 2020 on.")
    end: int = Field(ge=0, le=2**63 - 1, description="Nanoseconds since 1970 UTC; not before `start`.")
