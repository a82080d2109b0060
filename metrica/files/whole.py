"""Write a file so that it is never half written."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_whole(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write a file that appears under its name when it is complete; until then the old file stays.

    Args:
        path: The file.
        content: All of it.
        durable: Wait until the content is on the disk, so that a power cut leaves the old file or the new one.

    Raises:
        OSError: With the name of the file, not that of the draft.
    """
    # A short name of its own: two writers do not meet, and a long name does not become too long.
    draft = path.with_name(f".metrica-{secrets.token_hex(8)}")
    try:
        with draft.open("xb") as file:
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
