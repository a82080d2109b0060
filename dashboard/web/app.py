"""The pages: a Dash application on Flask, behind a login. It loads nothing from the internet."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from dash import Dash
from dash.exceptions import DependencyException
from flask import Flask, Response, has_request_context, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from metrica.dashboard.people.details import told_apart
from metrica.dashboard.people.details_table import DetailsTable
from metrica.dashboard.people.rights import SETTINGS
from metrica.dashboard.reports.answers import PATIENCE, Answers
from metrica.dashboard.reports.reports import Reports
from metrica.dashboard.service.calm import calm_logger
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.sessions import LONGEST
from metrica.dashboard.texts.texts import texts
from metrica.dashboard.web.asking import asker_of, stores_of
from metrica.dashboard.web.callbacks import register
from metrica.dashboard.web.compression import compress
from metrica.dashboard.web.empty_marks import empty_mark_routes
from metrica.dashboard.web.failures import FailureLog
from metrica.dashboard.web.language import language_routes, request_texts
from metrica.dashboard.web.login import Gate, protect
from metrica.dashboard.web.new_password import new_password_routes
from metrica.dashboard.web.page import layout
from metrica.dashboard.web.prefix import PLACEHOLDER, root, serve_under
from metrica.dashboard.web.same_origin import csrf_token
from metrica.dashboard.web.updates import is_from_page

_INDEX = """<!DOCTYPE html>
<html lang="LANGUAGE" dir="DIRECTION">
<head>
{%metas%}
<meta name="color-scheme" content="light dark">
<title>{%title%}</title>
<link rel="icon" href="PREFIXassets/favicon.svg">
{%css%}
</head>
<body>
{%app_entry%}
<footer>{%config%}{%scripts%}{%renderer%}</footer>
</body>
</html>""".replace("PREFIX", PLACEHOLDER)

SESSION_KEY = "session.key"
"""Name of the file in the data folder that holds the key with which session cookies are signed."""


_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # for browsers that do not know frame-ancestors
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True, slots=True)
class WebSettings:
    """How the pages are served."""

    secret_key: str
    """Key with which session cookies are signed. Who knows it can log in as anybody."""
    refresh: float = 5.0
    """Seconds between two updates of an open page."""
    first_store: str = ""
    """Id of the store that is shown first, if there are several."""
    https: bool = False
    """Whether browsers connect over HTTPS, through a reverse proxy; session cookies are then sent over HTTPS only."""
    prefix: str = ""
    """Path under which the proxy shows the pages, such as /footfall; empty: the one in its X-Forwarded-Prefix."""
    patience: float | None = PATIENCE
    """Seconds until the last figures are shown instead of fresh ones; None waits for fresh ones."""


class _LocalisedDash(Dash):
    """Dash with the language and the prefix of the request in its HTML page."""

    def interpolate_index(self, *args: Any, **kwargs: Any) -> Any:
        t = request_texts()
        page: str = super().interpolate_index(*args, **kwargs)  # type: ignore[no-untyped-call]
        page = page.replace("LANGUAGE", t.language, 1).replace("DIRECTION", t.direction, 1)
        for slash in ("/", r"\u002f"):  # Dash's JSON writes the slash as an escape
            page = page.replace(PLACEHOLDER.replace("/", slash), f"{root()}/".replace("/", slash))
        return page


def create_web(database: Database, settings: WebSettings) -> Flask:
    """Make the pages over a database, as a WSGI application. The database's clock says what "now" is."""
    server = Flask(__name__, static_folder=None)
    calm_logger(server.name)
    server.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME=_cookie_name(settings.secret_key, database.identity),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.https,
        # Otherwise every answer sets the cookie, and one that arrives after logging out would log the user in again.
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(microseconds=LONGEST // 1000),
        MAX_CONTENT_LENGTH=1 << 20,
    )
    serve_under(server, settings.prefix, behind_proxy=settings.https)
    gate, failures = Gate(), FailureLog(database)
    protect(server, database, gate, failures)
    server.register_blueprint(new_password_routes(database, gate, failures))
    server.register_blueprint(empty_mark_routes(database))
    server.register_blueprint(language_routes(https=settings.https))
    host: Any = server  # Dash's annotation says bool or a factory; its documentation says Flask
    app = _LocalisedDash(
        __name__,
        server=host,
        title=texts()("product"),
        update_title="",
        index_string=_INDEX,
        routes_pathname_prefix="/",
        requests_pathname_prefix=PLACEHOLDER,
        assets_folder=str(Path(__file__).with_name("assets")),
        serve_locally=True,
        add_log_handler=False,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )

    def current_layout() -> Any:
        # Dash also calls this for itself, at the first request of anybody, to learn the ids of the elements.
        if not has_request_context() or not current_user.is_authenticated:
            return layout([], "", settings.refresh, request_texts(), root())
        stores = sorted((store.id for store in stores_of(database)), key=lambda store: store != settings.first_store)
        may_mark = SETTINGS in asker_of(database).rights
        called = told_apart(stores, DetailsTable(database).names(stores))
        return layout(called, csrf_token(), settings.refresh, request_texts(), root(), may_mark=may_mark)

    app.layout = current_layout
    answers = Answers(Reports(database), patience=settings.patience)
    database.before_close(answers.close)
    register(app, database, answers)
    policy = _content_policy(app)

    @server.before_request
    def refuse_unknown_update() -> ResponseReturnValue | None:  # pyright: ignore[reportUnusedFunction]
        # A page that stayed open during an upgrade may ask for a callback that no longer exists.
        is_update = request.path == "/_dash-update-component" and request.method == "POST"
        if is_update and not is_from_page(request.get_json(silent=True), app.callback_map):
            return {"error": "the page is not one of this server's: reload it"}, 400
        return None

    @server.errorhandler(DependencyException)
    def script_not_found(_error: DependencyException) -> ResponseReturnValue:  # pyright: ignore[reportUnusedFunction]
        return {"error": "there is no such script"}, 404

    @server.after_request
    def add_headers(response: Response) -> Response:  # pyright: ignore[reportUnusedFunction]
        response.headers.update(_HEADERS)
        response.headers["Content-Security-Policy"] = policy
        if not request.path.startswith(("/_dash-component-suites/", "/assets/")):
            response.headers["Cache-Control"] = "no-store"
        return compress(response)

    return server


def _cookie_name(secret_key: str, database: str) -> str:
    # Browsers keep one set of cookies for all ports of a host, so each installation needs a name of its own.
    return f"metrica-{hashlib.sha256(f'{secret_key} {database}'.encode()).hexdigest()[:12]}"


def _content_policy(app: Dash) -> str:
    # With this header the browser refuses to load anything from elsewhere. Plotly and Mantine need inline styles.
    scripts = " ".join(app.csp_hashes())
    return (
        f"default-src 'self'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )
