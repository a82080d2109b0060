"""A box as `metrica-status` shows it, wherever that was found."""

from __future__ import annotations

from dataclasses import dataclass

from metrica.box import Hello, Trouble


@dataclass(frozen=True, slots=True)
class Found:
    """One box."""

    store: str
    """The id of its store."""
    box: str
    """Its name; empty for one that never had a reporter."""
    silent_s: float
    """How old what is known of it is, seconds."""
    hello: Hello
    """What is known of it."""
    wrong: list[Trouble]
    """What is wrong, the worst first."""
