"""`metrica-admin`: manage the stores, who may send and see, and what is kept."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from metrica.dashboard.admin import (
    alerts,
    backups,
    boxes,
    deletion,
    events,
    exports,
    log,
    organisations,
    privacy,
    stores,
    sums,
    tokens,
    users,
    webhooks,
)
from metrica.dashboard.service.commands import Parser, run
from metrica.version import __version__

SUBJECTS = (
    stores,
    tokens,
    users,
    organisations,
    boxes,
    alerts,
    backups,
    exports,
    events,
    deletion,
    sums,
    log,
    privacy,
    webhooks,
)
"""The modules whose `add_commands` gives the subcommands, in the order of `--help`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Returns its exit status: 0, or 1 for an error; wrong usage exits with 2."""
    return run(_parser(), argv, default=None)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="metrica-admin",
        description=__doc__,
        epilog="It works on the database of a running server too. 'metrica-admin COMMAND --help' shows an example.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for subject in SUBJECTS:
        subject.add_commands(commands)
    return parser
