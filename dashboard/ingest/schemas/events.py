"""The bodies that the ingest takes and answers, as pydantic models.

Requests are validated with them, and the OpenAPI document is made from them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, FailFast, Field

from metrica.dashboard.store.records import Event, Name, Span

VERSION = 1
"""The version of the request format."""

MAX_EVENTS = 5000
"""Most events, or spans, in one batch."""


_LATER_HELP = "Whether the sender understands `later` in the answer; if not, such a request is answered with 503."


class EventBatch(BaseModel):
    """The body of `POST /v1/events`."""

    model_config = ConfigDict(strict=True)

    v: Literal[1] = Field(description="The version of this format.")
    store: Name = Field(description="The store that the token speaks for.")
    later: bool = Field(default=False, description=_LATER_HELP)
    events: list[Event] = Field(max_length=MAX_EVENTS)


class Refused(BaseModel):
    """An event that is not valid: sending it again does not help."""

    id: str | None = Field(description="The event's id, if it has one that can be read.")
    index: int = Field(description="Its place in the batch, from 0.")
    reason: str = Field(description="One sentence.")


class Later(BaseModel):
    """What is more than a day ahead of the server's clock: that clock or the sender's is wrong. Send it again later."""

    id: str | None = Field(default=None, description="The event's id; a span of coverage has none.")
    index: int = Field(description="Its place in the batch, from 0.")
    reason: str = Field(description="One sentence.")


class EventReceipt(BaseModel):
    """The answer to `POST /v1/events`. The accepted events are on the server's disk."""

    accepted: int = Field(description="Events that are new.")
    duplicates: int = Field(description="Events that the store has sent before.")
    refused: list[Refused]
    later: list[Later] = Field(default=[], description="Left out if it is empty.")


class CoverageBatch(BaseModel):
    """The body of `POST /v1/watched`: times at which cameras looked."""

    model_config = ConfigDict(strict=True)

    v: Literal[1] = Field(description="The version of this format.")
    store: Name = Field(description="The store that the token speaks for.")
    later: bool = Field(default=False, description=_LATER_HELP)
    # One span that is wrong refuses all, so the others need not be looked at.
    spans: Annotated[list[Span], FailFast()] = Field(alias="watched", max_length=MAX_EVENTS)


class CoverageReceipt(BaseModel):
    """The answer to `POST /v1/watched`. The spans are on the server's disk."""

    kept: int = Field(description="How many spans were taken.")
    later: list[Later] = Field(default=[], description="Left out if it is empty.")


class Problem(BaseModel):
    """The answer to every request that failed."""

    error: str = Field(description="One sentence for a person to act on.")


class ServerStatus(BaseModel):
    """The server is up and its database answers."""

    status: Literal["ok"]
    version: str


def json_schema(models: list[type[BaseModel]]) -> dict[str, Any]:
    """Return the schemas of the models, by title, for the `components` of an OpenAPI document."""
    from pydantic.json_schema import models_json_schema

    _, document = models_json_schema(
        [(model, "serialization") for model in models], ref_template="#/components/schemas/{model}"
    )
    definitions: dict[str, Any] = document["$defs"]
    return definitions
