"""In which language a browser gets its pages: the one chosen there, else the first that it asks for."""

from __future__ import annotations

from flask import Blueprint, has_request_context, make_response, redirect, request
from flask.typing import ResponseReturnValue

from metrica.dashboard.web.texts import LANGUAGES, Texts, texts

COOKIE = "metrica_language"
PATH = "/language"
_YEAR = 365 * 24 * 3600


def words() -> Texts:
    """The catalogue for the request that is being answered; English outside of one."""
    if not has_request_context():
        return texts()
    chosen = request.cookies.get(COOKIE, "")
    return texts(chosen if chosen in LANGUAGES else request.accept_languages.best_match(LANGUAGES, "en") or "en")


def language_pages(*, https: bool) -> Blueprint:
    """`GET /language?code=fr`: choose, and go back to the page. It tells nothing, so nobody needs to be logged in."""
    pages = Blueprint("language", __name__)

    @pages.get(PATH)
    def choose() -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        code, answer = request.args.get("code", ""), make_response(redirect("/"))
        if code in LANGUAGES:
            answer.set_cookie(COOKIE, code, max_age=_YEAR, samesite="Lax", httponly=True, secure=https)
        return answer

    return pages
