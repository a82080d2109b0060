"""The database's schema, as a list of steps. Steps are only ever added, so that existing files can be upgraded."""

from __future__ import annotations

from sqlite_utils import Database as SqliteDatabase
from sqlite_utils import Migrations

migrations = Migrations("metrica")


@migrations()
def m001_stores_tokens_events(db: SqliteDatabase) -> None:
    """The stores, their tokens, and the events that their boxes sent."""
    db.execute(
        """
        CREATE TABLE stores (
            id TEXT PRIMARY KEY,
            timezone TEXT NOT NULL,       -- IANA name
            cutoff_hour INTEGER NOT NULL  -- local hour at which a business day begins
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE tokens (
            hash TEXT PRIMARY KEY,        -- SHA-256 of the token, hexadecimal
            store TEXT NOT NULL REFERENCES stores(id),
            created INTEGER NOT NULL,     -- ns UTC
            revoked INTEGER               -- ns UTC
        ) STRICT
        """
    )
    # AUTOINCREMENT: n only grows, so a reader that has seen row n needs only the rows above it.
    db.execute(
        """
        CREATE TABLE events (
            n INTEGER PRIMARY KEY AUTOINCREMENT,
            store TEXT NOT NULL REFERENCES stores(id),
            id TEXT NOT NULL,
            camera TEXT NOT NULL,
            line TEXT NOT NULL,
            direction INTEGER NOT NULL CHECK (direction IN (1, -1)),  -- 1 in, -1 out
            track INTEGER NOT NULL,
            time INTEGER NOT NULL,        -- when the line was crossed, ns UTC
            received INTEGER NOT NULL     -- when the server received it, ns UTC
        ) STRICT
        """
    )
    db.execute("CREATE UNIQUE INDEX events_by_id ON events (store, id)")
    db.execute("CREATE INDEX events_by_time ON events (store, time, direction)")


@migrations()
def m002_users(db: SqliteDatabase) -> None:
    """The people who may look at the pages."""
    db.execute(
        """
        CREATE TABLE users (
            name TEXT PRIMARY KEY,
            password TEXT NOT NULL,       -- scrypt, as werkzeug.security writes it
            created INTEGER NOT NULL      -- ns UTC
        ) STRICT
        """
    )


@migrations()
def m003_token_labels(db: SqliteDatabase) -> None:
    """A label for each token that says which box it was given to."""
    db.execute("ALTER TABLE tokens ADD COLUMN label TEXT NOT NULL DEFAULT ''")


@migrations()
def m004_marks(db: SqliteDatabase) -> None:
    """Empty hours and marks, the measured accuracy of the counter, and coverage (`watched`)."""
    db.execute("ALTER TABLE stores ADD COLUMN empty_hour INTEGER")  # local hour
    db.execute("ALTER TABLE stores ADD COLUMN recall REAL")
    db.execute("ALTER TABLE stores ADD COLUMN precision REAL")
    db.execute(
        """
        CREATE TABLE empties (
            n INTEGER PRIMARY KEY AUTOINCREMENT,
            store TEXT NOT NULL REFERENCES stores(id),
            time INTEGER NOT NULL,        -- when nobody was inside, ns UTC
            said_by TEXT NOT NULL,        -- the user's name
            undone INTEGER                -- when it was taken back, ns UTC
        ) STRICT
        """
    )
    db.execute("CREATE INDEX empties_by_time ON empties (store, time)")
    db.execute(
        """
        CREATE TABLE watched (
            n INTEGER PRIMARY KEY AUTOINCREMENT,
            store TEXT NOT NULL REFERENCES stores(id),
            camera TEXT NOT NULL,
            start INTEGER NOT NULL,       -- the camera looked from this time, ns UTC
            "end" INTEGER NOT NULL        -- up to this time, ns UTC
        ) STRICT
        """
    )
    db.execute('CREATE INDEX watched_by_time ON watched (store, camera, "end")')


@migrations()
def m005_audit(db: SqliteDatabase) -> None:
    """The audit log."""
    # AUTOINCREMENT: a number is never used again, so an entry that is missing can be seen.
    db.execute(
        """
        CREATE TABLE audit (
            n INTEGER PRIMARY KEY AUTOINCREMENT,
            time INTEGER NOT NULL,        -- ns UTC
            actor TEXT NOT NULL,          -- a user, the command line, or a node
            action TEXT NOT NULL,
            subject TEXT NOT NULL,
            address TEXT NOT NULL,        -- a network, never a whole address; empty: on the server itself
            detail TEXT NOT NULL          -- JSON
        ) STRICT
        """
    )
    db.execute("CREATE INDEX audit_by_time ON audit (time)")


@migrations()
def m006_sessions(db: SqliteDatabase) -> None:
    """The sessions of the users, and who said what: an administrator, or a launch file."""
    db.execute(
        """
        CREATE TABLE sessions (
            hash TEXT PRIMARY KEY,        -- SHA-256 of the session's id, hexadecimal
            user TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE,
            created INTEGER NOT NULL,     -- ns UTC
            seen INTEGER NOT NULL,        -- the last request, to within some minutes, ns UTC
            address TEXT NOT NULL         -- a network, never a whole address
        ) STRICT
        """
    )
    db.execute("CREATE INDEX sessions_by_user ON sessions (user)")
    db.execute("ALTER TABLE users ADD COLUMN origin TEXT NOT NULL DEFAULT ''")  # who chose the password
    db.execute("ALTER TABLE users ADD COLUMN changed INTEGER")  # when the password was chosen, ns UTC
    db.execute("ALTER TABLE users ADD COLUMN removed INTEGER")  # ns UTC
    db.execute("ALTER TABLE tokens ADD COLUMN origin TEXT NOT NULL DEFAULT 'admin'")
    db.execute("ALTER TABLE tokens ADD COLUMN revoked_by TEXT NOT NULL DEFAULT ''")
    # Until now a node put the token of its launch file here with its own name as the label.
    db.execute("UPDATE tokens SET origin = 'launch file of ' || label WHERE label LIKE '/%'")
    db.execute("UPDATE tokens SET revoked_by = 'admin' WHERE revoked IS NOT NULL")
    db.execute("ALTER TABLE stores ADD COLUMN origins TEXT NOT NULL DEFAULT '{}'")  # JSON: who said which setting


@migrations()
def m007_removals(db: SqliteDatabase) -> None:
    """What an administrator removed, so that no box brings it back; and for how long each store's data are kept."""
    db.execute(
        """
        CREATE TABLE removals (
            n INTEGER PRIMARY KEY AUTOINCREMENT,
            store TEXT NOT NULL REFERENCES stores(id),
            since INTEGER NOT NULL,       -- the stretch: since <= time < until, ns UTC
            until INTEGER NOT NULL,
            camera TEXT,                  -- NULL: every camera
            line TEXT,                    -- NULL: every line of the camera
            why TEXT NOT NULL,
            removed INTEGER NOT NULL,     -- when, ns UTC
            restored INTEGER              -- when it was undone, ns UTC
        ) STRICT
        """
    )
    db.execute("CREATE INDEX removals_by_store ON removals (store)")
    # The rows themselves, so that a removal can be undone, and so that the same ids are known when they come again.
    db.execute(
        """
        CREATE TABLE removed_events (
            store TEXT NOT NULL REFERENCES stores(id),
            id TEXT NOT NULL,
            removal INTEGER NOT NULL REFERENCES removals(n),
            camera TEXT NOT NULL,
            line TEXT NOT NULL,
            direction INTEGER NOT NULL,
            track INTEGER NOT NULL,
            time INTEGER NOT NULL,
            received INTEGER NOT NULL,
            PRIMARY KEY (store, id)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX removed_events_by_removal ON removed_events (removal)")
    db.execute(
        """
        CREATE TABLE removed_watched (
            removal INTEGER NOT NULL REFERENCES removals(n),
            store TEXT NOT NULL REFERENCES stores(id),
            camera TEXT NOT NULL,
            start INTEGER NOT NULL,
            "end" INTEGER NOT NULL,
            PRIMARY KEY (removal, camera, start, "end")
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE retention (
            store TEXT PRIMARY KEY REFERENCES stores(id),
            days INTEGER,                 -- how many are kept; NULL: the default
            since INTEGER NOT NULL        -- events before this time are gone, and are not taken again, ns UTC
        ) STRICT
        """
    )
    # Neither names a store or a box: only who knows the id or the token can tell.
    db.execute("CREATE TABLE erased_stores (hash TEXT PRIMARY KEY, time INTEGER NOT NULL) STRICT")
    db.execute("CREATE TABLE ended_tokens (hash TEXT PRIMARY KEY, time INTEGER NOT NULL) STRICT")
    # Rows are read once and kept in memory. This number changes when rows went, and everything is read again.
    db.execute("CREATE TABLE data_version (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL) STRICT")
    db.execute("INSERT INTO data_version VALUES (1, 0)")


@migrations()
def m008_first_heard(db: SqliteDatabase) -> None:
    """When each store was first heard of: its history begins then, and not at its oldest stamp."""
    db.execute("ALTER TABLE stores ADD COLUMN first_heard INTEGER")  # ns UTC, by the server's clock
    db.execute("UPDATE stores SET first_heard = (SELECT min(received) FROM events WHERE events.store = stores.id)")
