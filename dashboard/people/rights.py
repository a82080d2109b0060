"""What somebody may do with a store, and which role may do what."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Right(StrEnum):
    """What may be done. The values are those of the scopes of a personal token."""

    FIGURES = "figures:read"
    """See how many people come, and all else that tells how the business goes."""
    HEALTH = "health:read"
    """See how the boxes and cameras are."""
    SETTINGS = "settings:write"
    """Change a store's settings."""
    PEOPLE = "people:write"
    """See and change who may do what in the organisation."""
    SEND = "events:write"
    """Send events and coverage, as a box does."""


FIGURES, HEALTH, SETTINGS, PEOPLE, SEND = Right


class Role(StrEnum):
    """What a user is in the organisation, or that it is no user but a box."""

    OWNER = "owner"
    """All stores of the organisation, the business and the people."""
    MANAGER = "manager"
    """Named stores: their business, boxes and settings."""
    INSTALLER = "installer"
    """Set-up and health of named stores, but no figures of the business."""
    VIEWER = "viewer"
    """Figures, and nothing that changes anything."""
    BOX = "box"
    """A box, which speaks for one store. No user has this role."""


RIGHTS: Mapping[Role, frozenset[Right]] = {
    Role.OWNER: frozenset(Right),
    Role.MANAGER: frozenset({FIGURES, HEALTH, SETTINGS, SEND}),
    Role.INSTALLER: frozenset({HEALTH, SETTINGS, SEND}),
    Role.VIEWER: frozenset({FIGURES}),
    Role.BOX: frozenset({FIGURES, SEND}),
}
"""The rights of each role, for the stores that its user has."""

MEMBER_ROLES = tuple(role for role in Role if role is not Role.BOX)
"""The roles that a user can have."""


def role_of(text: str) -> Role:
    """Return the role with this name. Raises ValueError, as one sentence, if no user can have it."""
    if text not in MEMBER_ROLES:
        raise ValueError(f"there is no role {str(text)!r}: use {', '.join(MEMBER_ROLES[:-1])} or {MEMBER_ROLES[-1]}")
    return Role(text)


def scope_of(text: str) -> Right:
    """Return the right with this scope. Raises ValueError, as one sentence, if there is none."""
    if text not in tuple(Right):
        raise ValueError(f"there is no scope {text!r}: use some of {', '.join(Right)}")
    return Right(text)
