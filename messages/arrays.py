"""Array fields: their declared dtype and shape, and how an array travels (one raw little-endian buffer)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt

from metrica.messages.errors import DecodeError

# Part of the wire format: append, never reorder.
_DTYPES = tuple(np.dtype(name) for name in ("<f4", "|u1", "<i8", "<i4", "<u2", "<f8", "|b1"))
_CODES = {dtype: code for code, dtype in enumerate(_DTYPES)}


@dataclass(frozen=True, slots=True)
class ArraySpec:
    """What an array field must be; None in the shape is any length."""

    dtype: str
    shape: tuple[int | None, ...]

    def fits(self, value: Any) -> bool:
        return (
            isinstance(value, np.ndarray)
            and value.dtype == np.dtype(self.dtype)
            and value.ndim == len(self.shape)
            and all(want is None or want == got for want, got in zip(self.shape, value.shape, strict=True))
        )

    def __str__(self) -> str:
        return f"an array of {self.dtype} {list(self.shape)}".replace("None", "N")


Boxes = Annotated[npt.NDArray[np.float32], ArraySpec("float32", (None, 4))]
"""N boxes, x1 y1 x2 y2 in pixels of the frame, float32 [N, 4]."""
Scores = Annotated[npt.NDArray[np.float32], ArraySpec("float32", (None,))]
"""N scores from 0 to 1, float32 [N]."""
Ids = Annotated[npt.NDArray[np.int64], ArraySpec("int64", (None,))]
"""N track ids, int64 [N]."""
Counts = Annotated[npt.NDArray[np.int32], ArraySpec("int32", (None,))]
"""N counts, int32 [N]."""
Image = Annotated[npt.NDArray[np.uint8], ArraySpec("uint8", (None, None, 3))]
"""A picture, blue green red, uint8 [height, width, 3]."""


def check_rows(**columns: npt.NDArray[Any]) -> None:
    """Raise ValueError unless every array has the same number of rows."""
    if len({len(column) for column in columns.values()}) > 1:
        raise ValueError(", ".join(f"{len(column)} {name}" for name, column in columns.items()))


def pack_array(array: npt.NDArray[Any]) -> bytes:
    """dtype code, number of dimensions, two zeros, each dimension as uint32, zeros up to a multiple of 8 bytes, then
    the raw elements in C order. So the elements are aligned, and C code takes the array without a copy.
    """
    code = _CODES.get(array.dtype)
    if code is None:
        raise TypeError(f"an array of {array.dtype} cannot travel; use one of {[d.name for d in _DTYPES]}")
    head = struct.pack(f"<BBxx{array.ndim}I", code, array.ndim, *array.shape)
    return head.ljust(_elements_at(array.ndim), b"\0") + array.tobytes()


def unpack_array(data: bytes) -> npt.NDArray[Any]:
    """The array of `pack_array`, read-only and without a copy. Raises DecodeError."""
    try:
        code, ndim = data[0], data[1]
        shape = struct.unpack_from(f"<{ndim}I", data, 4)
        dtype = _DTYPES[code]
        return np.frombuffer(data, dtype, offset=_elements_at(ndim)).reshape(shape)
    except (IndexError, struct.error, ValueError) as error:
        raise DecodeError(f"an array in the message is damaged: {error}") from None


def _elements_at(ndim: int) -> int:
    return -(-(4 + 4 * ndim) // 8) * 8
