"""What a box tells the server each minute: how it and its nodes are. Nothing of anybody who was seen, and no address.

The models are both ends': the box makes them, the server validates with them and makes its OpenAPI document of them.
Ages are given instead of times, so that a wrong clock of the box does not matter.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

VERSION = 1
"""The version of the format."""
MAX_NODES = 300
"""Most nodes in one hello."""
MAX_CAMERAS = 64
"""Most cameras in one hello."""
BOX_PATTERN = r"^[a-z0-9][a-z0-9-]{3,39}$"
"""What the name of a box looks like, such as box-3f9a1c22d0."""

_LARGEST = 2**53  # a count or a size; what every reader of JSON can hold
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Count = Annotated[int, Field(ge=0, le=_LARGEST)]
Milliseconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=1e10, allow_inf_nan=False)]


class _Part(BaseModel):
    # Unknown keys are ignored, so that a newer box can say more.
    model_config = ConfigDict(strict=True, frozen=True)


class NodeState(_Part):
    """One node of the box's launch file."""

    name: Name = Field(description="The node's name in the launch file, such as /door/tracker.")
    camera: str = Field(default="", max_length=200, description="The camera that it is started for; empty for none.")
    state: str = Field(
        pattern=r"^[a-z_]{1,20}$",
        description="starting, ready, active, waiting (to be started again), finished, failed, or stopped.",
    )
    restarts: Count = Field(default=0, description="How often it was started again since the launch.")
    received: Count = Field(default=0, description="Messages in, since its process began.")
    sent: Count = Field(default=0, description="Messages out, since its process began.")
    lost: Count = Field(default=0, description="Messages that did not reach it, since its process began.")
    latency_ms: Milliseconds | None = Field(
        default=None, description="The age of the oldest picture that reached it within the last second."
    )
    trouble: str = Field(default="", max_length=300, description="One sentence about what is wrong; empty for nothing.")


class CameraState(_Part):
    """One camera of the box."""

    name: Name = Field(description="The camera's name in the launch file.")
    looked_s: Seconds | None = Field(
        default=None, description="How long ago it last looked, seconds; null if not since the launch."
    )
    frames_in: Count = Field(default=0, description="Pictures that came from it, since its node began.")
    frames_out: Count = Field(default=0, description="Of these, how many have been counted on.")
    latency_ms: Milliseconds | None = Field(default=None, description="From picture to count.")


class Hello(_Part):
    """The body of `POST /v1/boxes/{box}/hello`."""

    v: Literal[1] = Field(description="The version of this format.")
    store: Name = Field(description="The store that the token speaks for.")
    version: str = Field(max_length=40, description="The version of Metrica on the box.")
    launch: str = Field(
        default="", max_length=64, pattern=r"^[0-9a-f]*$", description="Digest of the launch file, secrets left out."
    )
    up_s: Seconds | None = Field(default=None, description="For how long the launch runs, seconds.")
    nodes: list[NodeState] = Field(default=[], max_length=MAX_NODES)
    cameras: list[CameraState] = Field(default=[], max_length=MAX_CAMERAS)
    unsent: Count | None = Field(default=None, description="Events in the journal that the server does not have.")
    waiting_s: Seconds | None = Field(default=None, description="Since when the oldest of them waits, seconds.")
    refused: Count | None = Field(default=None, description="Events that the server has refused.")
    disk_free: Count | None = Field(default=None, description="Free bytes on the disk of the box's data.")
    disk_total: Count | None = Field(default=None, description="Bytes of that disk.")
    temperature: float | None = Field(
        default=None, ge=-100, le=300, allow_inf_nan=False, description="The warmest sensor of the machine, °C."
    )
    clock_ahead: float | None = Field(
        default=None,
        ge=-1e11,
        le=1e11,
        allow_inf_nan=False,
        description="By how many seconds the server's clock was ahead of the box's, at the hello before.",
    )
    synchronised: bool | None = Field(default=None, description="Whether a time service keeps the box's clock right.")
