"""`metrica-models`: list the detectors, fetch them, and check that they work on this machine.

Exit status: 0 all is well, 1 something is wrong with a model, 2 the command itself cannot be understood.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table

from metrica.models.card import Card
from metrica.models.digests import matching_variant, problems
from metrica.models.errors import ModelError
from metrica.models.library import Model, accuracy, cache_folder, find_card, have, list_cards, locate
from metrica.models.pull import pull

FRAME = (1280, 720)
"""The frame size that `check` compiles for."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    args = _parser().parse_args(argv)
    try:
        return int(args.run(args))
    except ModelError as error:
        print(f"metrica-models: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("metrica-models: stopped; nothing half-written was left", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="metrica-models",
        description="Lists, fetches and checks the detectors that Metrica knows.",
        epilog="METRICA_MODELS names folders with models of your own; METRICA_MODELS_URL a mirror to fetch from.",
    )
    parser.add_argument("--version", action="version", version=f"metrica {version('metrica')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    listing = commands.add_parser("list", help="the models, and which of them are on this machine")
    listing.set_defaults(run=_list)
    pulling = commands.add_parser("pull", help="fetch models into the cache, verified")
    pulling.add_argument("names", nargs="+", metavar="NAME", help="a model of the list, or a card's path")
    pulling.add_argument("--precision", help="another precision than the card's first, such as FP16")
    pulling.add_argument("--again", action="store_true", help="fetch also what is on this machine already, intact")
    pulling.set_defaults(run=_pull)
    checking = commands.add_parser("check", help="compare digests, compile, and look at the output")
    checking.add_argument("names", nargs="*", metavar="NAME", help="models or card paths; by default all that are here")
    checking.add_argument("--device", default="CPU", help="the OpenVINO device to compile for (default: CPU)")
    checking.set_defaults(run=_check)
    return parser


def _list(args: argparse.Namespace) -> int:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "decoder", "precision", "size", "AP50", "where", "what"):
        table.add_column(column, no_wrap=column != "what", overflow="fold")
    for card in list_cards():
        here = have(card)
        variant = here[0] if here else card.variants[0]
        where = str(here[1]) if here else "not here"
        size, found = f"{variant.size / 1e6:.1f} MB", f"{accuracy(card):.2f}" if card.ap50 else "-"
        table.add_row(card.name, card.decoder, variant.precision, size, found, where, card.title)
    # In a pipe the table is as wide as it needs to be, so that a script never reads wrapped lines.
    console = Console() if sys.stdout.isatty() else Console(width=500)
    console.print(table)
    return 0


def _pull(args: argparse.Namespace) -> int:
    cards = [find_card(name)[0] for name in args.names]
    for card in cards:
        here = None if args.again else have(card)
        intact = matching_variant(card, here[1]) if here else None
        if here and intact and args.precision in (None, intact.precision):
            print(f"{card.name}: verified, and in {here[1]} already")
            continue
        with _Bars(sys.stderr.isatty()) as bars:
            paths = pull(card, precision=args.precision, progress=bars.show)
        print(f"{card.name}: {len(paths)} files verified in {cache_folder()}")
    return 0


def _check(args: argparse.Namespace) -> int:
    if args.names:
        chosen = [find_card(name) for name in args.names]
    else:
        chosen = [(card, [here[1]]) for card in list_cards() if (here := have(card)) is not None]
        if not chosen:
            raise ModelError("there is no model on this machine to check; run `metrica-models pull NAME`")
    failed = 0
    for card, folders in chosen:
        try:
            print(f"{card.name}: {_checked(card, folders, args.device)}")
        except ModelError as error:
            failed += 1
            print(f"metrica-models: {card.name}: {error}", file=sys.stderr)
    return 1 if failed else 0


def _checked(card: Card, folders: list[Path], device: str) -> str:
    from metrica.models.network import Network  # loads OpenVINO, which the other commands do not need

    here = locate(card, folders)
    if here is None:
        raise ModelError(f"its files are not on this machine; run `metrica-models pull {card.name}`")
    variant, folder = here
    intact = matching_variant(card, folder)
    if intact is None:
        raise ModelError("; ".join(problems(variant, folder)) + f"; run `metrica-models pull {card.name}`")
    network = Network(Model(card.name, card, folder / intact.network.path, intact), device)
    found = network.blank(*FRAME)
    release = f" ({intact.release})" if intact.release else ""
    return f"{intact.precision}{release} is intact in {folder}, compiles for {device} and answers ({len(found)} people)"


class _Bars:
    """A progress bar for each file on a terminal, nothing elsewhere."""

    def __init__(self, shown: bool) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
        self._progress = Progress(*columns, console=Console(stderr=True), disable=not shown)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, path: str, done: int, size: int) -> None:
        if path not in self._tasks:
            self._tasks[path] = self._progress.add_task(path.rpartition("/")[2], total=size)
        self._progress.update(self._tasks[path], completed=done)


if __name__ == "__main__":
    sys.exit(main())
