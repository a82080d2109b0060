"""The errors of PostgreSQL as sentences that say what to do."""

from __future__ import annotations

import re

import psycopg
from psycopg import errors

from metrica.dashboard.database.errors import (
    DatabaseAwayError,
    DatabaseBusyError,
    DatabaseDamagedError,
    DatabaseError,
    DatabaseFullError,
)

# What a server that cannot be reached, or that lets nobody in, says in English. libpq gives no code for these.
_REFUSALS: tuple[tuple[str, type[DatabaseError], str], ...] = (
    (
        r"password authentication failed|no password supplied|authentication failed",
        DatabaseError,
        "the database {name} refuses the password: give the right one, in the address, its password_file or PGPASSFILE",
    ),
    (r'database ".*" does not exist', DatabaseError, "there is no database {name} on that server: make it first"),
    (r'role ".*" does not exist', DatabaseError, "the server of {name} does not know this user: make it first"),
    (
        r"no pg_hba\.conf entry|pg_hba\.conf rejects",
        DatabaseError,
        "the server of {name} takes no connection from this machine and user: allow it in its pg_hba.conf",
    ),
    (
        r"too many (clients|connections)|remaining connection slots|no more connections allowed",
        DatabaseBusyError,
        "the server of {name} takes no more connections: raise its max_connections, or start fewer programs",
    ),
    (
        r"session is (not )?read-only|not in hot standby|is in recovery|is not a primary",
        DatabaseError,
        "the database {name} is on a standby, which can only be read: name the primary server",
    ),
    (r"certificate verify failed|root certificate|SSL", DatabaseError, "no safe connection to {name}: {said}"),
)

_BY_CODE: dict[str, tuple[type[DatabaseError], str]] = {
    "53100": (DatabaseFullError, "the database {name} cannot grow, the server's disk is full: make room there"),
    "53200": (DatabaseBusyError, "the server of {name} has no memory left: try again, or give it more"),
    "53300": (DatabaseBusyError, "the server of {name} takes no more connections: raise its max_connections"),
    "55P03": (DatabaseBusyError, "the database {name} is locked by another program: try again in a few seconds"),
    "57014": (DatabaseBusyError, "the database {name} took too long to answer: try again in a few seconds"),
    "40P01": (DatabaseBusyError, "other programs were in the way in {name}: try again in a few seconds"),
    "40001": (DatabaseBusyError, "other programs were in the way in {name}: try again in a few seconds"),
    "25006": (DatabaseError, "the database {name} can only be read here: name the primary server"),
    "42501": (DatabaseError, "the user of {name} may not do this ({said}): give it the database, see docs/scale.md"),
    "22021": (DatabaseError, "the database {name} cannot keep a text with the character NUL: take it out"),
    "22P05": (DatabaseError, "the database {name} cannot keep such a text ({said}): make it with the encoding UTF8"),
    "42P01": (DatabaseDamagedError, "the database {name} lacks a table ({said}): restore a backup"),
    "XX001": (DatabaseDamagedError, "the database {name} is damaged ({said}): restore a backup"),
    "XX002": (DatabaseDamagedError, "the database {name} is damaged ({said}): rebuild the index, or restore a backup"),
}

_AWAY = ("08", "57P")
"""Beginnings of the codes of a server that is going or gone."""


def database_error(error: Exception, name: str) -> DatabaseError:
    """Convert an error of psycopg to a DatabaseError that says what to do. name: the database's, without a password."""
    if isinstance(error, DatabaseError):
        return error
    said = _said(error)
    code = error.sqlstate if isinstance(error, psycopg.Error) else None
    if code is not None:
        if code in _BY_CODE:
            kind, text = _BY_CODE[code]
            return kind(text.format(name=name, said=said))
        if code.startswith(_AWAY):
            return _away(name, said)
        return DatabaseError(f"the database {name} failed: {said}")
    for pattern, kind, text in _REFUSALS:
        if isinstance(error, psycopg.OperationalError) and re.search(pattern, said, re.IGNORECASE):
            return kind(text.format(name=name, said=said))
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return _away(name, said)
    if isinstance(error, psycopg.DataError) and "NUL" in said:
        return DatabaseError(f"the database {name} cannot keep a text with the character NUL: take it out")
    return DatabaseError(f"the database {name} failed: {said}")


def is_no_partition(error: BaseException) -> bool:
    """Whether a row had no partition to go to."""
    return isinstance(error, errors.CheckViolation) and error.diag.constraint_name is None


def _away(name: str, said: str) -> DatabaseError:
    return DatabaseAwayError(f"the database {name} does not answer ({said}): see whether its server runs")


def _said(error: Exception) -> str:
    """Return what the server or libpq said, in one line; without the values of a row, which stand in the details."""
    primary = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    lines = [line.strip() for line in (primary or str(error)).splitlines() if line.strip()]
    text = re.sub(r"\s+", " ", lines[0] if lines else type(error).__name__)
    text = re.sub(r"^connection failed: ", "", text)
    return re.sub(r"^(connection to server .*? failed): (FATAL|ERROR): +", r"\1: ", text)
