"""Indexes for requests that would otherwise look through all users or sessions, however many there are."""

from __future__ import annotations

from metrica.dashboard.database.schema.step import Step

MANY_PEOPLE = Step(
    "m014_many_people",
    (
        # Only those whose hash is of the old kind; the login asks whether there is one.
        "CREATE INDEX users_with_old_hashes ON users (name) WHERE substr(password, 1, 7) = 'scrypt:'",
        # By these, each login removes the sessions that are over.
        "CREATE INDEX sessions_by_seen ON sessions (seen)",
        "CREATE INDEX sessions_by_created ON sessions (created)",
    ),
)
