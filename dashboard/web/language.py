"""The language of a request: the one that the user chose, else the first one that the browser asks for."""

from __future__ import annotations

from flask import Blueprint, has_request_context, make_response, redirect, request
from flask.typing import ResponseReturnValue

from metrica.dashboard.texts.texts import LANGUAGES, Texts, texts
from metrica.dashboard.web.prefix import root

COOKIE = "metrica_language"
"""Name of the cookie that keeps the chosen language."""
PATH = "/language"
"""Address at which a language is chosen."""
_YEAR = 365 * 24 * 3600  # s


def request_texts() -> Texts:
    """Return the texts in the language of the present request; English outside of a request."""
    if not has_request_context():
        return texts()
    chosen = request.cookies.get(COOKIE, "")
    return texts(chosen if chosen in LANGUAGES else request.accept_languages.best_match(LANGUAGES, "en") or "en")


def language_routes(*, https: bool) -> Blueprint:
    """Make `GET /language?code=fr`: choose a language and go back to the page. It works without a login."""
    routes = Blueprint("language", __name__)

    @routes.get(PATH)
    def choose() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        code, answer = request.args.get("code", ""), make_response(redirect(f"{root()}/"))
        if code in LANGUAGES:
            path = root() or "/"
            answer.set_cookie(COOKIE, code, max_age=_YEAR, path=path, samesite="Lax", httponly=True, secure=https)
        return answer

    return routes
