"""Who may look: the login page, the session, and the guard before everything else."""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
from functools import lru_cache
from importlib.resources import files

from flask import Blueprint, Flask, current_app, redirect, render_template_string, request, session
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from metrica.dashboard.store.database import Database, User
from metrica.dashboard.store.errors import DatabaseError
from metrica.dashboard.web.language import PATH as LANGUAGE_PATH
from metrica.dashboard.web.language import words
from metrica.dashboard.web.passwords import OWNER, Throttle, is_right
from metrica.dashboard.web.texts import LANGUAGES

OPEN_PATHS = frozenset({"/login", LANGUAGE_PATH, "/healthz", "/assets/metrica.css", "/assets/favicon.svg"})
"""What everybody may ask for."""

PER_ADDRESS, PER_NAME, WINDOW = 10, 20, 300.0
"""Failed logins within `WINDOW` seconds before an address, or anybody who tries a name, has to wait."""


class SessionUser(UserMixin):  # type: ignore[misc]
    """A logged-in user. The id changes with the password, so that changing it ends every session."""

    def __init__(self, user: User) -> None:
        self.name = user.name
        self._id = f"{hashlib.sha256(user.password.encode()).hexdigest()[:16]}/{user.name}"

    def get_id(self) -> str:
        return self._id


def protect(server: Flask, database: Database) -> None:
    """Put the login in front of everything that the server answers."""
    manager = LoginManager(server)

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load(session_id: str) -> SessionUser | None:  # pyright: ignore[reportUnusedFunction]
        user = database.user(session_id.partition("/")[2])
        known = SessionUser(user) if user else None
        return known if known and hmac.compare_digest(known.get_id().encode(), session_id.encode()) else None

    @server.before_request
    def guard() -> ResponseReturnValue | None:  # pyright: ignore[reportUnusedFunction]
        # SameSite=Lax keeps the cookie out of other sites' requests already; this is for browsers that don't.
        if request.method == "POST" and request.headers.get("Sec-Fetch-Site") == "cross-site":
            return {"error": "the request comes from another site"}, 403
        if request.path in OPEN_PATHS or current_user.is_authenticated:
            return None
        if request.path == "/":
            return redirect("/login")
        return {"error": "log in first"}, 401

    server.register_blueprint(_pages(database))


def csrf_token() -> str:
    """The token that this session's forms carry."""
    token: str = session.setdefault("csrf", secrets.token_urlsafe(16))
    return token


def csrf_is_right() -> bool:
    """Whether the form that was sent is one of this session's."""
    known: str = session.get("csrf", "")
    return bool(known) and hmac.compare_digest(known.encode(), request.form.get("csrf", "").encode())


def _pages(database: Database) -> Blueprint:
    pages = Blueprint("login", __name__)
    by_address, by_name = Throttle(PER_ADDRESS, WINDOW), Throttle(PER_NAME, WINDOW)

    def form(problem: str = "", status: int = 200, name: str = OWNER) -> ResponseReturnValue:
        return render_template_string(
            _template(), t=words(), languages=LANGUAGES, problem=problem, name=name, csrf=csrf_token()
        ), status

    @pages.get("/login")
    def show() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        return redirect("/") if current_user.is_authenticated else form()

    @pages.post("/login")
    def log_in() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        t = words()
        name, address = request.form.get("name", "")[:200], request.remote_addr or ""
        if not csrf_is_right():
            return form(t("login_stale"), 400, name)
        wait = max(by_address.wait(address), by_name.wait(name))
        if wait > 0:
            page = current_app.make_response(form(t("login_throttled", n=math.ceil(wait)), 429, name))
            page.headers["Retry-After"] = str(math.ceil(wait))
            return page
        user = database.user(name)
        right = is_right(user, request.form.get("password", ""))
        if user is None or not right:
            by_address.failed(address)
            by_name.failed(name)
            return form(t("login_wrong"), 401, name)
        by_address.succeeded(address)
        by_name.succeeded(name)
        session.clear()
        session.permanent = True
        csrf_token()
        login_user(SessionUser(user))
        return redirect("/")

    @pages.post("/logout")
    def log_out() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        if csrf_is_right():
            logout_user()
            session.clear()
        return redirect("/login")

    @pages.get("/session")
    def still_there() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        """What a page asks that has lost its connection: 401 from the guard means that it must log in again."""
        return {"user": current_user.name}

    @pages.get("/healthz")
    def healthz() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        database.stores()
        return {"status": "ok"}

    @pages.app_errorhandler(DatabaseError)
    def broken(error: DatabaseError) -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        return {"error": str(error)}, 503

    return pages


@lru_cache
def _template() -> str:
    return files("metrica.dashboard.web").joinpath("login.html").read_text(encoding="utf-8")
