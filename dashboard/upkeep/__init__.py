"""The data's life: backups, bad stretches that are removed, what is too old, and stores that are erased."""
