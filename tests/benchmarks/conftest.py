"""Fixtures of the tests of the benchmarks."""

from __future__ import annotations

from tests.dashboard.database.places import place, postgresql, postgresql_server

__all__ = ["place", "postgresql", "postgresql_server"]
