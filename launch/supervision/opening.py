"""What can be opened in a browser: an address with a token, or with a password, which no log may hold."""

from __future__ import annotations

from collections.abc import Iterable

from metrica.launch.supervision.console import Console
from metrica.launch.supervision.supervised_node import SupervisedNode


def show_what_opens(nodes: Iterable[SupervisedNode], console: Console) -> None:
    """Show what each node that was started anew has to open: on a terminal the address, and else the file it is in."""
    for node in nodes:
        if (file := node.opens) is None:
            continue
        node.opens = None
        try:
            shown = console.secretly(f"open {file.read_text('utf-8').strip()}")
        except (OSError, ValueError):
            shown = False  # it is gone again, or cannot be read here
        if not shown:
            console.info(f"what {node.name} has to open in a browser stands in {file}, which only this user can read")
