"""The button "the shop is empty now" and its undo: two HTTP endpoints that write empty marks."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from metrica.dashboard.people.rights import FIGURES, SETTINGS
from metrica.dashboard.store.database import Database
from metrica.dashboard.web.asking import store_of
from metrica.dashboard.web.language import request_texts
from metrica.dashboard.web.same_origin import csrf_is_right


def empty_mark_routes(database: Database) -> Blueprint:
    """Make `POST /empty` and `POST /empty/undo`: for a logged-in user, with the session's CSRF token in the form."""
    routes = Blueprint("empty", __name__)

    def refusal() -> ResponseReturnValue | None:
        """Return the error answer if token or store are wrong."""
        t = request_texts()
        if not csrf_is_right():
            return {"error": t("login_stale")}, 400
        if store_of(database, request.form.get("store", ""), FIGURES, SETTINGS) is None:
            return {"error": t("no_such_store")}, 404
        return None

    @routes.post("/empty")
    def empty() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        error = refusal()
        if error is not None:
            return error
        mark = database.empty_marks.add(request.form["store"], current_user.name)
        return {"n": mark.n, "time": mark.time}

    @routes.post("/empty/undo")
    def undo() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        error = refusal()
        if error is not None:
            return error
        store, n = request.form["store"], request.form.get("n", "")
        if not (n.isascii() and n.isdigit() and len(n) < 18 and database.empty_marks.undo(store, int(n))):
            return {"error": request_texts()("nothing_to_undo")}, 404
        return {"n": int(n)}

    return routes
