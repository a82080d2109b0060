"""What runs nodes: a process for each, or all of them in one thread."""
