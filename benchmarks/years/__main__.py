"""Writes years of believable days for made-up shops through a real ingest: `python -m benchmarks.years`.

    python -m benchmarks.years --data FOLDER --stores 10 --days 1095     three years of ten shops, into FOLDER
    python -m benchmarks.years --data FOLDER --database postgresql://…   … into a PostgreSQL database; FOLDER has the
                                                                         tokens and the log
    python -m benchmarks.years --url http://127.0.0.1:8080 --tokens tokens.json --days 56
                                                                         to an ingest that runs already
    python -m benchmarks.years --against FOLDER                          hold the days against real streets; nothing
                                                                         is sent

The days end now, or at --until; the same options and the same --until give the same days. With --data it adds the shops
and starts an ingest on that folder; tokens.json beside the database has their tokens afterwards. --tokens names a JSON
file, store -> token; the shops then have the ids of that file. FOLDER of --against has files *-hourly.csv.gz
(`location, date, hour, count`).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.chaos.server import IngestServer
from benchmarks.years.likeness import Hours, likeness, streets, table
from benchmarks.years.posting import PostError, Sent
from benchmarks.years.sending import BATCH, send_years
from benchmarks.years.shop import KINDS, Shop, make_shop
from benchmarks.years.shop_years import visitors_by_hour
from benchmarks.years.stores import TOKENS, add_stores
from metrica.dashboard.kpis.events import SECOND
from metrica.dashboard.service.commands import DATABASE_FILE


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Returns its exit status."""
    parser = _parser()
    args = parser.parse_args(argv)
    until = round(args.until.timestamp()) * SECOND if args.until else time.time_ns()
    if args.against:
        print(_compared(args.against, args, until))
        return 0
    if bool(args.url) != bool(args.tokens) or bool(args.url) == bool(args.data):
        parser.error("give either --data FOLDER, or both --url and --tokens")
    try:
        if args.url:
            tokens: dict[str, str] = json.loads(args.tokens.read_text("utf-8"))
            _report(_send(_shops(args, list(tokens)), tokens, args.url, args, until))
            return 0
        shops = _shops(args)
        args.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        place = args.database or args.data / DATABASE_FILE
        tokens = add_stores(place, [shop.store for shop in shops], args.data / TOKENS)
        with IngestServer(args.data, stores=(), place=args.database) as server:
            _report(_send(shops, tokens, server.address, args, until))
    except (PostError, ValueError, OSError) as error:
        print(f"benchmarks.years: {error}", file=sys.stderr)
        return 1
    return 0


def _send(
    shops: Sequence[Shop], tokens: Mapping[str, str], url: str, args: argparse.Namespace, until: int
) -> tuple[Sent, float]:
    began = time.monotonic()

    def progress(sent: Sent) -> None:
        rate = sent.accepted / max(time.monotonic() - began, 1e-3)
        print(f"\r{sent.accepted} events, {rate:.0f}/s ", end="", file=sys.stderr, flush=True)

    sent = send_years(
        shops,
        tokens,
        url,
        until=until,
        days=args.days,
        connections=args.connections,
        batch=args.batch,
        progress=progress,
    )
    print(file=sys.stderr)
    return sent, time.monotonic() - began


def _report(done: tuple[Sent, float]) -> None:
    sent, seconds = done
    print(
        f"{sent.accepted} events and {sent.spans} spans of coverage in {seconds:.0f} s:"
        f" {sent.accepted / max(seconds, 1e-3):.0f} events/s"
        f" ({sent.duplicates} duplicates, {sent.refused} refused, {sent.retries} sent again)"
    )


def _compared(folder: Path, args: argparse.Namespace, until: int) -> str:
    """The statistics of real streets and of a shop of each kind, also as busy as a street, where chance is small."""
    columns = {name: likeness(hours) for name, hours in streets(folder).items()}
    busy = max(one.visitors_a_day for one in columns.values())
    for visitors in (args.visitors, busy):
        made: dict[str, Hours] = {}
        for number, kind in enumerate(KINDS):
            shop = make_shop(number, visitors=visitors, seed=args.seed, countries=args.countries)
            made[f"{kind.name[:9]} {shop.visitors:.0f}"] = visitors_by_hour(shop, until, args.days)
        columns |= {name: likeness(hours) for name, hours in made.items()}
    return table(columns)


def _shops(args: argparse.Namespace, ids: Sequence[str] = ()) -> list[Shop]:
    count = len(ids) or args.stores
    made = [
        make_shop(number, visitors=args.visitors, seed=args.seed, countries=args.countries) for number in range(count)
    ]
    return [replace(shop, id=name) for shop, name in zip(made, ids, strict=True)] if ids else made


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.years", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="the folder of the database, made if missing")
    parser.add_argument("--database", default="", metavar="ADDRESS", help="postgresql://…, instead of a file in there")
    parser.add_argument("--url", help="address of an ingest that runs already")
    parser.add_argument("--tokens", type=Path, metavar="FILE", help="JSON, store -> token, for --url")
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="real hourly counts; nothing is sent")
    parser.add_argument("--stores", type=int, default=10, help="how many shops (%(default)s)")
    parser.add_argument("--days", type=int, default=1095, help="how many days (%(default)s)")
    parser.add_argument("--visitors", type=float, default=300, help="of an average open day (%(default)s)")
    parser.add_argument("--countries", default="TN,DZ,MA,LY,EG", help="taken in turn (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="other days for another number (%(default)s)")
    parser.add_argument(
        "--until", type=_moment, metavar="TIME", help="when the days end, ISO 8601, UTC unless it says otherwise"
    )
    parser.add_argument("--connections", type=int, default=4, help="at a time (%(default)s)")
    parser.add_argument("--batch", type=int, default=BATCH, help="events in a request (%(default)s)")
    return parser


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


if __name__ == "__main__":
    sys.exit(main())
