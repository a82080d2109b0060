"""A whole database copied into another one, of another kind too, and compared with it row by row."""
