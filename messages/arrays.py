"""Array fields: their declared dtype and shape, and their wire format, one little-endian buffer."""

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
    """The dtype and the shape that an array field declares."""

    dtype: str
    """The dtype's numpy name, such as "float32"."""
    shape: tuple[int | None, ...]
    """The length of each dimension; None is any length."""

    def fits(self, value: Any) -> bool:
        """Whether a value is an array of this dtype and shape."""
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
    """Check that all arrays have the same number of rows.

    Args:
        columns: The arrays, by name.

    Raises:
        ValueError: They have not; the text says how many rows each has.
    """
    if len({len(column) for column in columns.values()}) > 1:
        raise ValueError(", ".join(f"{len(column)} {name}" for name, column in columns.items()))


def pack_array(array: npt.NDArray[Any]) -> bytes:
    """Encode an array as one buffer.

    The buffer holds: code of the dtype (1 byte), number of dimensions (1 byte), two zero bytes, each dimension as
    uint32, zero bytes up to a multiple of 8, then the elements in C order. So the elements are aligned, and C code can
    use the array without a copy.

    Raises:
        TypeError: Arrays of this dtype cannot be encoded.
    """
    code = _CODES.get(array.dtype)
    if code is None:
        raise TypeError(f"an array of {array.dtype} cannot travel; use one of {[d.name for d in _DTYPES]}")
    head = struct.pack(f"<BBxx{array.ndim}I", code, array.ndim, *array.shape)
    return head.ljust(_elements_at(array.ndim), b"\0") + array.tobytes()


def unpack_array(data: bytes) -> npt.NDArray[Any]:
    """Decode a buffer of `pack_array`: the array is a read-only view of `data`.

    Raises:
        DecodeError: The buffer is damaged.
    """
    try:
        code, ndim = data[0], data[1]
        shape = struct.unpack_from(f"<{ndim}I", data, 4)
        dtype = _DTYPES[code]
        return np.frombuffer(data, dtype, offset=_elements_at(ndim)).reshape(shape)
    except (IndexError, struct.error, ValueError) as error:
        raise DecodeError(f"an array in the message is damaged: {error}") from None


def _elements_at(ndim: int) -> int:
    """Offset of the first element in the buffer, bytes."""
    return -(-(4 + 4 * ndim) // 8) * 8
