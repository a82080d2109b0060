"""The live picture with boxes, lines and counts, in a browser on the box itself."""

from metrica.nodes.preview.node import Preview

__all__ = ["Preview"]
