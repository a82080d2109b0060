"""`metrica-status`: how a box is, on the box itself, or how all boxes are, from their server."""
