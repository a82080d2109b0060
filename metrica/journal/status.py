"""How a journal is: what waits, since when, and how much room it has."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from metrica.journal.journal import Journal
from metrica.journal.spill import left_behind, read


class Status(NamedTuple):
    """The state of a journal at one moment."""

    path: str
    """The file."""
    unsent: int
    """Events that the server does not have yet."""
    sent: int
    """Events that the server has."""
    refused: int
    """Events that the server will not take."""
    oldest_unsent: str
    """When the first unsent event was written, ISO 8601 UTC; empty if there is none."""
    beside: int
    """Events that wait beside the journal, because it could not be written."""
    summed: int
    """Events that are kept as sums, because they were too old."""
    bytes: int
    """The size of the file."""
    reserve_bytes: int
    """The room that is set aside for a full disk; 0 while it is in use."""
    disk_is_full: bool
    """Whether the reserve is in use, or there was never room for one."""
    room_for_events: int
    """About how many more events fit into the journal's own free pages."""
    keep_days: int | None
    """The bound: older events do not stay. None if no node has run yet."""


def status(journal: Journal) -> Status:
    """Ask a journal how it is. Raises JournalUnavailableError."""
    counts, room, oldest = journal.counts(), journal.room(), journal.oldest_unsent()
    beside = 0
    for path in left_behind(journal.path):
        try:
            beside += len(read(path))
        except FileNotFoundError:
            continue  # they have just got into the journal
    return Status(
        str(journal.path),
        *counts,
        "" if oldest is None else f"{datetime.fromtimestamp(oldest / 1e9, UTC):%Y-%m-%dT%H:%M:%SZ}",
        beside,
        journal.summed(),
        room.bytes,
        room.reserved,
        room.is_full,
        room.events,
        journal.bound(),
    )


def describe(found: Status) -> str:
    """The status for people, some lines."""
    since = f", the oldest since {found.oldest_unsent}" if found.oldest_unsent else ""
    if found.reserve_bytes:
        reserve = f"{found.reserve_bytes / 1e6:.1f} MB are set aside for a full disk"
    elif found.disk_is_full:
        reserve = f"in use, the disk is full: about {found.room_for_events} more events fit, free some space"
    else:
        reserve = "none yet: it is set aside within a minute while the box runs"
    bound = "not known yet: no node has run" if found.keep_days is None else f"{found.keep_days} days"
    lines = [
        f"journal   {found.path}",
        f"unsent    {found.unsent}{since}",
        f"sent      {found.sent}",
        f"refused   {found.refused}",
        f"size      {found.bytes / 1e6:.1f} MB",
        f"reserve   {reserve}",
        f"bound     {bound}",
    ]
    if found.beside:
        lines.append(f"beside    {found.beside} events wait beside the journal, which could not be written")
    if found.summed:
        lines.append(f"sums      {found.summed} events that were too old are kept as sums: metrica-journal sums")
    return "\n".join(lines)
