"""Looks whether the files in which events are kept are whole."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from benchmarks.chaos import graphs
from benchmarks.chaos.shop import Shop, free_ports


def corrupt(data: Path) -> int:
    """How many stores in a folder are damaged, now or at an earlier moment (then a copy was moved aside)."""
    bad = len({file.name.removesuffix("-wal").removesuffix("-shm") for file in data.glob("*.corrupt-*")})
    for name in ("journal.db", "metrica.db"):
        file = data / name
        if file.exists():
            try:
                with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=20)) as connection:
                    bad += connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok"
            except sqlite3.Error:
                bad += 1
    return bad


def unsent(journal: Path) -> int:
    """How many events of a journal the server does not have; -1 while it cannot be read."""
    try:
        with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=2)) as connection:
            return int(connection.execute("SELECT count(*) FROM event WHERE state = 0").fetchone()[0])
    except sqlite3.Error:
        return -1


def deliver_rest(shop: Shop, timeout: float = 60.0) -> bool:
    """Stop a shop, and let the server have what its journal still holds. False if something stays unsent."""
    shop.stop()
    if unsent(shop.journal) == 0:
        return True
    with Shop(shop.folder / "rest", graphs.back_office(free_ports(1)[0]), data=shop.data) as rest:
        done = rest.wait_until(lambda: unsent(shop.journal) == 0, timeout)
        time.sleep(0.2)
    return done
