"""Measures the back office with made-up years, on SQLite and on PostgreSQL: `python -m benchmarks.backoffice`.

    python -m benchmarks.backoffice                                     everything: about two hours
    python -m benchmarks.backoffice --only growth --stores 3 --visitors 50
    python -m benchmarks.backoffice --only rush --minutes 1             a minute of ordinary time and one of the rush
    python -m benchmarks.backoffice --only kills --kills 20 --engines sqlite

It prints `name value goal ok` for each figure, then one line of JSON with what is behind them. It starts a PostgreSQL
of its own (Debian's package `postgresql`), and removes it. --keep FOLDER keeps the SQLite files with their years for
the next run. Nothing else should use the machine meanwhile.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from benchmarks.backoffice.figures import Findings, json_line, lines, meets
from benchmarks.backoffice.growth import Sizes, growth
from benchmarks.backoffice.kills import kills
from benchmarks.backoffice.places import Kind, Places
from benchmarks.backoffice.rush import rush
from benchmarks.backoffice.speed import speed

PARTS = ("speed", "growth", "kills", "rush")
ENGINES = ("sqlite", "postgresql")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts. Exit status: 0 if every figure that was measured meets its goal, else 1."""
    args = _parser().parse_args(argv)
    found = Findings()
    for engine in args.engines.split(","):
        with Places(cast(Kind, engine), args.keep) as places:
            for part, work in _work(args, engine).items():
                if not args.only or part in args.only:
                    print(f"{part} on {engine}", file=sys.stderr, flush=True)
                    try:
                        work(places, found)
                    except Exception as error:  # noqa: BLE001 (the other parts are still worth measuring)
                        found.problems.append(f"{part} on {engine} broke off: {type(error).__name__}: {error}")
    print("\n".join(lines(found)))
    for problem in found.problems:
        print(f"PROBLEM: {problem}")
    print(json_line(found))
    return int(bool(found.problems) or not all(meets(name, value) for name, value in found.figures.items()))


def _work(args: argparse.Namespace, engine: str) -> dict[str, Callable[[Places, Findings], None]]:
    """What is measured on an engine, in this order."""
    sizes = Sizes(args.stores, args.days, args.visitors, args.rounds)
    each = max(1, args.kills // len(args.engines.split(",")))
    parts: dict[str, Callable[[Places, Findings], None]] = {
        "speed": lambda places, found: speed(places, args.events, found),
        "growth": lambda places, found: growth(places, sizes, found),
        "kills": lambda places, found: kills(places, each, found),
    }
    if engine == "postgresql":  # ten thousand stores are what it is there for
        parts["rush"] = lambda places, found: rush(places, args.rush_stores, args.minutes, found)
    return parts


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.backoffice",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", action="append", choices=PARTS, help="this part only; may be repeated")
    parser.add_argument("--engines", type=_engines, default=",".join(ENGINES), help="(%(default)s)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep SQLite files here, and use those of before")
    parser.add_argument("--events", type=int, default=100_000, help="in each turn of the speed (%(default)s)")
    parser.add_argument("--stores", type=int, default=10, help="whose years are asked for (%(default)s)")
    parser.add_argument("--days", type=int, default=1095, help="of their history (%(default)s)")
    parser.add_argument("--visitors", type=float, default=300, help="of an average open day (%(default)s)")
    parser.add_argument("--rounds", type=int, default=30, help="times that each store is asked (%(default)s)")
    parser.add_argument("--kills", type=int, default=200, help="on all engines together (%(default)s)")
    parser.add_argument("--rush-stores", type=int, default=10_000, help="stores of the rush (%(default)s)")
    parser.add_argument("--minutes", type=float, default=10.0, help="of ordinary time, and of the rush (%(default)s)")
    return parser


def _engines(text: str) -> str:
    unknown = {*text.split(",")} - {*ENGINES}
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no engine {sorted(unknown)[0]!r}: use {' or '.join(ENGINES)}")
    return text


if __name__ == "__main__":
    sys.exit(main())
