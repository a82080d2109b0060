"""Who said something: an administrator, or a launch file. What an administrator said stands."""

from __future__ import annotations

ADMIN = "admin"
"""An administrator, with a command or on the pages. A launch file changes nothing of this."""


def launch_file(node: str) -> str:
    """Return what stands for the launch file that has this node, such as "launch file of /ingest"."""
    return f"launch file of {node}"
