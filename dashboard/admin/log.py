"""`metrica-admin audit`: who changed what, and who came in."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime

from metrica.dashboard.admin.shared.commands import Subparsers, add_command, open_database
from metrica.dashboard.admin.shared.times import parse_time
from metrica.dashboard.service.serving import say
from metrica.dashboard.store.audit import AuditEntry
from metrica.dashboard.upkeep.export import local_time

_PAGE = 1000  # entries that are read at a time


def add_commands(commands: Subparsers) -> None:
    """Add `audit`."""
    audit = add_command(
        commands,
        "audit",
        show,
        "list the audit log, the oldest entry first",
        "metrica-admin audit --since 2026-11-01 --subject tunis-01 --json",
    )
    audit.add_argument("--since", metavar="TIME", help="only entries from this time on; UTC without an offset")
    audit.add_argument("--until", metavar="TIME", help="only entries before this time")
    audit.add_argument("--actor", help="only what this user, node or 'command line' did")
    audit.add_argument("--action", help="only actions with this word, such as 'token' or 'login failed'")
    audit.add_argument("--subject", help="only what was done to this store, user or token")
    audit.add_argument("--last", type=int, metavar="N", help="only the last N of them")
    audit.add_argument("--json", action="store_true", help="one JSON object per line")


def show(args: argparse.Namespace) -> int:
    """List the entries that the arguments ask for."""
    since = 0 if args.since is None else parse_time(args.since, "UTC")
    until = None if args.until is None else parse_time(args.until, "UTC")
    if args.last is not None and args.last < 1:
        raise ValueError("--last takes a number from 1 up")
    with open_database(args) as database:
        found: list[AuditEntry] = []
        entries = database.audit.after(0, since, _PAGE)
        while entries:
            found += [entry for entry in entries if _wanted(entry, args, until)]
            entries = database.audit.after(entries[-1].n, since, _PAGE)
    for entry in found[-(args.last or 0) :]:
        say(_as_json(entry) if args.json else _as_text(entry))
    return 0


def _wanted(entry: AuditEntry, args: argparse.Namespace, until: int | None) -> bool:
    return (
        (until is None or entry.time < until)
        and args.actor in (None, entry.actor)
        and args.subject in (None, entry.subject)
        and (args.action is None or args.action.lower() in entry.action.lower())
    )


def _as_text(entry: AuditEntry) -> str:
    when = datetime.fromtimestamp(entry.time // 10**9, UTC)
    detail = " ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in entry.detail.items())
    words = (f"{when:%Y-%m-%dT%H:%M:%SZ}", entry.actor, entry.action, entry.subject, entry.address, detail)
    return "\t".join("".join(c if c.isprintable() else "\ufffd" for c in word) for word in words)


def _as_json(entry: AuditEntry) -> str:
    row = {
        "n": entry.n,
        "time": local_time(entry.time, "UTC"),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "address": entry.address,
        "detail": entry.detail,
    }
    return json.dumps(row, ensure_ascii=False)
