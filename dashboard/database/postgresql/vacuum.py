"""Giving the place of removed rows free: PostgreSQL keeps them until then, though no statement finds them."""

from __future__ import annotations

import contextlib

import psycopg

from metrica.dashboard.database.postgresql.address import Address
from metrica.dashboard.database.postgresql.connections import connect
from metrica.dashboard.database.postgresql.errors import database_error

_TABLES = b"""
    SELECT quote_ident(relname) FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    ORDER BY relname
"""


def vacuum(url: str) -> None:
    """Vacuum every table; others read and write meanwhile. Raises DatabaseError."""
    address = Address.of(url)
    try:
        with contextlib.closing(connect(address)) as conn:
            conn.execute(b"SET statement_timeout = 0")  # minutes, where there are many stores
            for (table,) in conn.execute(_TABLES).fetchall():
                conn.execute(f"VACUUM {table}".encode(), prepare=False)
    except psycopg.Error as error:
        raise database_error(error, address.name) from None
