"""PostgreSQL: a pool of connections that read, and a few threads that write, beside those of other programs."""
