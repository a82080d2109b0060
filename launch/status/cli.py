"""`metrica-status`: how this box is, or how all boxes of a server are."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from metrica.errors import MetricaError
from metrica.launch.status.found import Found
from metrica.launch.status.here import look_here, run_folders
from metrica.launch.status.server import ask_server
from metrica.launch.status.table import as_json, as_text
from metrica.secrets import hide
from metrica.version import __version__

_EXAMPLES = """examples:
  metrica-status                     the box that this machine is
  metrica-status --server https://back-office.example --token-file token"""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 all is well, 1 something is wrong with a box, 2 nobody knows."""
    parser = make_parser()
    options = parser.parse_args(argv)
    if (options.server is None) != (options.token_file is None):
        parser.error("--server and --token-file belong together: give both, or neither for this box itself")
    try:
        found = _found(options)
    except MetricaError as error:
        print(f"{parser.prog}: error: {hide(str(error))}", file=sys.stderr)
        return 2
    print(as_json(found) if options.json else as_text(found) if found else "no box has said hello yet")
    return int(any(box.wrong for box in found))


def make_parser() -> argparse.ArgumentParser:
    """The options; docs/boxes.md has them all."""
    parser = argparse.ArgumentParser(
        prog="metrica-status",
        description="Show how this box is, or how the boxes of a server are: what is wrong, and what to do.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"metrica {__version__}")
    parser.add_argument("--run-dir", type=Path, metavar="DIR", help="of a launch that was started with --run-dir")
    parser.add_argument("--server", metavar="URL", help="ask this ingest for all boxes that the token may see")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="the file with the token for --server")
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="certificate of the server, if it is your own")
    parser.add_argument("--plain-http", action="store_true", help="send the token unencrypted to another machine")
    parser.add_argument("--json", action="store_true", help="for programs: a list with one object for each box")
    return parser


def _found(options: argparse.Namespace) -> list[Found]:
    if options.server is not None:
        return ask_server(options.server, options.token_file, ca_file=options.ca_file, plain_http=options.plain_http)
    folders = [options.run_dir] if options.run_dir else run_folders()
    if not folders:
        raise MetricaError(
            "nothing runs here: start it with metrica-launch, give its --run-dir, or ask a --server (as another user, "
            "nothing of yours is seen)"
        )
    return look_here(folders)


if __name__ == "__main__":
    sys.exit(main())
