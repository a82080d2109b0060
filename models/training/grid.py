"""The size of the network's input and the cells that it answers for. Everything agrees on these."""

from __future__ import annotations

SIZE = (416, 256)
"""Width and height of the input, pixels."""
STRIDES = (8, 16, 32)
"""Sides of the cells of the three levels, pixels."""
