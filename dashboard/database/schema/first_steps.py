"""The steps of the schema up to m008, with which the first databases were made."""

from __future__ import annotations

from metrica.dashboard.database.schema.events_by_month import EVENTS_BY_MONTH
from metrica.dashboard.database.schema.step import Step

_STORES_AND_TOKENS = (
    """
        CREATE TABLE stores (
            id TEXT PRIMARY KEY,
            timezone TEXT NOT NULL,       -- IANA name
            cutoff_hour {integer} NOT NULL  -- local hour at which a business day begins
        ) {strict}
    """,
    """
        CREATE TABLE tokens (
            hash TEXT PRIMARY KEY,        -- SHA-256 of the token, hexadecimal
            store TEXT NOT NULL REFERENCES stores(id),
            created {integer} NOT NULL,     -- ns UTC
            revoked {integer}               -- ns UTC
        ) {strict}
    """,
)
_EVENTS = (
    # AUTOINCREMENT: n only grows, so a reader that has seen row n needs only the rows above it.
    """
        CREATE TABLE events (
            n {number},
            store TEXT NOT NULL REFERENCES stores(id),
            id TEXT NOT NULL,
            camera TEXT NOT NULL,
            line TEXT NOT NULL,
            direction {integer} NOT NULL CHECK (direction IN (1, -1)),  -- 1 in, -1 out
            track {integer} NOT NULL,
            time {integer} NOT NULL,        -- when the line was crossed, ns UTC
            received {integer} NOT NULL     -- when the server received it, ns UTC
        ) {strict}
    """,
    "CREATE UNIQUE INDEX events_by_id ON events (store, id)",
    "CREATE INDEX events_by_time ON events (store, time, direction)",
)

FIRST_STEPS: tuple[Step, ...] = (
    # The stores, their tokens, and the events that their boxes sent.
    Step(
        "m001_stores_tokens_events",
        (*_STORES_AND_TOKENS, *_EVENTS),
        {"postgresql": (*_STORES_AND_TOKENS, *EVENTS_BY_MONTH)},
    ),
    # The people who may look at the pages.
    Step(
        "m002_users",
        (
            """
                CREATE TABLE users (
                    name TEXT PRIMARY KEY,
                    password TEXT NOT NULL,       -- scrypt, as werkzeug.security writes it
                    created {integer} NOT NULL      -- ns UTC
                ) {strict}
            """,
        ),
    ),
    # A label for each token that says which box it was given to.
    Step(
        "m003_token_labels",
        ("ALTER TABLE tokens ADD COLUMN label TEXT NOT NULL DEFAULT ''",),
    ),
    # Empty hours and marks, the measured accuracy of the counter, and coverage (`watched`).
    Step(
        "m004_marks",
        (
            "ALTER TABLE stores ADD COLUMN empty_hour {integer}",  # local hour
            "ALTER TABLE stores ADD COLUMN recall {real}",
            "ALTER TABLE stores ADD COLUMN precision {real}",
            """
                CREATE TABLE empties (
                    n {number},
                    store TEXT NOT NULL REFERENCES stores(id),
                    time {integer} NOT NULL,        -- when nobody was inside, ns UTC
                    said_by TEXT NOT NULL,        -- the user's name
                    undone {integer}                -- when it was taken back, ns UTC
                ) {strict}
            """,
            "CREATE INDEX empties_by_time ON empties (store, time)",
            """
                CREATE TABLE watched (
                    n {number},
                    store TEXT NOT NULL REFERENCES stores(id),
                    camera TEXT NOT NULL,
                    start {integer} NOT NULL,       -- the camera looked from this time, ns UTC
                    "end" {integer} NOT NULL        -- up to this time, ns UTC
                ) {strict}
            """,
            'CREATE INDEX watched_by_time ON watched (store, camera, "end")',
        ),
    ),
    # The audit log.
    Step(
        "m005_audit",
        (
            # AUTOINCREMENT: a number is never used again, so an entry that is missing can be seen.
            """
                CREATE TABLE audit (
                    n {number},
                    time {integer} NOT NULL,        -- ns UTC
                    actor TEXT NOT NULL,          -- a user, the command line, or a node
                    action TEXT NOT NULL,
                    subject TEXT NOT NULL,
                    address TEXT NOT NULL,        -- a network, never a whole address; empty: on the server itself
                    detail TEXT NOT NULL          -- JSON
                ) {strict}
            """,
            "CREATE INDEX audit_by_time ON audit (time)",
        ),
    ),
    # The sessions of the users, and who said what: an administrator, or a launch file.
    Step(
        "m006_sessions",
        (
            """
                CREATE TABLE sessions (
                    hash TEXT PRIMARY KEY,        -- SHA-256 of the session's id, hexadecimal
                    "user" TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE,
                    created {integer} NOT NULL,     -- ns UTC
                    seen {integer} NOT NULL,        -- the last request, to within some minutes, ns UTC
                    address TEXT NOT NULL         -- a network, never a whole address
                ) {strict}
            """,
            'CREATE INDEX sessions_by_user ON sessions ("user")',
            "ALTER TABLE users ADD COLUMN origin TEXT NOT NULL DEFAULT ''",  # who chose the password
            "ALTER TABLE users ADD COLUMN changed {integer}",  # when the password was chosen, ns UTC
            "ALTER TABLE users ADD COLUMN removed {integer}",  # ns UTC
            "ALTER TABLE tokens ADD COLUMN origin TEXT NOT NULL DEFAULT 'admin'",
            "ALTER TABLE tokens ADD COLUMN revoked_by TEXT NOT NULL DEFAULT ''",
            # Until now a node put the token of its launch file here with its own name as the label.
            "UPDATE tokens SET origin = 'launch file of ' || label WHERE label LIKE '/%'",
            "UPDATE tokens SET revoked_by = 'admin' WHERE revoked IS NOT NULL",
            "ALTER TABLE stores ADD COLUMN origins TEXT NOT NULL DEFAULT '{{}}'",  # JSON: who said which setting
        ),
    ),
    # What an administrator removed, so that no box brings it back; and for how long each store's data are kept.
    Step(
        "m007_removals",
        (
            """
                CREATE TABLE removals (
                    n {number},
                    store TEXT NOT NULL REFERENCES stores(id),
                    since {integer} NOT NULL,       -- the stretch: since <= time < until, ns UTC
                    until {integer} NOT NULL,
                    camera TEXT,                  -- NULL: every camera
                    line TEXT,                    -- NULL: every line of the camera
                    why TEXT NOT NULL,
                    removed {integer} NOT NULL,     -- when, ns UTC
                    restored {integer}              -- when it was undone, ns UTC
                ) {strict}
            """,
            "CREATE INDEX removals_by_store ON removals (store)",
            # The rows themselves, so that a removal can be undone, and so that the same ids are known when they come
            # again.
            """
                CREATE TABLE removed_events (
                    store TEXT NOT NULL REFERENCES stores(id),
                    id TEXT NOT NULL,
                    removal {integer} NOT NULL REFERENCES removals(n),
                    camera TEXT NOT NULL,
                    line TEXT NOT NULL,
                    direction {integer} NOT NULL,
                    track {integer} NOT NULL,
                    time {integer} NOT NULL,
                    received {integer} NOT NULL,
                    PRIMARY KEY (store, id)
                ) {compact}
            """,
            "CREATE INDEX removed_events_by_removal ON removed_events (removal)",
            """
                CREATE TABLE removed_watched (
                    removal {integer} NOT NULL REFERENCES removals(n),
                    store TEXT NOT NULL REFERENCES stores(id),
                    camera TEXT NOT NULL,
                    start {integer} NOT NULL,
                    "end" {integer} NOT NULL,
                    PRIMARY KEY (removal, camera, start, "end")
                ) {compact}
            """,
            """
                CREATE TABLE retention (
                    store TEXT PRIMARY KEY REFERENCES stores(id),
                    days {integer},                 -- how many are kept; NULL: the default
                    since {integer} NOT NULL        -- events before this time are gone, and are not taken again, ns UTC
                ) {strict}
            """,
            # Neither names a store or a box: only who knows the id or the token can tell.
            "CREATE TABLE erased_stores (hash TEXT PRIMARY KEY, time {integer} NOT NULL) {strict}",
            "CREATE TABLE ended_tokens (hash TEXT PRIMARY KEY, time {integer} NOT NULL) {strict}",
            # Rows are read once and kept in memory. This number changes when rows went, and everything is read again.
            "CREATE TABLE data_version"
            " (one {integer} PRIMARY KEY CHECK (one = 1), version {integer} NOT NULL) {strict}",
            "INSERT INTO data_version VALUES (1, 0)",
        ),
    ),
    # When each store was first heard of: its history begins then, and not at its oldest stamp.
    Step(
        "m008_first_heard",
        (
            "ALTER TABLE stores ADD COLUMN first_heard {integer}",  # ns UTC, by the server's clock
            "UPDATE stores SET first_heard = (SELECT min(received) FROM events WHERE events.store = stores.id)",
        ),
    ),
)
