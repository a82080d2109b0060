"""The card of a small network that a test makes, and the size of its pictures."""

from __future__ import annotations

WIDTH, HEIGHT = 64, 48
CARD = """
name: mine
decoder: ssd
input: {size: [64, 48]}
thresholds: {new: 0.6, keep: 0.5, low: 0.1}
variants:
  - precision: FP32
    files: [{path: mine.xml}, {path: mine.bin}]
"""
