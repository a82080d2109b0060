"""Boxes, points, lines and zones in the picture: pure functions over arrays, for every other room."""
