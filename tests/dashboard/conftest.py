"""Fixtures of the tests of the back office."""

from __future__ import annotations

from tests.dashboard.database.places import module_place, place, postgresql, postgresql_server

__all__ = ["module_place", "place", "postgresql", "postgresql_server"]
