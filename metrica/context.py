"""Where a node runs: which store, which camera, and where it may keep things."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from metrica.errors import NodeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the launcher tells a node about its surroundings."""

    store: str = "store"
    """The store's id."""
    timezone: str = "UTC"
    """The store's IANA zone."""
    camera: str = ""
    """The camera that the node is started for, empty for a node that is started once."""
    data_dir: Path = Path(platformdirs.user_data_dir("metrica"))
    """Where the store's files lie: journal, database, tokens."""

    @property
    def journal(self) -> Path:
        """The file of events that the counter writes and the uploader sends."""
        return self.data_dir / "journal.db"

    def local_token(self) -> str:
        """The secret that the uploader and the ingest of one box share: made on first use, for this user's eyes only.

        Raises NodeError if its file cannot be written or read.
        """
        path = self.data_dir / "token"
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True)
            _write_once(path, f"mt_{secrets.token_urlsafe(32)}")
            return path.read_text().strip()
        except OSError as error:
            raise NodeError(f"the token file {path} cannot be used: {error.strerror}") from None


def _write_once(path: Path, text: str) -> None:
    """Write a private file unless it is there. It appears with its content: two processes may come at once."""
    if path.exists():
        return
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
