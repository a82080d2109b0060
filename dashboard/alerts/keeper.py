"""Looks after the alerts: every half minute it asks the rules, notes what began or ended, and tells it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from metrica.dashboard.alerts.alert import Alert, Finding, changes
from metrica.dashboard.alerts.gather import Gatherer
from metrica.dashboard.alerts.notices import Notice, NoticeTable
from metrica.dashboard.alerts.rules import Ending, of_endings, of_store
from metrica.dashboard.alerts.sending import Message, SendingError, send
from metrica.dashboard.alerts.targets import Target, TargetTable
from metrica.dashboard.alerts.turn import Turns
from metrica.dashboard.alerts.wording import in_words
from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.kpis.business_day import Calendar
from metrica.dashboard.service.calm import calm_logger
from metrica.dashboard.store.database import Database

log = calm_logger(__name__)

PERIOD = 30.0
"""Seconds between two rounds."""
_SENDING = 60.0
"""Seconds that a round sends at most: a target that is slow must not keep the rules from being asked."""
_TAKE_AGAIN = 30.0
"""Seconds of asking the rules after which the turn is taken again."""
_MOST = 200
"""Notices that a round looks at."""
_QUIET_AGAIN = 5 * 60 * 10**9
"""How long a notice waits in quiet hours until it is looked at again, ns."""

Send = Callable[[str, Message, bool], None]
Endings = Callable[[], Sequence[Ending]]


class Keeper:
    """One round is one call of `run_once`; `start` makes them in a thread of their own."""

    def __init__(self, database: Database, *, endings: Endings = tuple, send: Send = send) -> None:
        """endings: returns what is valid until a moment. send: sends a message, or raises SendingError."""
        self._database, self._endings, self._send = database, endings, send
        self._gatherer = Gatherer(database)
        self._targets, self._notices = TargetTable(database), NoticeTable(database)
        self.turns = Turns(database)
        """Whose turn it is to tell: of several programs over one database, one."""
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, period: float = PERIOD) -> None:
        """Begin. period: seconds between two rounds."""
        self._thread = threading.Thread(target=self._run, args=(period,), name="metrica-alerts", daemon=True)
        self._thread.start()

    def stop(self, patience: float = 2.0) -> None:
        """End, after the message that is being sent. patience: seconds to wait for that."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(patience)

    def run_once(self) -> bool:
        """Do one round. Returns False if it is another program's turn. Raises DatabaseError."""
        turn = self.turns.take()
        if turn is None:
            return False
        now, taken = self._database.clock(), time.monotonic()
        on = self._notices.on()
        findings = of_endings(self._endings(), now)
        for seen in self._gatherer.stores(now, on):
            findings += of_store(seen, now, turn.listening)
            if self._stop.is_set():
                return True
            if time.monotonic() - taken > _TAKE_AGAIN:  # thousands of stores must not let the turn run out
                if self.turns.take() is None:
                    return False
                taken = time.monotonic()
        self._note(findings)
        self._tell(now)
        return True

    def _run(self, period: float) -> None:
        while not self._stop.wait(period):
            try:
                self.run_once()
            except DatabaseError as error:
                log.warning("alerts are looked after again in %.0f s: %s", period, error)
            except Exception:  # the other rounds go on
                log.exception("a round of alerts failed; the next one is in %.0f s", period)
        try:
            self.turns.give_back()
        except DatabaseError as error:
            log.warning("the turn of alerts ends by itself: %s", error)

    def _note(self, findings: Sequence[Finding]) -> None:
        changed = changes(self._notices.on(), findings)
        if changed.begun or changed.over:
            self._notices.apply(changed, self._targets.all(), self._organisations())
        for what, alerts in (("began", changed.begun), ("is over", changed.over)):
            for alert in alerts:
                log.info("alert %s: %s", what, " ".join(filter(None, alert.key)))

    def _organisations(self) -> dict[str, str]:
        return dict(self._database.rows("SELECT id, organisation FROM stores"))

    def _tell(self, now: int) -> None:
        end = time.monotonic() + _SENDING
        targets = {target.n: target for target in self._targets.all()}
        zones = {store.id: store.timezone for store in self._database.stores.all()} if targets else {}
        for notice in self._notices.due(_MOST):
            if self._stop.is_set() or time.monotonic() > end:
                return
            target = targets.get(notice.target)
            if target is None:
                continue  # just removed, and its notices with it
            zone = _zone(notice.alert, target, zones)
            if target.is_quiet(Calendar(zone).local(now)):
                self._notices.wait(notice, now + _QUIET_AGAIN)
                continue
            # A slow target must not let the turn run out; if it did all the same, another program tells the rest.
            if self.turns.take() is None:
                return
            self._tell_one(notice, target, zone)

    def _tell_one(self, notice: Notice, target: Target, zone: str) -> None:
        try:
            wording = in_words(notice.alert, over=notice.over, language=target.language, timezone=zone)
            self._send(target.address, Message(wording, notice.alert, notice.over), target.private)
        except SendingError as error:
            goes_on = self._notices.failed(notice)
            what = "tried again later" if goes_on else "given up"
            log.warning("an alert is not told to target %d (%s): %s", target.n, what, error)
            return
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 (whatever a library does with one must not hold up all others)
            self._notices.failed(notice)
            # Without its words: they may hold the address, and that a password.
            log.error("an alert is not told to target %d: a %s was raised", target.n, type(error).__name__)
            return
        self._notices.told(notice)


def _zone(alert: Alert, target: Target, zones: dict[str, str]) -> str:
    """The time zone in which times are said: the store's; for the server itself that of the target's store, or UTC."""
    return zones.get(alert.store) or zones.get(target.store or "") or "UTC"
