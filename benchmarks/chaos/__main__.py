"""Brings about faults by the thousand and says what they did: `python -m benchmarks.chaos`.

    python -m benchmarks.chaos --state chaos.state                      everything: about half an hour and an hour
    python -m benchmarks.chaos --state chaos.state --minutes 15         the hour at real speed made shorter
    python -m benchmarks.chaos --only kills --kills 100                 one scenario
    python -m benchmarks.chaos --state chaos.state --write-docs         … and write docs/reliability.md

With --state, a run that was cut goes on with the rounds that are not done; delete the file to begin anew. The last line
is JSON. Nothing else should use the machine: recovery is measured in seconds. The camera needs GStreamer
(rtsp_camera.py), the small disk the right to mount (root or user namespaces).
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
from dataclasses import fields
from pathlib import Path
from types import FrameType

from benchmarks.chaos.plan import Round, Sizes, State, rounds
from benchmarks.chaos.report import chaos_rows, json_line, table, write_docs
from benchmarks.chaos.result import Result, figures, meets
from benchmarks.chaos.runner import Runner
from benchmarks.chaos.usage import CURVES

SCENARIOS = ("kills", "hangs", "deaths", "camera", "locked", "offline", "disk", "clock", "device", "hour")


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 if every figure that was measured meets its goal and every promise was kept, else 1."""
    args = _parser().parse_args(argv)
    sizes = Sizes(**{each.name: getattr(args, each.name) for each in fields(Sizes)})
    wanted = [each for each in rounds(sizes) if not args.only or each.scenario in args.only]
    if args.curves:
        os.environ[CURVES] = str(args.curves.resolve())
    state = State(args.state)
    left = [each for each in wanted if each.key not in state.results]
    signal.signal(signal.SIGTERM, _interrupt)
    print(f"{len(left)} of {len(wanted)} rounds to do", file=sys.stderr, flush=True)

    def done(each: Round, result: Result) -> None:
        if not any(problem.startswith("the round broke off") for problem in result.problems):
            state.add(each.key, result)
        else:
            state.results[each.key] = result  # tried again by the next run
        what = "; ".join(result.problems) or "as promised"
        print(f"{each.key}  {result.seconds:.0f} s  {what}", file=sys.stderr, flush=True)

    with Runner(args.capacity) as runner:
        try:
            runner.run(left, done)
        except KeyboardInterrupt:
            print("cut; run it again with the same --state to go on", file=sys.stderr)
    results = state.of(wanted)
    print(table(results))
    print(json_line(results))
    if args.write_docs:
        command = shlex.join(["python", "-m", "benchmarks.chaos", *(sys.argv[1:] if argv is None else argv)])
        write_docs("chaos", command.replace(" --write-docs", ""), chaos_rows(results))
    bad = [name for name, value in figures(results).items() if value is not None and not meets(name, value)]
    return int(bool(bad) or len(results) < len(wanted) or any(result.problems for result in results))


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--state", type=Path, help="keep the results of rounds here, and go on from them")
    parser.add_argument("--only", action="append", choices=SCENARIOS, help="this scenario only; may be repeated")
    parser.add_argument("--write-docs", action="store_true", help="write the figures into docs/reliability.md")
    parser.add_argument("--curves", type=Path, help="append what each node holds during the hour, lines of JSON")
    parser.add_argument("--capacity", type=float, default=(os.cpu_count() or 1) + 0.2, help="processors to fill")
    helps = {
        "kills": "kill -9, over all node types",
        "hangs": "1: SIGSTOP of each node type",
        "deaths": "deaths of the launcher, alone or with all its children",
        "cuts": "cuts of the camera's line",
        "freezes": "freezes of the camera's line",
        "changes": "changes of the camera's resolution, codec and rate",
        "locked_seconds": "seconds for which another process locks the journal",
        "hours_offline": "simulated hours without a network",
        "events": "events of those hours",
        "disk": "times that the disk is full",
        "jumps": "1: the clock jumps by hours, and is not set at first",
        "device": "1: the detector's device is gone",
        "minutes": "minutes at real speed",
    }
    for each in fields(Sizes):
        kind = float if isinstance(each.default, float) else int
        option = f"--{each.name.replace('_', '-')}"
        parser.add_argument(option, type=kind, default=each.default, help=f"{helps[each.name]} (%(default)s); 0: none")
    return parser


if __name__ == "__main__":
    sys.exit(main())
