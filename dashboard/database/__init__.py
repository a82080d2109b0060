"""The database engines: one small interface, and SQLite behind it."""
