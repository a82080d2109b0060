"""The node that tells the server each minute how the box and its nodes are."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from http import HTTPStatus
from pathlib import Path

from metrica import Node, param, timer
from metrica.box import Hello, Launched, hello_of, read_launched
from metrica.errors import ParameterError
from metrica.nodes.delivery.address import check_address, check_ca_file
from metrica.nodes.delivery.delivery import Delivered, Delivery, Failed
from metrica.nodes.reporting.machine import look_at
from metrica.version import __version__

_FIRST = 10.0
"""Seconds until the first hello: the nodes have just begun."""
_ASK_AGAIN = 3600.0
"""Seconds; a server that takes no hello may be updated one day."""
_STALE = 30.0
"""Seconds after which what the launcher wrote is not true any more: it hangs."""


class BoxReporter(Node):
    """Tells the server each minute how the box is: its version, nodes, cameras, journal, disk, temperature and clock.

    It has no topics: it reads what the launcher writes into its run folder, where also a node is that does not run. A
    hello that cannot be sent is not kept, because the next one says more; the server notices the silence. The box has
    a random name, in the file `box-name` of the data folder. Nothing in a hello tells of people, not even how many.
    """

    url: str = param(help="address of the ingest, as for the uploader")
    ca_file: Path | None = param(default=None, help="certificate of the ingest, or of who signed it, if it is your own")
    plain_http: bool = param(
        default=False, help="send the token unencrypted to another machine: only in a network where nobody listens"
    )
    token: str = param(default="", secret=True, help="the store's token; empty: the one this box made for itself")
    period: float = param(default=60.0, ge=1, le=600, unit="s", help="time between two hellos")

    def check(self) -> None:
        check_address(self.url, plain_http=self.plain_http)
        check_ca_file(self.ca_file)
        if not (self.token.isascii() and self.token.isprintable()) or " " in self.token:
            raise ParameterError("token", "'token' must be plain letters and digits, without blanks or line breaks")

    def on_configure(self) -> None:
        self._box = self.context.box_name()
        token = self.token or self.context.local_token()
        self._delivery = Delivery(self.url, self.context.store, token, self.ca_file)
        self._under_way = False
        self._ahead: float | None = None
        self._failure = ""

    def on_activate(self) -> None:
        self._due = self._seconds() + min(_FIRST, self.period)

    @timer(seconds=1)
    def look(self) -> None:
        """Say hello if it is time, and the one before has been answered."""
        now = self._seconds()
        if self._under_way or now < self._due:
            return
        self._due = now + self.period
        self._under_way = True
        answer = Future[Delivered | Failed]()
        answer.add_done_callback(lambda _: self.call_soon(self._answered, answer))
        # A daemon thread, because a thread of a pool would keep the process from ending while a server does not answer.
        threading.Thread(target=self._tell, args=(answer,), name="hello", daemon=True).start()

    def on_cleanup(self) -> None:
        self._delivery.close()

    def _seconds(self) -> float:
        return self.clock.monotonic() / 1e9

    def _answered(self, answer: Future[Delivered | Failed]) -> None:
        self._under_way = False
        outcome = answer.result()
        if isinstance(outcome, Delivered):
            self.count("hellos")
            if self._failure:
                self.log.info("the server hears of this box again")
            self._failure = ""
        else:
            self.count("failed_hellos")
            unknown = outcome.status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
            self._due += _ASK_AGAIN if unknown else min(outcome.retry_after, _ASK_AGAIN)
            if not self._failure:
                what = "it may be an older one; asked again every hour" if unknown else "tried again every minute"
                self.log.warning(f"the server does not hear how this box is: {outcome.reason}; {what}")
            self._failure = outcome.reason
        if self._ahead is not None:
            self.gauge("server_clock_ahead", self._ahead)
        self.trouble(self._failure)

    # In the thread of a hello.

    def _tell(self, answer: Future[Delivered | Failed]) -> None:
        try:
            hello = self._hello()
            before = self.clock.now()
            outcome = self._delivery.send_hello(self._box, hello)
            if isinstance(outcome, Delivered) and outcome.server_time:
                self._ahead = round((outcome.server_time - (before + self.clock.now()) / 2) / 1e9, 3)
            answer.set_result(outcome)
        except Exception as error:  # noqa: BLE001 (raised in the node's own thread, which asks for the result)
            answer.set_exception(error)

    def _hello(self) -> Hello:
        machine = look_at(
            self.context.data_dir,
            self.context.journal,
            clock_ahead=self._ahead,
            synchronised=self.clock.is_synchronised(),
        )
        return hello_of(self.context.store, __version__, self._launched(), machine, self.clock.monotonic())

    def _launched(self) -> Launched | None:
        if self.context.run_dir is None:
            return None
        try:
            found = read_launched(self.context.run_dir)
        except (OSError, ValueError) as error:
            self.call_soon(self.log.warning, f"nobody knows how the nodes are: {error}")
            return None
        return found if found is not None and found.age(self.clock.monotonic()) < _STALE else None
