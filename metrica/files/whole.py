"""Write a file so that it is never half written."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

DRAFT = ".metrica-"
"""How the name of a file begins that is not complete yet."""


def write_whole(path: Path, content: bytes, *, durable: bool = False, private: bool = False) -> None:
    """Write a file that appears under its name when it is complete; until then the old file stays.

    Args:
        path: The file.
        content: All of it.
        durable: Wait until the content is on the disk, so that a power cut leaves the old file or the new one.
        private: Only this user can read it.

    Raises:
        OSError: With the name of the file, not that of the draft.
    """
    # A short name of its own: two writers do not meet, and a long name does not become too long.
    draft = path.with_name(f"{DRAFT}{secrets.token_hex(8)}")
    try:
        mode = 0o600 if private else 0o666
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from None
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
