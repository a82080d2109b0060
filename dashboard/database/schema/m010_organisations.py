"""Organisations with their stores and users, what else is known of a store, and the users' own tokens."""

from __future__ import annotations

from metrica.dashboard.database.schema.step import Step

ORGANISATIONS = Step(
    "m010_organisations",
    (
        """
            CREATE TABLE organisations (
                id TEXT PRIMARY KEY,
                name TEXT NOT NULL,             -- as people call it; may be empty
                created {integer} NOT NULL        -- ns UTC
            ) {strict}
        """,
        # Who has one shop, or had Metrica before there were organisations, sees nothing of this one.
        "INSERT INTO organisations VALUES ('main', '', 0)",
        "ALTER TABLE stores ADD COLUMN organisation TEXT NOT NULL DEFAULT 'main'",
        "CREATE INDEX stores_by_organisation ON stores (organisation, id)",
        "ALTER TABLE users ADD COLUMN organisation TEXT NOT NULL DEFAULT 'main'",
        "ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'owner'",
        # 1: only the stores in member_stores; 0: all of the organisation, also those to come
        "ALTER TABLE users ADD COLUMN limited {integer} NOT NULL DEFAULT 0",
        "CREATE INDEX users_by_organisation ON users (organisation, name)",
        """
            CREATE TABLE member_stores (
                store TEXT NOT NULL REFERENCES stores(id),
                "user" TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE,
                PRIMARY KEY (store, "user")
            ) {compact}
        """,
        'CREATE INDEX member_stores_by_user ON member_stores ("user")',
        """
            CREATE TABLE store_details (
                store TEXT PRIMARY KEY REFERENCES stores(id),
                name TEXT NOT NULL,             -- as people call it; may be empty
                address TEXT NOT NULL,
                country TEXT NOT NULL,          -- ISO 3166-1, two letters
                currency TEXT NOT NULL,         -- ISO 4217, three letters
                hours TEXT NOT NULL,            -- opening hours, JSON; empty: not known
                floor_area {real},                -- square metres
                capacity {integer}                -- people
            ) {strict}
        """,
        """
            CREATE TABLE store_labels (
                store TEXT NOT NULL REFERENCES stores(id),
                kind TEXT NOT NULL,             -- tag or group
                label TEXT NOT NULL,
                PRIMARY KEY (store, kind, label)
            ) {compact}
        """,
        "CREATE INDEX store_labels_by_label ON store_labels (kind, label)",
        """
            CREATE TABLE api_tokens (
                hash TEXT PRIMARY KEY,          -- SHA-256 of the token, hexadecimal
                "user" TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE,
                label TEXT NOT NULL,            -- what it is for
                scopes TEXT NOT NULL,           -- with blanks between them
                made_with TEXT NOT NULL,        -- the hash of the token it was made with; empty for none
                created {integer} NOT NULL,       -- ns UTC
                expires {integer} NOT NULL,       -- ns UTC
                revoked {integer}                 -- ns UTC
            ) {strict}
        """,
        'CREATE INDEX api_tokens_by_user ON api_tokens ("user")',
        "CREATE INDEX api_tokens_by_maker ON api_tokens (made_with)",
    ),
)
