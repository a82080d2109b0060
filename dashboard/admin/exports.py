"""`metrica-admin export`: what is kept of a store, as CSV for spreadsheets or as JSON lines for programs."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TextIO

from metrica.dashboard.admin.commands import Subparsers, add_command, add_store_argument, open_database, require_store
from metrica.dashboard.admin.times import parse_time
from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.kpis.events import END_OF_TIME
from metrica.dashboard.upkeep.backup import draft_of, file_error, keep, require_free
from metrica.dashboard.upkeep.export import KINDS, Cell, Row

_STANDARD_OUTPUT = Path("-")
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def add_commands(commands: Subparsers) -> None:
    """Add `export`."""
    export = add_command(
        commands,
        "export",
        export_store,
        "write a store's events, coverage or figures per hour, in the store's local time",
        "metrica-admin export tunis-01 --what hours --from 2026-11-01 --output november.csv",
    )
    add_store_argument(export)
    export.add_argument("--what", choices=tuple(KINDS), default="events", help="(default: %(default)s)")
    export.add_argument("--format", choices=("csv", "jsonl"), default="csv", help="(default: %(default)s)")
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
    write = _write_csv if args.format == "csv" else _write_json_lines
    with open_database(args) as database:
        store = require_store(database, args.store)
        since = 0 if args.since is None else parse_time(args.since, store.timezone)
        until = END_OF_TIME if args.until is None else parse_time(args.until, store.timezone)
        if since >= until:
            raise ValueError("--to is not after --from")
        rows = give(database, store, since, until)
        if args.output == _STANDARD_OUTPUT:
            _to_standard_output(lambda out: write(out, columns, rows))
            return 0
        require_free(args.output)
        with draft_of(args.output) as draft:
            try:
                with draft.open("w", encoding="utf-8", newline="") as out:
                    write(out, columns, rows)
            except OSError as error:
                raise file_error(error, args.output) from None
            keep(draft, args.output)
    return 0


def safe_cell(value: Cell) -> Cell:
    """Return a value that no spreadsheet takes for a formula: one that begins like it gets an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULAS) else value


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


def _write_csv(out: TextIO, columns: tuple[str, ...], rows: Iterable[Row]) -> None:
    table = csv.writer(out)
    table.writerow(columns)
    table.writerows([safe_cell(row[column]) for column in columns] for row in rows)


def _write_json_lines(out: TextIO, columns: tuple[str, ...], rows: Iterable[Row]) -> None:
    for row in rows:
        out.write(json.dumps({column: row[column] for column in columns}, ensure_ascii=False))
        out.write("\n")
