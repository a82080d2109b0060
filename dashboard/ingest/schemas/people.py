"""What the endpoints of people, tokens and stores take and answer, as pydantic models."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from metrica.dashboard.people.api_tokens import DAYS, MOST_DAYS
from metrica.dashboard.people.members import MOST_STORES
from metrica.dashboard.service.passwords import LONGEST

Scope = Literal["figures:read", "health:read", "settings:write", "people:write", "events:write"]
RoleName = Literal["owner", "manager", "installer", "viewer"]
Title = Annotated[str, Field(max_length=100)]
StoreIds = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=MOST_STORES)]

_STORES = "The ids of the stores; null: all of the organisation, also those to come."
_TAKEN = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


class Me(BaseModel):
    """Who asks."""

    name: str = Field(description="The user's name; for a box, the key of its token.")
    organisation: str
    role: Literal["owner", "manager", "installer", "viewer", "box"]
    rights: list[Scope] = Field(description="What this token may do.")
    stores: list[str] | None = Field(description=_STORES)


class OrganisationInfo(BaseModel):
    """An organisation."""

    id: str
    name: str = Field(description="As people call it; may be empty.")


class OrganisationChange(BaseModel):
    """What can be changed of an organisation."""

    model_config = _TAKEN

    name: Title


class UserInfo(BaseModel):
    """A user of the organisation."""

    name: str = Field(description="As at the login.")
    role: RoleName
    stores: list[str] | None = Field(description=_STORES)
    created: datetime


class Users(BaseModel):
    """The users of the organisation."""

    users: list[UserInfo]


class NewUser(BaseModel):
    """A user to be added."""

    model_config = _TAKEN

    name: Title = Field(description="The login name; outside of the first organisation it ends with @ and its id.")
    password: str = Field(max_length=LONGEST)
    role: RoleName
    stores: StoreIds | None = Field(default=None, description=_STORES)


class UserChange(BaseModel):
    """What is to be changed of a user; what is left out stays."""

    model_config = _TAKEN

    role: RoleName | None = None
    stores: StoreIds | None = Field(default=None, description=f"{_STORES} Left out: as they are.")
    password: str | None = Field(default=None, max_length=LONGEST, description="Another one ends the user's sessions.")


class ApiTokenInfo(BaseModel):
    """What is known of a user's own token."""

    key: str = Field(description="Enough to name it; the token itself is not kept.")
    user: str
    label: str = Field(description="What it is for.")
    scopes: list[Scope]
    created: datetime
    expires: datetime
    revoked: datetime | None
    valid: bool


class ApiTokens(BaseModel):
    """The tokens that whoever asks may see."""

    tokens: list[ApiTokenInfo]


class NewApiToken(BaseModel):
    """A token to be made for whoever asks."""

    model_config = _TAKEN

    label: Title = ""
    scopes: list[Scope] = Field(min_length=1, max_length=10, description="None that this token does not have itself.")
    days: int = Field(default=DAYS, ge=1, le=MOST_DAYS, description="Not longer than this token itself, if it is one.")


class MadeApiToken(BaseModel):
    """A token that was made. It is shown this once."""

    token: str
    info: ApiTokenInfo


class Removed(BaseModel):
    """Something that is gone."""

    removed: str = Field(description="The name or key.")
