"""`metrica-journal`: look at the journal of a box, and send again what the server has refused. The box may run."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from metrica.context import user_data_dir
from metrica.errors import MetricaError
from metrica.journal.journal import Journal
from metrica.journal.refused import Refused, Search
from metrica.journal.status import Status, describe, status
from metrica.version import __version__

_NAME = "journal.db"
_TIMEOUT = 10.0  # seconds; a box that runs holds the journal for moments only
_EXAMPLES = """examples:
  metrica-journal status                       what waits, since when, and how much room there is
  metrica-journal refused --limit 20           what the server has refused, and why
  metrica-journal resend --reason "too new"    send again what was refused with these words
  metrica-journal resend                       send again everything that was refused
"""


class _WrongArgument(MetricaError):
    """The command cannot be understood."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command. Exit status: 0 done, 1 the journal cannot be used, 2 wrong arguments or no journal."""
    args = _parser().parse_args(argv)
    work: Callable[[Journal, argparse.Namespace], None] = args.work
    try:
        with Journal(_find(args.data), timeout=_TIMEOUT) as journal:
            work(journal, args)
    except MetricaError as error:
        print(f"metrica-journal: {error}", file=sys.stderr)
        return 2 if isinstance(error, _WrongArgument) else 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="metrica-journal",
        description="Looks at the journal of a box, and sends again what the server has refused. The box may run.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"metrica {__version__}")
    calls = parser.add_subparsers(required=True, metavar="COMMAND")
    add = calls.add_parser
    _call(add, "status", "how many events wait, since when, and how much room there is", _status)
    refused = _call(add, "refused", "the events that the server has refused, with the reason", _refused)
    _add_search(refused)
    refused.add_argument("--limit", type=int, default=100, metavar="N", help="at most so many (default: %(default)s)")
    resend = _call(add, "resend", "make refused events unsent again, so that the uploader sends them", _resend)
    _add_search(resend)
    _call(add, "sums", "the sums that took the place of events that were too old, as tab-separated values", _sums)
    return parser


def _call(
    add: Callable[..., argparse.ArgumentParser],
    name: str,
    text: str,
    work: Callable[[Journal, argparse.Namespace], None],
) -> argparse.ArgumentParser:
    parser = add(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="the store's folder, as in the launch file (default: the only one)"
    )
    parser.add_argument("--json", action="store_true", help="for machines")
    parser.set_defaults(work=work)
    return parser


def _add_search(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", metavar="ID", help="only these events (default: all)")
    parser.add_argument("--reason", default="", metavar="TEXT", help="only those with this text in the reason")
    parser.add_argument(
        "--since", type=_time, default=0, metavar="TIME", help="only those refused since then: 2026-11-28T09:00, UTC"
    )


def _time(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no time: write it like 2026-11-28T09:00") from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return round(found.timestamp()) * 10**9


def _find(folder: Path | None) -> Path:
    """The file of the journal in the folder, or the only one in the user's data folder. Raises MetricaError."""
    if folder is not None:
        path = folder if folder.name == _NAME else folder / _NAME
        if not path.is_file():
            raise _WrongArgument(f"there is no journal {path}: give the folder that 'data' of the launch file names")
        return path
    usual = user_data_dir()
    found = sorted(path for path in (usual / _NAME, *usual.glob(f"*/{_NAME}")) if path.is_file())
    if len(found) == 1:
        return found[0]
    if not found:
        raise _WrongArgument(f"there is no journal in {usual}: give --data DIR")
    raise _WrongArgument(
        f"there are {len(found)} stores: give --data with one of {', '.join(str(p.parent) for p in found)}"
    )


def _status(journal: Journal, args: argparse.Namespace) -> None:
    found: Status = status(journal)
    print(json.dumps(found._asdict()) if args.json else describe(found))


def _refused(journal: Journal, args: argparse.Namespace) -> None:
    events = journal.find_refused(_search(args), limit=max(1, args.limit))
    if args.json:
        for event in events:
            print(json.dumps({"id": event.id, "kind": event.kind, "refused": _shown(event), "reason": event.reason}))
        return
    if not events:
        print("no refused events")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("refused", "id", "kind", "reason"):
        table.add_column(column, overflow="fold")
    for event in events:
        table.add_row(_shown(event), event.id, event.kind, event.reason)
    # In a pipe the table is as wide as it needs to be, so that a script never reads wrapped lines.
    (Console(markup=False) if sys.stdout.isatty() else Console(width=500, markup=False)).print(table)
    refused = journal.counts().refused
    if len(events) < refused and len(events) == args.limit:
        print(f"{len(events)} of at most {refused}: --limit shows more")


def _resend(journal: Journal, args: argparse.Namespace) -> None:
    count = journal.resend(_search(args))
    if args.json:
        print(json.dumps({"unsent_again": count}))
    else:
        print(f"{count} refused event{'' if count == 1 else 's'} will be sent again")


def _sums(journal: Journal, args: argparse.Namespace) -> None:
    sums = journal.sums()
    if not args.json:
        print("start", "seconds", "kind", "camera", "line", "direction", "unsent", "refused", sep="\t")
    for entry in sums:
        if args.json:
            print(json.dumps(entry._asdict()))
            continue
        start = f"{datetime.fromtimestamp(entry.start, UTC):%Y-%m-%dT%H:%MZ}"
        print(start, entry.seconds, *entry[:4], entry.unsent, entry.refused, sep="\t")


def _search(args: argparse.Namespace) -> Search:
    return Search(tuple(args.ids), args.reason, args.since)


def _shown(event: Refused) -> str:
    return f"{datetime.fromtimestamp(event.at / 1e9, UTC):%Y-%m-%dT%H:%M:%SZ}"


if __name__ == "__main__":
    sys.exit(main())
