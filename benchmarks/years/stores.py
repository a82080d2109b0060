"""Adds made-up stores to a database, with a token each."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from metrica.dashboard.kpis.store import Store
from metrica.dashboard.service.commands import DATABASE_FILE
from metrica.dashboard.store.database import Database

TOKENS = "tokens.json"
"""The file beside the database that has the tokens, store -> token."""


def add_stores(data: Path, stores: Sequence[Store]) -> dict[str, str]:
    """Add stores to the database in a folder, and return a token for each; those of an earlier run are used again."""
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = data / TOKENS
    tokens: dict[str, str] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    with Database(data / DATABASE_FILE) as database:
        for store in stores:
            database.stores.put(store)
            if store.id not in tokens:
                tokens[store.id] = database.tokens.create(store.id, "made-up years")
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as text:
        json.dump(tokens, text, indent=0)
    return tokens
