"""Keys in files that only their owner can read."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from metrica.dashboard.service.errors import SecretFileError
from metrica.secrets import register


def read_or_create(path: Path, nbytes: int = 32) -> str:
    """Return the key in the file, as hexadecimal digits. A missing file is made, with mode 0600.

    Two programs that start together get the same key. nbytes: length of a new key.
    Raises SecretFileError if the file cannot be used, is damaged, or can be read by others.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _create(path, secrets.token_hex(nbytes))
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SecretFileError(f"others can read the key in {path}: run 'chmod 600 {path}', or delete it")
        text = path.read_text().strip()
    except OSError as error:
        raise SecretFileError(f"the key file {path} cannot be used ({error.strerror}): check the folder") from None
    except UnicodeDecodeError:
        text = ""
    if len(text) < 2 * nbytes:
        raise SecretFileError(f"the key in {path} is damaged: delete the file, and everybody logs in again")
    register(text)
    return text


def read_token(path: Path, shortest: int) -> str:
    """Return the token in a file, which an administrator may have written. A missing file is made, with mode 0600.

    shortest: fewest characters. Raises SecretFileError if it cannot be used, is too short, or can be read by others.
    """
    try:
        if not path.exists():
            _create(path, secrets.token_hex(32))
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise SecretFileError(f"others can read the token in {path}: run 'chmod 600 {path}'")
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SecretFileError(f"the token file {path} cannot be used ({why}): check the file") from None
    if len(text) < shortest or not text.isprintable() or " " in text:
        raise SecretFileError(f"the token in {path} cannot be used: write one line of at least {shortest} characters")
    return text


def _create(path: Path, text: str) -> None:
    # Write another file and link it to the path: so the path never shows half a key. If two programs do this at the
    # same time, the second one fails, and reads the key of the first.
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
