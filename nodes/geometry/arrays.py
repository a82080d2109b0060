"""The array types of the geometry: what dtype a name stands for. Shapes are said where an array is used."""

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
"""Any float type; the simulator computes in float32 wherever there is much to compute."""
Index = npt.NDArray[np.intp]
"""Row numbers, as numpy's `nonzero` and scipy's assignment give them."""
