"""Events on the disk before they are published: `Ledger` over `Journal` over one SQLite file.

| layer | what it knows |
|---|---|
| `Ledger` | messages and ports: what waits in memory, what may be published |
| `Journal` | events: which are unsent, sent or refused |
| `JournalFile` | the SQLite file: opened, shared between processes, replaced when damaged |
"""

from metrica.journal.file import JournalUnavailableError
from metrica.journal.journal import Counts, Entry, Journal, Queued, Room
from metrica.journal.ledger import Ledger

__all__ = ["Counts", "Entry", "Journal", "JournalUnavailableError", "Ledger", "Queued", "Room"]
