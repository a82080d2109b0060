"""Where a database is: the path of a file, or the address of one on a server."""

from __future__ import annotations

from pathlib import Path

SCHEMES = ("postgresql", "postgres")
"""What the address of a PostgreSQL database begins with."""


def is_address(place: Path | str) -> bool:
    """Whether a place is the address of a PostgreSQL database, and not the path of a file."""
    return isinstance(place, str) and place.partition("://")[0].lower() in SCHEMES and "://" in place
