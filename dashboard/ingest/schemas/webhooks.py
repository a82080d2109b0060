"""What the endpoints of the webhooks take and answer, as pydantic models."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class NewWebhook(BaseModel):
    """The body of `POST /v1/stores/{store}/webhooks`."""

    model_config = ConfigDict(strict=True, extra="forbid")

    url: str = Field(max_length=2000, description="Where to post, https://…")
    kind: Literal["event", "quarter"] = Field(description="Each crossing, or the counts of each quarter of an hour.")


class WebhookInfo(BaseModel):
    """A webhook, and how it is."""

    n: int = Field(description="Its number.")
    to: str = Field(description="The address without its path, which may hold a key.")
    kind: Literal["event", "quarter"]
    state: Literal["good", "failing", "paused"]
    delivered: int = Field(description="How many messages it has taken.")
    last_success: datetime | None = Field(description="UTC.")
    trouble: str = Field(description="Why the last delivery failed; empty if it did not.")


class MadeWebhook(WebhookInfo):
    """A new webhook, with its secret."""

    secret: str = Field(description="What signs the messages. It cannot be read again.")


class WebhookList(BaseModel):
    """The webhooks of a store."""

    store: str
    webhooks: list[WebhookInfo]


class RemovedWebhook(BaseModel):
    """A webhook was removed."""

    removed: int


class WebhookTest(BaseModel):
    """What became of a message of the type `test`."""

    delivered: bool
    status: int = Field(description="The HTTP status that it answered; 0 without an answer.")
    trouble: str = Field(description="Why it was not delivered; empty if it was.")
