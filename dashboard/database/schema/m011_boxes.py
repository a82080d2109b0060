"""The boxes: how each is, and how it was in each hour; what was uploaded; alerts, and whom to tell."""

from __future__ import annotations

from metrica.dashboard.database.schema.step import Step

BOXES = Step(
    "m011_boxes",
    (
        """
            CREATE TABLE boxes (
                store TEXT NOT NULL REFERENCES stores(id),
                box TEXT NOT NULL,              -- its random name
                first_heard {integer} NOT NULL,   -- ns UTC, by the server's clock
                heard {integer} NOT NULL,         -- when it said hello last, ns UTC, likewise
                looked TEXT NOT NULL,           -- when each camera last looked, ns UTC, as JSON; null: not yet
                state TEXT NOT NULL,            -- its last hello, as JSON
                PRIMARY KEY (store, box)
            ) {compact}
        """,
        "CREATE INDEX boxes_by_heard ON boxes (heard)",
        """
            CREATE TABLE box_hours (
                store TEXT NOT NULL REFERENCES stores(id),
                box TEXT NOT NULL,
                hour {integer} NOT NULL,          -- its start, ns UTC
                hellos {integer} NOT NULL,
                frames_in {integer} NOT NULL,     -- pictures that came from the cameras
                frames_out {integer} NOT NULL,    -- pictures that were counted on
                restarts {integer} NOT NULL,      -- of nodes
                blind {integer} NOT NULL,         -- most cameras that did not look
                down {integer} NOT NULL,          -- most nodes that did not run
                unsent {integer},                 -- most events that waited
                disk_free {integer},              -- fewest free bytes
                temperature {real},               -- highest, degrees Celsius
                latency_ms {real},                -- longest from picture to count
                clock_ahead {real},               -- largest difference of the clocks, seconds, without its sign
                PRIMARY KEY (store, box, hour)
            ) {compact}
        """,
        """
            CREATE TABLE uploads (
                store TEXT PRIMARY KEY REFERENCES stores(id),
                time {integer} NOT NULL           -- when events or coverage last came, ns UTC, up to a minute ago
            ) {compact}
        """,
        """
            CREATE TABLE alerts (
                store TEXT NOT NULL,            -- empty: it is about the server
                kind TEXT NOT NULL,
                subject TEXT NOT NULL,          -- box, camera or token; empty: the store
                since {integer} NOT NULL,         -- when it began, ns UTC
                facts TEXT NOT NULL,            -- what its sentence says, as JSON
                PRIMARY KEY (store, kind, subject)
            ) {compact}
        """,
        """
            CREATE TABLE alert_targets (
                n {number},
                organisation TEXT NOT NULL,     -- whose alerts; empty: of everybody, and of the server
                store TEXT,                     -- of this store only; NULL: of all stores
                address TEXT NOT NULL,          -- where to send them; may hold a password
                language TEXT NOT NULL,
                quiet_from {integer},             -- minutes of the local day; NULL: never quiet
                quiet_until {integer},
                private {integer} NOT NULL,       -- 1: a webhook may be in the server's own network, and plain HTTP
                created {integer} NOT NULL        -- ns UTC
            ) {strict}
        """,
        """
            CREATE TABLE alert_notices (
                n {number},
                target {integer} NOT NULL REFERENCES alert_targets(n) ON DELETE CASCADE,
                store TEXT NOT NULL,
                kind TEXT NOT NULL,
                subject TEXT NOT NULL,
                since {integer} NOT NULL,
                facts TEXT NOT NULL,
                over {integer} NOT NULL,          -- 1: it says that the alert is over
                not_before {integer} NOT NULL,    -- when to send it, or to try again, ns UTC
                tries {integer} NOT NULL,
                told {integer}                    -- when it was sent, ns UTC; NULL: not yet
            ) {strict}
        """,
        "CREATE INDEX alert_notices_by_alert ON alert_notices (store, kind, subject)",
        "CREATE INDEX alert_notices_by_target ON alert_notices (target)",
        # Which of several programs on this database looks after the alerts.
        "CREATE TABLE alert_turn (one {integer} PRIMARY KEY CHECK (one = 1), holder TEXT NOT NULL,"
        " until {integer} NOT NULL, listening {integer} NOT NULL) {strict}",
        "INSERT INTO alert_turn VALUES (1, '', 0, 0)",
    ),
)
