"""The old names of commands that are part of `metrica-admin` now. They do the same, for one release more."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from metrica.dashboard.admin.cli import main


def moved(old: str, argv: Sequence[str]) -> int:
    """Say the new name of a command on standard error, and run it. Returns its exit status.

    old: the program that was called. argv: its arguments, of which the first is the subcommand, such as `store`.
    """
    call = " ".join(word for word in argv[:2] if not word.startswith("-"))
    sys.stderr.write(f"{old}: '{old} {call}' is now 'metrica-admin {call}'; the old name goes with the next release\n")
    return main(argv)
