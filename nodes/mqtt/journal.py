"""Crossings of the journal for who follows it: those of the day, each that is new, and those that a broker lacks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from metrica.errors import DecodeError
from metrica.journal import Entry, Journal, Queued
from metrica.messages import Crossing, decode
from metrica.nodes.delivery.dating import Dating, UndatedError

_SLICE = 500
_END = 2**62


@dataclass(frozen=True, slots=True)
class Dated:
    """A crossing of the journal, with its time by the clock as it is set now."""

    position: int
    id: str
    time: int
    """When the line was crossed, ns UTC."""
    crossing: Crossing


class JournalReader:
    """Reads crossings. An instance belongs to one thread; every method raises JournalError while that cannot be read.

    Args:
        path: The journal's file.
        dating: Knows how the clock is set.
    """

    def __init__(self, path: Path, dating: Dating) -> None:
        self._path, self._dating = path, dating
        self._opened: Journal | None = None

    def last_position(self) -> int:
        """The position of the newest event; 0 if there is none."""
        found = self._journal().last_before(_END, 1)
        return found[0].position if found else 0

    def id_at(self, position: int) -> str:
        """The id of the event at a position; empty if it is no longer there."""
        found = self._journal().all_after(position - 1, 1)
        return found[0].entry.id if found and found[0].position == position else ""

    def since(self, moment: int, up_to: int) -> Iterator[Dated]:
        """The crossings up to a position that happened at `moment` (ns UTC) or later, the newest first."""
        before = up_to + 1
        while events := self._journal().last_before(before, _SLICE):
            found = [dated for dated in self._dated(events) if dated.time >= moment]
            yield from found
            if not found:  # events are in the order in which they were written: those before are older
                return
            before = events[-1].position

    def after(self, position: int, limit: int = _SLICE) -> tuple[list[Dated], int]:
        """The crossings behind a position, the oldest first, and up to which position the journal was read."""
        events = self._journal().all_after(position, limit)
        return list(self._dated(events)), events[-1].position if events else position

    def close(self) -> None:
        """Close the journal."""
        if self._opened is not None:
            self._opened.close()

    def _journal(self) -> Journal:
        if self._opened is None:
            self._opened = Journal(self._path)
        return self._opened

    def _dated(self, events: Iterable[Queued]) -> Iterator[Dated]:
        """Those that are crossings, and whose date is known. The uploader says in the log what is wrong with others."""
        for position, entry in events:
            try:
                found = self._of(position, entry)
            except (DecodeError, UndatedError):
                continue
            if found is not None:
                yield found

    def _of(self, position: int, entry: Entry) -> Dated | None:
        msg = decode(entry.payload)
        if not isinstance(msg, Crossing):
            return None
        return Dated(position, entry.id, self._dating.date(msg.boot, msg.uptime, msg.time), msg)
