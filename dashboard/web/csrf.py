"""The CSRF token of a session: every form has it in a hidden field, and a form without it is refused."""

from __future__ import annotations

import hmac
import secrets

from flask import request, session


def csrf_token() -> str:
    """Return the CSRF token of this session; every form has it in a hidden field."""
    token: str = session.setdefault("csrf", secrets.token_urlsafe(16))
    return token


def csrf_is_right() -> bool:
    """Whether the form of this request has the CSRF token of its session."""
    expected: str = session.get("csrf", "")
    given = request.form.get("csrf", "").encode("utf-8", "replace")
    return bool(expected) and hmac.compare_digest(expected.encode(), given)
