"""The login: its page, the session, and the check that runs before every request."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
import secrets
from functools import lru_cache
from importlib.resources import files

from flask import Blueprint, Flask, current_app, redirect, render_template_string, request, session
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from metrica.dashboard.store.database import Database
from metrica.dashboard.store.errors import DatabaseError
from metrica.dashboard.store.users import User
from metrica.dashboard.web.language import PATH as LANGUAGE_PATH
from metrica.dashboard.web.language import request_texts
from metrica.dashboard.web.passwords import OWNER, Throttle, is_right
from metrica.dashboard.web.prefix import root
from metrica.dashboard.web.texts import LANGUAGES

OPEN_PATHS = frozenset({"/login", LANGUAGE_PATH, "/healthz", "/assets/metrica.css", "/assets/favicon.svg"})
"""Addresses that work without a login."""

FREE_TRIES = 5
"""How many logins with one user name from one address may fail before the next one has to wait."""
FREE_TRIES_OF_ADDRESS = 30
"""How many logins from one address, with any names, may fail before the next one has to wait."""
LONGEST_WAIT = 300.0
"""Most seconds that a login has to wait after others that failed."""


class SessionUser(UserMixin):  # type: ignore[misc]
    """A logged-in user. The id depends on the password, so a new password ends every session."""

    def __init__(self, user: User) -> None:
        self.name = user.name
        self._id = f"{hashlib.sha256(user.password.encode()).hexdigest()[:16]}/{user.name}"

    def get_id(self) -> str:
        return self._id


def protect(server: Flask, database: Database) -> None:
    """Refuse every request without a login, except those for `OPEN_PATHS`, and add the login page."""
    manager = LoginManager(server)

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load(session_id: str) -> SessionUser | None:  # pyright: ignore[reportUnusedFunction]
        user = database.users.get(session_id.partition("/")[2])
        current = SessionUser(user) if user else None
        return current if current and hmac.compare_digest(current.get_id().encode(), session_id.encode()) else None

    @server.before_request
    def guard() -> ResponseReturnValue | None:  # pyright: ignore[reportUnusedFunction]
        # For browsers that ignore SameSite=Lax, which keeps the cookie out of requests from other sites.
        if request.method == "POST" and request.headers.get("Sec-Fetch-Site") == "cross-site":
            return {"error": "the request comes from another site"}, 403
        if request.path in OPEN_PATHS or current_user.is_authenticated:
            return None
        if request.path == "/":
            return redirect(f"{root()}/login")
        return {"error": "log in first"}, 401

    server.register_blueprint(_routes(database))


def csrf_token() -> str:
    """Return the CSRF token of this session; every form has it in a hidden field."""
    token: str = session.setdefault("csrf", secrets.token_urlsafe(16))
    return token


def csrf_is_right() -> bool:
    """Whether the form of this request has the CSRF token of its session."""
    expected: str = session.get("csrf", "")
    return bool(expected) and hmac.compare_digest(expected.encode(), request.form.get("csrf", "").encode())


def network_of(address: str) -> str:
    """Return what stands for one visitor: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return str(known)
    return str(known.ipv4_mapped or ipaddress.ip_network((known, 64), strict=False))


def _routes(database: Database) -> Blueprint:
    routes = Blueprint("login", __name__)
    # Not by the name alone: then anybody could lock the owner out from anywhere.
    by_both, by_address = Throttle(FREE_TRIES, LONGEST_WAIT), Throttle(FREE_TRIES_OF_ADDRESS, LONGEST_WAIT)

    def form(problem: str = "", status: int = 200, name: str = OWNER) -> ResponseReturnValue:
        return render_template_string(
            _template(),
            t=request_texts(),
            languages=LANGUAGES,
            problem=problem,
            name=name,
            csrf=csrf_token(),
            root=root(),
        ), status

    @routes.get("/login")
    def show() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        return redirect(f"{root()}/") if current_user.is_authenticated else form()

    @routes.post("/login")
    def log_in() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        t = request_texts()
        name, address = request.form.get("name", "")[:200], network_of(request.remote_addr or "")
        both = f"{address} {name}"
        if not csrf_is_right():
            return form(t("login_stale"), 400, name)
        wait = max(by_address.wait(address), by_both.wait(both))
        if wait > 0:
            page = current_app.make_response(form(t("login_throttled", n=math.ceil(wait)), 429, name))
            page.headers["Retry-After"] = str(math.ceil(wait))
            return page
        user = database.users.get(name)
        right = is_right(user, request.form.get("password", ""))
        if user is None or not right:
            by_address.failed(address)
            by_both.failed(both)
            return form(t("login_wrong"), 401, name)
        by_address.succeeded(address)
        by_both.succeeded(both)
        session.clear()
        session.permanent = True
        csrf_token()
        login_user(SessionUser(user))
        return redirect(f"{root()}/")

    @routes.post("/logout")
    def log_out() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        if csrf_is_right():
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

    return routes


@lru_cache
def _template() -> str:
    return files("metrica.dashboard.web").joinpath("login.html").read_text(encoding="utf-8")
