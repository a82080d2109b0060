"""What the ingest takes and answers, as pydantic models: the one source for validation and for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from metrica.dashboard.store.records import Event, Name, Span

VERSION = 1
"""The version of the batch that this server speaks."""

MAX_EVENTS = 5000
"""Events in one batch at most."""


class Batch(BaseModel):
    """What `POST /v1/events` takes."""

    model_config = ConfigDict(strict=True)

    v: Literal[1] = Field(description="The version of this format.")
    store: Name = Field(description="The store that the token speaks for.")
    events: list[Event] = Field(max_length=MAX_EVENTS)


class Refused(BaseModel):
    """An event that can never be accepted; sending it again is of no use."""

    id: str | None = Field(description="The event's id, if it has one that can be read.")
    index: int = Field(description="Its place in the batch, from 0.")
    reason: str = Field(description="One sentence.")


class Receipt(BaseModel):
    """What became of a batch. What is accepted is on the server's disk."""

    accepted: int = Field(description="Events that are new.")
    duplicates: int = Field(description="Events that were there already.")
    refused: list[Refused]


class Watch(BaseModel):
    """What `POST /v1/watched` takes."""

    model_config = ConfigDict(strict=True)

    v: Literal[1] = Field(description="The version of this format.")
    store: Name = Field(description="The store that the token speaks for.")
    watched: list[Span] = Field(max_length=MAX_EVENTS)


class Kept(BaseModel):
    """What is on the server's disk now."""

    kept: int = Field(description="How many spans were taken.")


class Problem(BaseModel):
    """The body of every answer that is not a success."""

    error: str = Field(description="One sentence for a person to act on.")


class Health(BaseModel):
    """The server is up and its database answers."""

    status: Literal["ok"]
    version: str


def json_schema(models: list[type[BaseModel]]) -> dict[str, Any]:
    """The models' schemas for the `components` of an OpenAPI document, by title."""
    from pydantic.json_schema import models_json_schema

    _, document = models_json_schema(
        [(model, "serialization") for model in models], ref_template="#/components/schemas/{model}"
    )
    definitions: dict[str, Any] = document["$defs"]
    return definitions
