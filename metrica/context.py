"""The context of a node: its store, its camera, and the folder for its files."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from metrica.errors import NodeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the launcher tells a node about its surroundings; a node reads it as `self.context`."""

    store: str = "store"
    """The store's id."""
    timezone: str = "UTC"
    """The store's IANA time zone, such as "Africa/Tunis"."""
    camera: str = ""
    """The camera that the node is started for; empty for a node that is started once."""
    data: Path | None = None
    """The folder of the store's files; None for the user's data folder. Nodes read it as `data_dir`."""

    @property
    def data_dir(self) -> Path:
        """The folder of the store's files: journal, database, token.

        Raises:
            NodeError: It was not given, and this user has no home folder.
        """
        return self.data or user_data_dir()

    @property
    def journal(self) -> Path:
        """The file of the journal: nodes write events to it, and the uploader sends them."""
        return self.data_dir / "journal.db"

    def local_token(self) -> str:
        """The secret that the uploader and the ingest of one box share. It is made on first use.

        Only this user can read its file, `token` in `data_dir`.

        Raises:
            NodeError: The file cannot be written or read.
        """
        path = self.data_dir / "token"
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write_once(path, f"mt_{secrets.token_urlsafe(32)}")
            return path.read_text().strip()
        except OSError as error:
            raise NodeError(f"the token file {path} cannot be used: {error.strerror}") from None


def user_data_dir() -> Path:
    """The user's data folder for Metrica, such as ~/.local/share/metrica.

    Raises:
        NodeError: This user has no home folder: no HOME, and no entry in the list of users.
    """
    try:
        return platformdirs.user_data_path("metrica")
    except RuntimeError:
        message = "this user has no home folder: set HOME or XDG_DATA_HOME, or name the data folder"
        raise NodeError(message, permanent=True) from None


def _write_once(path: Path, text: str) -> None:
    """Write a file that only this user can read, unless it exists.

    The file appears together with its content, because two processes may call this at once.
    """
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
