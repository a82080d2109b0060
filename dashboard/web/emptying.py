"""What the button "the shop is empty now" asks for: kept with its time and who said it, and it can be taken back."""

from __future__ import annotations

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from metrica.dashboard.store.database import Database
from metrica.dashboard.store.empties import add_empty, undo_empty
from metrica.dashboard.web.language import words
from metrica.dashboard.web.login import csrf_is_right


def empty_pages(database: Database) -> Blueprint:
    """`POST /empty` and `POST /empty/undo`, for who is logged in, with the session's CSRF token in the form."""
    pages = Blueprint("empty", __name__)

    def refused() -> ResponseReturnValue | None:
        t = words()
        if not csrf_is_right():
            return {"error": t("login_stale")}, 400
        if database.store(request.form.get("store", "")) is None:
            return {"error": t("no_such_store")}, 404
        return None

    @pages.post("/empty")
    def empty() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        problem = refused()
        if problem is not None:
            return problem
        said = add_empty(database, request.form["store"], current_user.name)
        return {"n": said.n, "time": said.time}

    @pages.post("/empty/undo")
    def undo() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        problem = refused()
        if problem is not None:
            return problem
        n = request.form.get("n", "")
        if not (n.isascii() and n.isdigit() and len(n) < 18 and undo_empty(database, request.form["store"], int(n))):
            return {"error": words()("nothing_to_undo")}, 404
        return {"n": int(n)}

    return pages
