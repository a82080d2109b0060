"""The size of the network's input and of its cells; all modules of the training use these."""

from __future__ import annotations

SIZE = (416, 256)
"""Width and height of the input, pixels."""
STRIDES = (8, 16, 32)
"""Side of a cell of each of the three levels, pixels."""
