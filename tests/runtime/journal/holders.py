"""A program that keeps a journal locked until its standard input ends."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.paths import ROOT


@contextmanager
def held(path: Path, how: str) -> Generator[None]:
    """Another process holds the journal in the `with` block. how: "transaction" or "lock file"."""
    command = [sys.executable, "-m", __name__, str(path), how]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as holder:
        assert holder.stdout and holder.stdin
        assert holder.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            holder.stdin.close()


def main(path: str, how: str) -> None:
    if how == "transaction":
        connection = sqlite3.connect(path, isolation_level=None, timeout=20)
        connection.execute("BEGIN IMMEDIATE")
    else:
        fcntl.flock(os.open(f"{path}.lock", os.O_RDWR), fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
