"""What `metrica-ingest` and `metrica-dashboard` share: options, and errors as one sentence."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import platformdirs

from metrica.dashboard.database.places import is_address
from metrica.dashboard.service.tls import Certificate
from metrica.messages import MetricaError
from metrica.secrets import hide, register_address, register_environment
from metrica.secrets.handler import setup_service

DATABASE_FILE = "metrica.db"
"""Name of the database file in the data folder."""
DATABASE_VARIABLE = "METRICA_DATABASE"
"""The variable of the environment that names the database where no option does."""
_NO_FOLDER = "this user has no home folder: give --data DIR, or set HOME or XDG_DATA_HOME"


class Parser(argparse.ArgumentParser):
    """A parser that repeats no password when it says what is wrong with a call; its subparsers are of its kind."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and exit with 2."""
        super().error(hide(message))


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """Add `--data DIR`, which every subcommand has."""
    try:
        usual = Path(platformdirs.user_data_dir("metrica"))
    except RuntimeError:  # no HOME, and no entry in the list of users
        usual = None
    parser.add_argument(
        "--data",
        type=Path,
        default=usual,
        metavar="DIR",
        help=f"the folder of the database and the keys (default: {usual or 'none, this user has no home folder'})",
    )


def add_database_option(parser: argparse.ArgumentParser) -> None:
    """Add `--database`, which every subcommand has."""
    parser.add_argument(
        "--database",
        metavar="FILE|URL",
        default=os.environ.get(DATABASE_VARIABLE) or None,
        help=f"the database: a SQLite file, or the address of a PostgreSQL database, postgresql://USER@HOST/NAME; the"
        f" variable {DATABASE_VARIABLE} says it too, and no list of processes shows it (default: {DATABASE_FILE} in the"
        " folder)",
    )


def database_place(args: argparse.Namespace) -> Path | str:
    """Return the file or the address of the database that the arguments name.

    Raises MetricaError if there is no folder for it.
    """
    if args.database is not None:
        return place_of(args.database)
    if args.data is None:
        raise MetricaError(_NO_FOLDER)
    return Path(args.data) / DATABASE_FILE


def place_of(text: str) -> Path | str:
    """Return the file or the address that a text names. The password of an address is hidden from then on."""
    register_address(text)
    return text if is_address(text) else Path(text)


def add_address_options(parser: argparse.ArgumentParser, port: int) -> None:
    """Add `--host` and `--port`. port: the default."""
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on, 0.0.0.0 for all (default: %(default)s)"
    )
    parser.add_argument("--port", type=_port, default=port, help="port, 0 for any free one (default: %(default)s)")


def add_tls_options(parser: argparse.ArgumentParser) -> None:
    """Add `--tls-cert` and `--tls-key`, which `certificate` reads."""
    parser.add_argument(
        "--tls-cert",
        type=Path,
        metavar="FILE",
        help="serve HTTPS with this certificate (PEM, with its chain); a renewed one is taken without a restart",
    )
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="the key of --tls-cert, PEM without a passphrase")


def certificate(args: argparse.Namespace) -> Certificate | None:
    """Return the certificate that the options name, if they name one. Raises TlsError."""
    return Certificate.of(args.tls_cert, args.tls_key)


def run(parser: argparse.ArgumentParser, argv: Sequence[str] | None, *, default: str | None = "serve") -> int:
    """Run the subcommand in the arguments, or the default if there is none. argv: None takes those of the process.

    Returns the exit status: 1 after an error, which is written to standard error as one sentence.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    if default is not None and (
        not given or (given[0].startswith("-") and given[0] not in ("-h", "--help", "--version"))
    ):
        given.insert(0, default)
    for word in given:
        if "://" in word:
            register_address(word)
    args = parser.parse_args(given)
    setup_service()
    register_environment(os.environ)
    work: Callable[[argparse.Namespace], int] = args.work
    try:
        if "data" in args and args.data is None and getattr(args, "database", None) is None:
            raise MetricaError(_NO_FOLDER)
        return work(args)
    except (MetricaError, ValueError) as error:
        sys.stderr.write(f"{parser.prog}: error: {error}\n")
        return 1


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number from 0 to 65535")
    return int(text)
