"""`metrica-launch FILE`: check a launch file, and run it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from metrica.errors import MetricaError
from metrica.launch import demo
from metrica.launch.reading.load import LaunchFileError, Loaded, load
from metrica.launch.show import as_json, as_mermaid, as_text, summary
from metrica.launch.supervision.child import THIS_LAUNCH
from metrica.launch.supervision.chores import DataFolder, GuardianKeeper
from metrica.launch.supervision.console import Console
from metrica.launch.supervision.guardian import Guardian
from metrica.launch.supervision.limits import USUAL, Limits
from metrica.launch.supervision.run_folder import RunFolder
from metrica.launch.supervision.signals import StopSignals
from metrica.launch.supervision.supervise import Supervisor
from metrica.secrets import hide, register_address, register_environment
from metrica.secrets.streams import hide_in_tracebacks
from metrica.version import __version__

GRAPHS = {"text": as_text, "mermaid": as_mermaid, "json": as_json}
"""`--graph` format -> the function that writes a graph in it."""


def main(argv: Sequence[str] | None = None, *, limits: Limits = USUAL) -> int:
    """Exit status: 0 stopped or finished, 1 a node or the start failed, 2 wrong launch file or arguments."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    hide_in_tracebacks()
    register_environment(os.environ)
    for argument in arguments:
        register_address(argument)
    parser = make_parser()
    options = parser.parse_args(_with_graph_format(arguments))
    if options.demo == bool(options.file):
        parser.error("give a launch FILE, or --demo")
    if options.demo:
        options.file, options.set = demo.FILE, [*demo.free_ports(), *options.set]
    try:
        # Somebody who starts it by hand reads what is missing; under systemd nobody does, and it may come.
        to_start = not (options.check or options.graph) and "NOTIFY_SOCKET" in os.environ
        loaded = load(options.file, overrides=options.set, run_dir=options.run_dir, to_start=to_start)
    except LaunchFileError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # nothing has been started yet
        return 130
    if options.graph:
        print(GRAPHS[options.graph](loaded.graph))
        return 0
    if options.check:
        print(f"{options.file}: ok, {summary(loaded.graph)}")
        return 0
    if options.until_finished and not any(node.is_source for node in loaded.graph.nodes):
        print(
            "--until-finished: error: every node listens to another one, so none can come to its end", file=sys.stderr
        )
        return 2
    return _run(loaded, options, limits)


class _Parser(argparse.ArgumentParser):
    """Its errors quote the arguments, and one may be an address with a password."""

    def error(self, message: str) -> NoReturn:
        super().error(hide(message))


def _run(loaded: Loaded, options: argparse.Namespace, limits: Limits) -> int:
    console = Console(as_json=options.log_format == "json", level=options.log_level)
    for sentence in loaded.missing:
        console.warning(f"{sentence}; the launch starts nevertheless, because it may come")
    try:
        with (
            StopSignals() as signals,
            RunFolder(loaded.run_dir, console),
            Guardian(THIS_LAUNCH) as guardian,
        ):
            return Supervisor(
                loaded.graph,
                loaded.run_dir,
                loaded.folder,
                console=console,
                signals=signals,
                chores=(
                    DataFolder(loaded.graph.document.data_dir, console),
                    GuardianKeeper(guardian, console),
                ),
                limits=limits,
                log_level=options.log_level.upper(),
                until_finished=options.until_finished,
            ).run()
    except MetricaError as error:
        console.error(str(error))
    except OSError as error:
        console.error(f"{error.filename or 'the launch'}: {error.strerror}")
    return 1


def make_parser() -> argparse.ArgumentParser:
    """The options; docs/launch-file.md has a row for each."""
    parser = _Parser(
        prog="metrica-launch",
        description="Check a launch file, start its nodes and keep them running.",
        epilog="Ctrl-C stops: sources first, so that nothing on the way is lost. See docs/launch-file.md.",
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help="the launch file, such as store.yaml")
    parser.add_argument("--demo", action="store_true", help="a simulated entrance instead of a FILE; needs no camera")
    parser.add_argument("--check", action="store_true", help="check the file, start nothing")
    parser.add_argument("--graph", choices=GRAPHS, metavar="text|mermaid|json", help="print the graph, start nothing")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NODE.KEY=VALUE",
        help="replace a value of the file: door/tracker.type=sort, detector.threads=2; may be repeated",
    )
    parser.add_argument(
        "--until-finished", action="store_true", help="stop when every source has come to its end (files, not cameras)"
    )
    parser.add_argument("--log-format", choices=("text", "json"), default="text")
    parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    parser.add_argument("--run-dir", type=Path, metavar="DIR", help="where sockets and locks lie while it runs")
    parser.add_argument("--version", action="version", version=f"metrica {__version__}")
    return parser


def _with_graph_format(arguments: list[str]) -> list[str]:
    """The arguments with the format filled in: `--graph FILE` means `--graph text FILE`."""
    if "--graph" in arguments:
        at = arguments.index("--graph") + 1
        if arguments[at : at + 1] not in [[name] for name in GRAPHS]:
            return [*arguments[:at], "text", *arguments[at:]]
    return arguments


if __name__ == "__main__":
    sys.exit(main())
