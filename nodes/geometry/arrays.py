"""Names for arrays by the type of their numbers. The shape is given in the docstring where an array is used."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.floating[Any]]
"""Floats of any precision. The simulator uses float32 for its large arrays and float64 elsewhere."""
Index = npt.NDArray[np.intp]
"""Row or column numbers, as returned by numpy's `nonzero` and scipy's `linear_sum_assignment`."""
