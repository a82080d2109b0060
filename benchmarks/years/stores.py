"""Adds made-up stores to a database, with a token each."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from metrica.dashboard.kpis.store import Store
from metrica.dashboard.store.database import Database

TOKENS = "tokens.json"
"""The file beside the database that has the tokens, store -> token."""


def add_stores(place: Path | str, stores: Sequence[Store], tokens_file: Path) -> dict[str, str]:
    """Add stores to a database, and return a token for each; those of an earlier run are used again.

    place: the path of a SQLite file, or the address of a PostgreSQL database. tokens_file: keeps the tokens.
    """
    tokens: dict[str, str] = json.loads(tokens_file.read_text("utf-8")) if tokens_file.exists() else {}
    with Database(place) as database:
        for store in stores:
            database.stores.put(store)
            if store.id not in tokens:
                tokens[store.id] = database.tokens.create(store.id, "made-up years")
    text = json.dumps(tokens, indent=0)
    with os.fdopen(os.open(tokens_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return tokens
