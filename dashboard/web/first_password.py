"""The owner's first password: in a file for the owner's eyes only, until the owner has another one."""

from __future__ import annotations

from pathlib import Path

from metrica.dashboard.service.errors import SecretFileError
from metrica.dashboard.store.database import Database
from metrica.dashboard.web.passwords import OWNER, is_right
from metrica.secrets import register, write_private

FIRST_PASSWORD = "first-password"
"""Name of the file in the data folder. A log is no place for it: others read logs, and they are kept for years."""


def first_password(data: Path, database: Database, made: str = "") -> str:
    """Keep a password that was made for the owner, or read the one that was kept.

    Call it before the password is the owner's: one that nobody can read would lock the owner out. A kept password that
    is not the owner's any more is deleted.

    Args:
        data: The data folder.
        database: Where the owner's present password is.
        made: The password that is made for the owner now; empty if none is.

    Returns the password, which is hidden in all logs from now on; empty if none is kept. Raises SecretFileError.
    """
    path = data / FIRST_PASSWORD
    register(made)
    try:
        if made:
            write_private(path, f"{made}\n")
            return made
        if not path.exists():
            return ""
        kept = path.read_text(encoding="utf-8", errors="replace").strip()
        register(kept)
        if is_right(database.users.get(OWNER), kept):
            return kept
        path.unlink()
    except OSError as error:
        raise SecretFileError(f"the file {path} cannot be used ({error.strerror}): check the folder") from None
    return ""
