"""`metrica-admin export`: what is kept of a store, as CSV for spreadsheets or as JSON for programs."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from metrica.dashboard.admin.shared.commands import (
    Subparsers,
    add_command,
    add_store_argument,
    open_database,
    require_store,
)
from metrica.dashboard.admin.shared.times import parse_time
from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.kpis.events import END_OF_TIME
from metrica.dashboard.upkeep.backup import draft_of, file_error, keep, require_free
from metrica.dashboard.upkeep.export import KINDS
from metrica.dashboard.upkeep.export_formats import written

_STANDARD_OUTPUT = Path("-")


def add_commands(commands: Subparsers) -> None:
    """Add `export`."""
    export = add_command(
        commands,
        "export",
        export_store,
        "write a store's events, coverage or figures, in the store's local time",
        "metrica-admin export tunis-01 --what hours --from 2026-11-01 --output november.csv",
    )
    add_store_argument(export)
    export.add_argument("--what", choices=tuple(KINDS), default="events", help="(default: %(default)s)")
    export.add_argument("--format", choices=("csv", "jsonl", "json"), default="csv", help="(default: %(default)s)")
    export.add_argument("--bom", action="store_true", help="begin CSV with a byte order mark, for Excel")
    export.add_argument("--from", dest="since", metavar="TIME", help="only from this time on, by the store's clock")
    export.add_argument("--to", dest="until", metavar="TIME", help="only before this time")
    export.add_argument(
        "--output",
        type=Path,
        default=_STANDARD_OUTPUT,
        metavar="FILE",
        help="a file that does not exist; '-', the default, is standard output",
    )


def export_store(args: argparse.Namespace) -> int:
    """Write what the arguments ask for."""
    give, columns = KINDS[args.what]
    with open_database(args) as database:
        store = require_store(database, args.store)
        since = 0 if args.since is None else parse_time(args.since, store.timezone)
        until = END_OF_TIME if args.until is None else parse_time(args.until, store.timezone)
        if since >= until:
            raise ValueError("--to is not after --from")
        text = written(give(database, store, since, until), columns, args.format, mark=args.bom)
        if args.output == _STANDARD_OUTPUT:
            _to_standard_output(lambda out: out.writelines(text))
            return 0
        require_free(args.output)
        with draft_of(args.output) as draft:
            try:
                with draft.open("w", encoding="utf-8", newline="") as out:
                    out.writelines(text)
            except OSError as error:
                raise file_error(error, args.output) from None
            keep(draft, args.output)
    return 0


def _to_standard_output(write: Callable[[TextIO], None]) -> None:
    """Write to standard output, in UTF-8 whatever the terminal says. Raises DatabaseError if it takes no more."""
    out = io.TextIOWrapper(os.fdopen(os.dup(sys.stdout.fileno()), "wb"), encoding="utf-8", newline="")
    try:
        with out:
            write(out)
    except BrokenPipeError:
        return  # a program such as `head` has read enough
    except OSError as error:
        raise DatabaseError(f"standard output takes no more ({error.strerror}): the export is not complete") from None
