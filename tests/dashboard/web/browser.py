"""A browser without a screen, for tests of what the server answers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import urllib3
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from metrica.dashboard.web.passwords import OWNER

PASSWORD = "a good password"


def csrf(client: FlaskClient) -> str:
    """The CSRF token that a visitor finds in the login form."""
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/login").text)
    assert found
    return found.group(1)


def csrf_inside(client: FlaskClient) -> str:
    """The CSRF token that a logged-in user finds in the form for a new password."""
    found = re.search(r'name="csrf" value="([^"]+)"', client.get("/password").text)
    assert found
    return found.group(1)


def log_in(client: FlaskClient, password: str = PASSWORD, name: str = OWNER, **other: str) -> TestResponse:
    """Fill in the login form and send it. other: headers."""
    return client.post("/login", data={"name": name, "password": password, "csrf": csrf(client)}, headers=other)


def is_in(client: FlaskClient) -> bool:
    """Whether the client is logged in."""
    return client.get("/session").status_code == 200


@dataclass
class Visitor:
    """Somebody at a real server over real HTTP, whose cookie is in plain sight."""

    address: str
    cookie: str = ""
    http: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False, timeout=30))

    def ask(
        self, method: str, path: str, fields: dict[str, str] | None = None, **headers: str
    ) -> urllib3.BaseHTTPResponse:
        given = {"Cookie": self.cookie, **{name.replace("_", "-"): value for name, value in headers.items()}}
        how: dict[str, Any] = {"fields": fields, "encode_multipart": False} if fields else {}
        answer = self.http.request(method, f"{self.address}{path}", headers=given, redirect=False, **how)
        if "Set-Cookie" in answer.headers:
            self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
        return answer

    def token(self, path: str = "/login") -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.ask("GET", path).data.decode())
        assert found
        return found.group(1)

    def log_in(self, password: str = PASSWORD, name: str = OWNER) -> int:
        fields = {"name": name, "password": password, "csrf": self.token()}
        return self.ask("POST", "/login", fields).status

    def is_in(self) -> bool:
        return self.ask("GET", "/session").status == 200
