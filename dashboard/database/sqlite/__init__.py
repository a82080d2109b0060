"""SQLite: one file, one thread that writes, and readers that never wait for it."""
