"""Events on the disk before anybody is told of them."""

from metrica.journal.journal import Counts, Entry, Event, Journal, JournalUnavailableError, PendingJournal, Refusal

__all__ = ["Counts", "Entry", "Event", "Journal", "JournalUnavailableError", "PendingJournal", "Refusal"]
