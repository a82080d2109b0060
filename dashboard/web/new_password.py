"""The page on which users change their own password. The other sessions of the user end with it."""

from __future__ import annotations

import math

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from metrica.dashboard.service.addresses import network_of
from metrica.dashboard.service.errors import BusyError
from metrica.dashboard.service.passwords import LONGEST
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.origins import ADMIN
from metrica.dashboard.store.users import User
from metrica.dashboard.web.device import known_device
from metrica.dashboard.web.failures import FailureLog
from metrica.dashboard.web.form_page import Field, form_page
from metrica.dashboard.web.language import request_texts
from metrica.dashboard.web.login import BUSY_WAIT, Gate, begin_session, later
from metrica.dashboard.web.passwords import SHORTEST, hashed, log_in
from metrica.dashboard.web.same_origin import csrf_is_right


def new_password_routes(database: Database, gate: Gate, failures: FailureLog) -> Blueprint:
    """Make `GET` and `POST /password`, for a logged-in user; the form has the present password and the CSRF token."""
    routes = Blueprint("password", __name__)

    def form(problem: str = "", done: str = "") -> str:
        t = request_texts()
        return form_page(
            "/password",
            [
                Field("current", t("password_current"), "current-password", focus=True),
                Field("new", t("password_new", n=SHORTEST), "new-password", shortest=SHORTEST),
                Field("again", t("password_again"), "new-password", shortest=SHORTEST),
            ],
            title=t("password_change"),
            heading=t("password_change"),
            button=t("password_save"),
            problem=problem,
            done=done,
            back=t("password_back"),
        )

    @routes.get("/password")
    def show() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        return form()

    @routes.post("/password")
    def change() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        t = request_texts()
        name, address = str(current_user.name), request.remote_addr or ""
        visitor, device = network_of(address), known_device(name)
        if not csrf_is_right():
            return form(t("login_stale")), 400
        current, new = request.form.get("current", ""), request.form.get("new", "")
        problem = _problem(new, request.form.get("again", ""))
        if problem:
            return form(problem), 400
        # Whoever finds a browser that is logged in must not be able to guess on and on either.
        wait = gate.enter(name, visitor, device)
        if wait > 0:
            failures.note("password change put off", name, address)
            return later(form(t("login_throttled", n=math.ceil(wait))), wait, 429)
        try:
            with gate.forgiving(name, visitor, device):
                user = log_in(database, name, current)
                changed = User(name, hashed(new), ADMIN) if user else None
        except BusyError:
            return later(form(t("login_busy")), BUSY_WAIT, 503)
        except ValueError:  # too simple
            gate.was_right(name, visitor, device)
            return form(t("password_simple")), 400
        if changed is None:
            failures.note("password change failed", name, address)
            return form(t("password_wrong")), 401
        gate.was_right(name, visitor, device)
        database.users.put(changed, actor=name, address=address)
        begun = database.sessions.create(name, changed.password, address, renewed=True)
        if begun is not None:  # else somebody else has changed it again by now
            begin_session(name, begun)
        return form(done=t("password_changed"))

    return routes


def _problem(new: str, again: str) -> str:
    """Return what is wrong with the new password, whoever asks; empty if nothing is."""
    t = request_texts()
    if len(new) < SHORTEST:
        return t("password_short", n=SHORTEST)
    if len(new) > LONGEST:
        return t("password_long", n=LONGEST)
    return t("password_differs") if new != again else ""
