"""The version of this release, in one place."""

__version__ = "0.1.0"

NOT_BEFORE = 1_767_225_600_000_000_000
"""2026-01-01 UTC, nanoseconds: a clock that shows an earlier time is wrong, for this version did not exist then."""
