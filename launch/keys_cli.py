"""`metrica-keys`: the keys of topics that travel between machines (docs/launch-file.md)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from metrica.errors import KeysError, MetricaError
from metrica.launch.reading.load import data_folder
from metrica.transport.keys import KeyFolder, as_digits, public_key
from metrica.version import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 the keys cannot be used or are there already, 2 wrong arguments."""
    parser = make_parser()
    options = parser.parse_args(argv)
    work: Callable[[KeyFolder, argparse.Namespace], None] = options.work
    try:
        work(KeyFolder(options.data or data_folder(options.launch)), options)
    except MetricaError as error:
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 1
    return 0


def make_parser() -> argparse.ArgumentParser:
    """The subcommands; docs/commands.md has them all."""
    parser = argparse.ArgumentParser(
        prog="metrica-keys",
        description="Make and exchange the keys of topics that have a tcp:// address in the launch file.",
        epilog="such as: metrica-keys make --launch store.yaml",
    )
    parser.add_argument("--version", action="version", version=f"metrica {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    make = _add(commands, "make", "make the keys of this machine, and print the public one", _make)
    make.add_argument("--replace", action="store_true", help="also if there are keys already")
    _add(commands, "show", "print the public key of this machine", _show)
    allow = _add(commands, "allow", "let another machine read the topics of this one", _allow)
    allow.add_argument("name", metavar="NAME", help="what to call it here, such as office")
    trust = _add(commands, "trust", "say which key the publisher at an address has", _trust)
    trust.add_argument("address", metavar="HOST[:PORT]", help="as in 'endpoints' of the launch file")
    for command in (allow, trust):
        command.add_argument("key", metavar="KEY", help="its public key, as 'metrica-keys show' prints it there")
    forget = _add(commands, "forget", "take back what allow or trust has said", _forget)
    forget.add_argument("name", metavar="NAME|HOST[:PORT]")
    _add(commands, "list", "print the machines whose keys are known", _list)
    return parser


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
    name: str,
    what: str,
    work: Callable[[KeyFolder, argparse.Namespace], None],
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
    whose = command.add_mutually_exclusive_group(required=True)
    whose.add_argument("--launch", metavar="FILE", help="the launch file of the store")
    whose.add_argument("--data", type=Path, metavar="DIR", help="the data folder of the store")
    command.set_defaults(work=work)
    return command


def _make(keys: KeyFolder, options: argparse.Namespace) -> None:
    print(as_digits(keys.make(replace=options.replace).public))


def _show(keys: KeyFolder, _options: argparse.Namespace) -> None:
    print(as_digits(keys.own().public))


def _allow(keys: KeyFolder, options: argparse.Namespace) -> None:
    if public_key(options.key) == keys.own().public:
        raise KeysError("this is the key of this machine itself, which may read anyway: take that of the other one")
    keys.allow(options.name, options.key)
    print(f"{options.name} may read the topics of this machine")


def _trust(keys: KeyFolder, options: argparse.Namespace) -> None:
    keys.own()  # without keys of its own it would be let in nowhere
    keys.trust(options.address, options.key)
    print(f"topics from {options.address} are read with this key")


def _forget(keys: KeyFolder, options: argparse.Namespace) -> None:
    if not keys.forget(options.name):
        raise KeysError(f"nothing is known of '{options.name}': see 'metrica-keys list'")
    print(f"{options.name} is forgotten")


def _list(keys: KeyFolder, _options: argparse.Namespace) -> None:
    for kind, known in (("may read", keys.readers()), ("publishes", keys.publishers())):
        for name, key in known.items():
            print(f"{name}\t{kind}\t{as_digits(key)}")


if __name__ == "__main__":
    sys.exit(main())
