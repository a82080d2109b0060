"""The step with the webhooks: to whom events or figures are posted, and up to where each has them."""

from __future__ import annotations

from metrica.dashboard.database.schema.step import Step

WEBHOOKS = Step(
    "m012_webhooks",
    (
        """
            CREATE TABLE webhooks (
                n {number},
                store TEXT NOT NULL REFERENCES stores(id),
                url TEXT NOT NULL,
                kind TEXT NOT NULL CHECK (kind IN ('event', 'quarter')),
                secret TEXT NOT NULL,               -- signs what is posted, so it is kept as it is
                allow_private {integer} NOT NULL,     -- 1: also to addresses that only this network has
                created {integer} NOT NULL,           -- ns UTC
                position {integer} NOT NULL,          -- it has all events up to this number
                quarter {integer} NOT NULL,           -- … and all quarters of an hour that begin before this, ns UTC
                failures {integer} NOT NULL DEFAULT 0,  -- since the last success
                failing_since {integer},              -- ns UTC
                next_try {integer} NOT NULL DEFAULT 0,  -- ns UTC
                trouble TEXT NOT NULL DEFAULT '',   -- why the last delivery failed
                delivered {integer} NOT NULL DEFAULT 0,
                last_success {integer},               -- ns UTC
                paused {integer},                     -- ns UTC; nothing is posted until somebody resumes it
                claimed_by TEXT NOT NULL DEFAULT '',  -- the process that delivers now
                claimed_until {integer} NOT NULL DEFAULT 0  -- ns UTC
            ) {strict}
        """,
        "CREATE INDEX webhooks_by_store ON webhooks (store)",
    ),
)
