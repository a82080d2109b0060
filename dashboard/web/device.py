"""Browsers in which a user has logged in before: what strangers at the same address do must not keep them out.

Behind a proxy that hides addresses, or in a network that shares one, the limit on wrong passwords by address would let
anybody lock everybody out. So whoever was in has a cookie that is no login, only the right to a limit of one's own, as
OWASP advises (https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from flask import Response, current_app, request

from metrica.dashboard.web.prefix import root

_YEAR = 365 * 24 * 3600  # s
_NONCE = 16  # hexadecimal digits


def known_device(name: str) -> str:
    """Return what stands for the browser of this request, if the user `name` has logged in there before; else empty."""
    device, _, proof = request.cookies.get(_cookie(), "").partition(".")
    right = hmac.compare_digest(_proof(device, name).encode(), proof.encode("utf-8", "replace"))
    return device if right and len(device) == _NONCE else ""


def remember_device(answer: Response, name: str) -> None:
    """Give the browser the cookie for the user `name`, who has just logged in. The server keeps nothing of it."""
    device = secrets.token_hex(_NONCE // 2)
    answer.set_cookie(
        _cookie(),
        f"{device}.{_proof(device, name)}",
        max_age=_YEAR,
        path=root() or "/",
        httponly=True,
        samesite="Lax",
        secure=bool(current_app.config["SESSION_COOKIE_SECURE"]),
    )


def _cookie() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}-device"


def _proof(device: str, name: str) -> str:
    key = str(current_app.config["SECRET_KEY"]).encode()
    return hmac.new(key, f"device {device} {name}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()
