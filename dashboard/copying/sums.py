"""The sum of a table's rows: the same for the same rows, in whichever order and database they are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgpack

_BYTES = 16
_ALL = (1 << 8 * _BYTES) - 1


class Sum:
    """Adds up a hash of each row, of all its columns. Rows that are there twice count twice."""

    def __init__(self, *, reals: bool = True) -> None:
        """reals: whether there are real numbers among the values."""
        self.rows = 0
        """How many rows were added."""
        self._total = 0
        self._reals = reals

    def add(self, rows: Iterable[Sequence[Any]]) -> None:
        """Add rows."""
        for row in rows:
            # SQLite keeps no minus before a zero, so 0.0 stands for both.
            values = [value + 0.0 if type(value) is float else value for value in row] if self._reals else row
            digest = hashlib.blake2b(msgpack.packb(values) or b"", digest_size=_BYTES).digest()
            self._total += int.from_bytes(digest)
            self.rows += 1

    @property
    def text(self) -> str:
        """The sum, hexadecimal."""
        return f"{self._total & _ALL:0{2 * _BYTES}x}"
