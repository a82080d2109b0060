"""Where a node runs: which store, which camera, and where it may keep things."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import platformdirs


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
