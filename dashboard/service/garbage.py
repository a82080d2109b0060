"""The garbage collector of a server: it looks seldom, because nobody is answered meanwhile."""

from __future__ import annotations

import gc
from functools import lru_cache

_GARBAGE = (10_000, 10, 10)  # new objects until the youngest are looked at; such looks until the older ones, and all


@lru_cache(maxsize=1)
def leave_alone_what_stays() -> None:
    """Have the garbage collector look seldom, and not through what was imported: once, at the first server's start.

    A pass over everything takes a tenth of a second, in which no thread runs, and thousands of connections, or a batch
    of thousands of events, bring it about again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE)
