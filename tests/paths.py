"""Where the tests find the checkout and what may lie beside it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The checkout."""

SHARED = ROOT.parent / "shared"
"""Measuring data (models, clips, ground truth) that may lie beside the checkout."""
