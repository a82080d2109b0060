"""Who asks. Every query of the pages, endpoints and exports is asked by somebody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from metrica.dashboard.people.errors import ForbiddenError
from metrica.dashboard.people.rights import RIGHTS, Right, Role


class Owned(NamedTuple):
    """A store, and whose it is."""

    store: str
    """Its id."""
    organisation: str
    """The id of the organisation that it belongs to."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: a user of the pages, a program with a user's token, or a box.

    To get a store or a list of stores for one, use `metrica.dashboard.people.access.Access`: it asks the database.
    """

    name: str
    """The user's name; for a box, the key of its token."""
    organisation: str
    """The id of the organisation."""
    role: Role
    stores: frozenset[str] | None
    """The ids of the stores; None for all of the organisation."""
    rights: frozenset[Right]
    """What the role allows and, for a program, the token's scopes too."""
    token: str = ""
    """The hash of the token that was shown; empty for a user of the pages."""

    @property
    def is_box(self) -> bool:
        """Whether it is a box, which speaks for one store."""
        return self.role is Role.BOX

    @property
    def key(self) -> str:
        """What stands for the asker where requests are counted."""
        return f"box of {','.join(self.stores or ())}" if self.is_box else f"user {self.name}"

    def has(self, store: Owned) -> bool:
        """Whether the store is one of the asker's, with whatever rights."""
        return store.organisation == self.organisation and (self.stores is None or store.store in self.stores)

    def may(self, right: Right, store: Owned) -> bool:
        """Whether the asker has this right for this store."""
        return right in self.rights and self.has(store)

    def require(self, right: Right) -> None:
        """Raise ForbiddenError unless the asker has this right for the stores that are theirs."""
        if right in self.rights:
            return
        if self.is_box:
            raise ForbiddenError(f"the token of a box cannot do this: use a user's own token with {right}")
        if self.token and right in RIGHTS[self.role]:
            raise ForbiddenError(f"the token does not have the scope {right}: make one that has it")
        raise ForbiddenError(f"{self.name!r} has the role {self.role} and may not do this ({right}): ask an owner")
