"""The nodes, one room for each stage of a picture's way, each with its algorithms beside it."""
