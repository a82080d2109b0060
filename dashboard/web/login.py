"""The login: its page, the session, and the check that runs before every request."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Generator

from flask import Blueprint, Flask, Response, current_app, redirect, request, session
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from metrica.dashboard.database.errors import DatabaseError
from metrica.dashboard.people.errors import AccessError
from metrica.dashboard.service.addresses import network_of
from metrica.dashboard.service.errors import BusyError
from metrica.dashboard.store.database import Database
from metrica.dashboard.web.device import known_device, remember_device
from metrica.dashboard.web.failures import FailureLog
from metrica.dashboard.web.form_page import Field, form_page
from metrica.dashboard.web.language import PATH as LANGUAGE_PATH
from metrica.dashboard.web.language import request_texts
from metrica.dashboard.web.passwords import OWNER, Throttle
from metrica.dashboard.web.passwords import log_in as user_with
from metrica.dashboard.web.prefix import root
from metrica.dashboard.web.same_origin import csrf_is_right, csrf_token, require_same_origin

OPEN_PATHS = frozenset({"/login", LANGUAGE_PATH, "/healthz", "/assets/metrica.css", "/assets/favicon.svg"})
"""Addresses that work without a login."""

FREE_TRIES = 5
"""How many logins with one user name from one address may fail before the next one has to wait."""
FREE_TRIES_OF_ADDRESS = 30
"""How many logins from one address, with any names, may fail before the next one has to wait."""
LONGEST_WAIT = 300.0
"""Most seconds that a login has to wait after others that failed."""
BUSY_WAIT = 5
"""Seconds that a browser is asked to wait when too many people log in."""


class SessionUser(UserMixin):  # type: ignore[misc]
    """A logged-in user. The id, which the browser's signed cookie keeps, is that of the session in the database."""

    def __init__(self, name: str, session_id: str) -> None:
        self.name = name
        self._id = session_id

    def get_id(self) -> str:
        return self._id


class Gate:
    """The limit on wrong passwords. Passwords that are being compared count as wrong until they turn out right.

    It is by name and address together, and not by the name alone: then anybody could lock the owner out from anywhere.
    A browser in which the user has logged in before has a limit of its own, see `metrica.dashboard.web.device`.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """clock: seconds, monotonic."""
        self._by_both = Throttle(FREE_TRIES, LONGEST_WAIT, clock)
        self._by_address = Throttle(FREE_TRIES_OF_ADDRESS, LONGEST_WAIT, clock)
        self._lock = threading.Lock()

    def enter(self, name: str, address: str, device: str = "") -> float:
        """Return how many seconds to wait before the next try; if 0, one try has been counted as failed.

        device: the browser, if it is known; what others at the same address do is then nothing to it.
        """
        with self._lock:  # many tries at once must not all be the first one
            keys = _keys(name, address, device)
            wait = max(throttle.wait(key) for throttle, key in self._limits(*keys))
            if wait <= 0:
                for throttle, key in self._limits(*keys):
                    throttle.failed(key)
        return wait

    def was_right(self, name: str, address: str, device: str = "") -> None:
        """Forget the failed tries."""
        for throttle, key in self._limits(*_keys(name, address, device)):
            throttle.succeeded(key)

    @contextlib.contextmanager
    def forgiving(self, name: str, address: str, device: str = "") -> Generator[None]:
        """Take the counted try back if the password could not be compared inside."""
        try:
            yield
        except (BusyError, DatabaseError):
            for throttle, key in self._limits(*_keys(name, address, device)):
                throttle.forgive(key)
            raise

    def _limits(self, both: str, address: str) -> list[tuple[Throttle, str]]:
        return [(self._by_both, both), *([(self._by_address, address)] if address else [])]


def _keys(name: str, address: str, device: str) -> tuple[str, str]:
    """Return what a try is counted under: with its name, and by itself (empty: not at all)."""
    return (f"device {device} {name}", "") if device else (f"{address} {name}", address)


def protect(server: Flask, database: Database, gate: Gate, failures: FailureLog) -> None:
    """Refuse every request without a login, except those for `OPEN_PATHS`, and add the login page."""
    manager = LoginManager(server)

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load(session_id: str) -> SessionUser | None:  # pyright: ignore[reportUnusedFunction]
        found = database.sessions.find(session_id)
        return SessionUser(found.user, session_id) if found else None

    require_same_origin(server)

    @server.before_request
    def guard() -> ResponseReturnValue | None:  # pyright: ignore[reportUnusedFunction]
        if request.path in OPEN_PATHS or current_user.is_authenticated:
            return None
        if request.path == "/":
            return redirect(f"{root()}/login")
        return {"error": "log in first"}, 401

    @server.after_request
    def remember(answer: Response) -> Response:  # pyright: ignore[reportUnusedFunction]
        if request.path == "/" and current_user.is_authenticated and not known_device(current_user.name):
            remember_device(answer, current_user.name)
        return answer

    server.register_blueprint(_routes(database, gate, failures))


def begin_session(name: str, session_id: str) -> None:
    """Give this browser a new session, with a new cookie and a new CSRF token."""
    session.clear()
    session.permanent = True
    csrf_token()
    login_user(SessionUser(name, session_id))


def later(page: str, wait: float, status: int) -> ResponseReturnValue:
    """Make an answer that says when to try again. wait: seconds."""
    answer = current_app.make_response((page, status))
    answer.headers["Retry-After"] = str(math.ceil(wait))
    return answer


def _routes(database: Database, gate: Gate, failures: FailureLog) -> Blueprint:
    routes = Blueprint("login", __name__)

    def form(problem: str = "", name: str = OWNER) -> str:
        t = request_texts()
        return form_page(
            "/login",
            [
                Field("name", t("login_name"), "username", type="text", value=name),
                Field("password", t("login_password"), "current-password", focus=True),
            ],
            title=t("login_title"),
            button=t("login_button"),
            problem=problem,
            help_text=t("login_forgotten", name=name),
        )

    @routes.get("/login")
    def show() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        return redirect(f"{root()}/") if current_user.is_authenticated else form()

    @routes.post("/login")
    def log_in() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        t = request_texts()
        name, address = request.form.get("name", "")[:200], request.remote_addr or ""
        visitor = network_of(address)
        if not csrf_is_right():
            return form(t("login_stale"), name), 400
        device = known_device(name)
        wait = gate.enter(name, visitor, device)
        if wait > 0:
            failures.note("login put off", name, address)
            return later(form(t("login_throttled", n=math.ceil(wait)), name), wait, 429)
        try:
            with gate.forgiving(name, visitor, device):
                user = user_with(database, name, request.form.get("password", ""))
                begun = database.sessions.create(user.name, user.password, address) if user else None
        except BusyError:
            return later(form(t("login_busy"), name), BUSY_WAIT, 503)
        if user is None or begun is None:
            failures.note("login failed", name, address)
            return form(t("login_wrong"), name), 401
        gate.was_right(name, visitor, device)
        if current_user.is_authenticated:
            database.sessions.end(current_user.get_id(), address=address)
        begin_session(user.name, begun)
        return redirect(f"{root()}/")

    @routes.post("/logout")
    def log_out() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        if csrf_is_right():
            database.sessions.end(current_user.get_id(), address=request.remote_addr or "")
            logout_user()
            session.clear()
        return redirect(f"{root()}/login")

    @routes.get("/session")
    def check_session() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        """Answer a page that lost its connection. Without a login, `guard` answers 401, and the page asks for one."""
        return {"user": current_user.name}

    @routes.get("/healthz")
    def healthz() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        database.require_writing()
        return {"status": "ok"}

    @routes.app_errorhandler(DatabaseError)
    def broken(error: DatabaseError) -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        return {"error": str(error)}, 503

    @routes.app_errorhandler(AccessError)
    def gone(_error: AccessError) -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        return {"error": "log in first"}, 401  # the user was removed while this request was under way

    return routes
