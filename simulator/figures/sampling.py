"""Random choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

_T = TypeVar("_T")


def choose(rng: np.random.Generator, options: Sequence[_T], odds: Sequence[float] | None = None) -> _T:
    """Draw one of the options; `odds` are their relative weights, equal without."""
    p = None if odds is None else np.asarray(odds, np.float64) / np.sum(odds)
    return options[int(rng.choice(len(options), p=p))]
