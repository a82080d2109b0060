"""`metrica-admin privacy-file`: the papers that a shop shows to visitors and to an authority."""

from __future__ import annotations

import argparse
from pathlib import Path

from metrica.dashboard.admin.shared.commands import (
    Subparsers,
    add_command,
    add_store_argument,
    open_database,
    require_store,
)
from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.privacy.documents import LANGUAGES, PAPERS, Responsible, paper
from metrica.dashboard.privacy.facts import read_facts
from metrica.dashboard.privacy.pdf import PdfUnavailableError, to_pdf
from metrica.dashboard.service.serving import say
from metrica.dashboard.upkeep.backup import draft_of, file_error, keep, require_free


def add_commands(commands: Subparsers) -> None:
    """Add `privacy-file`."""
    command = add_command(
        commands,
        "privacy-file",
        write_papers,
        "write the sign for the door, the record of processing and the impact assessment, from the real settings",
        "metrica-admin privacy-file tunis-01 --launch store.yaml --controller 'Boutique Lina' --contact 71000000",
    )
    add_store_argument(command)
    command.add_argument(
        "--launch",
        type=Path,
        metavar="FILE",
        help="the box's launch file: cameras, server, how long the box keeps events",
    )
    command.add_argument(
        "--language", choices=("all", *LANGUAGES), default="all", help="one language only (default: %(default)s)"
    )
    command.add_argument("--controller", default="", metavar="NAME", help="who is responsible: the shop or company")
    command.add_argument("--contact", default="", help="e-mail address or telephone number for questions")
    command.add_argument("--address", default="", help="postal address of the one responsible")
    command.add_argument("--format", choices=("pdf", "html"), default="pdf", help="(default: %(default)s)")
    command.add_argument(
        "--output",
        type=Path,
        default=Path("privacy"),
        metavar="DIR",
        help="folder for the files (default: %(default)s)",
    )


def write_papers(args: argparse.Namespace) -> int:
    """Write the papers; a file that exists is never overwritten."""
    languages = LANGUAGES if args.language == "all" else (args.language,)
    targets = {
        (name, language): args.output / f"{name}-{language}.{args.format}" for language in languages for name in PAPERS
    }
    with open_database(args) as database:
        facts = read_facts(database, require_store(database, args.store), args.launch)
    try:
        args.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise file_error(error, args.output) from None
    for target in targets.values():
        require_free(target)
    responsible = Responsible(args.controller, args.contact, args.address)
    for (name, language), target in targets.items():
        page = paper(name, language, facts, responsible)
        try:
            content = page.encode() if args.format == "html" else to_pdf(page)
        except PdfUnavailableError as error:
            raise DatabaseError(f"{error}; or write web pages with --format html") from None
        with draft_of(target) as draft:
            try:
                draft.write_bytes(content)
            except OSError as error:
                raise file_error(error, target) from None
            keep(draft, target)
        say(f"{target}")
    return 0
