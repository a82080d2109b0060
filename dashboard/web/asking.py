"""Who looks at a page, and which stores they get. A store's id that comes from a browser is looked up here, always."""

from __future__ import annotations

from flask_login import current_user

from metrica.dashboard.database.interface import Engine
from metrica.dashboard.kpis.store import Store
from metrica.dashboard.people.access import Access
from metrica.dashboard.people.asker import Asker
from metrica.dashboard.people.errors import AccessError, UnknownError
from metrica.dashboard.people.rights import FIGURES, Right


def asker_of(database: Engine) -> Asker:
    """Return who is logged in, with the role and the stores that they have now.

    Raises UnknownError if the user is gone, which happens between the check of the session and this.
    """
    found = Access(database).of_user(str(current_user.name)) if current_user.is_authenticated else None
    if found is None:
        raise UnknownError("the user is gone")
    return found


def store_of(database: Engine, name: object, *rights: Right) -> Store | None:
    """Return a store of who is logged in; None if it is not theirs, not there, or for other things than `rights`.

    name: the id as it came from the browser.
    """
    if not isinstance(name, str) or not name:
        return None
    try:
        asker = asker_of(database)
        for right in rights:
            asker.require(right)
        return Access(database).store(asker, name)
    except AccessError:
        return None


def stores_of(database: Engine, right: Right = FIGURES) -> list[Store]:
    """Return the stores of who is logged in for which they have a right, in order of their ids."""
    try:
        return Access(database).stores(asker_of(database), right)
    except AccessError:
        return []
