"""What ends: the certificate of the server, from its own TLS, and tokens that have an end."""

from __future__ import annotations

from collections.abc import Callable

from metrica.dashboard.alerts.rules import DAY, ENDS_WITHIN, Ending
from metrica.dashboard.database.interface import Engine
from metrica.dashboard.service.tls import Certificate

_REMEMBERED = 30 * DAY


def endings_of(file: Engine, certificate: Certificate | None) -> Callable[[], list[Ending]]:
    """Return a function that says what ends at the moment. certificate: that of the server, if it has one."""

    def ask() -> list[Ending]:
        return [*_of_certificate(certificate), *_of_tokens(file)]

    return ask


def _of_certificate(certificate: Certificate | None) -> list[Ending]:
    return [] if certificate is None else [Ending("certificate_ends", "", certificate.name, *certificate.validity)]


def _of_tokens(file: Engine) -> list[Ending]:
    """The users' own tokens. One that ended long ago is not missed; the tokens of boxes have no end."""
    rows = file.rows(
        "SELECT substr(t.hash, 1, 12), t.label, t.created, t.expires, u.organisation FROM api_tokens t"
        ' JOIN users u ON u.name = t."user" WHERE t.revoked IS NULL AND u.removed IS NULL'
        " AND t.expires > ? AND t.expires < ?",
        file.clock() - _REMEMBERED,
        file.clock() + ENDS_WITHIN,
    )
    return [
        Ending("token_ends", "", f"{key} ({label})" if label else key, created, expires, organisation)
        for key, label, created, expires, organisation in rows
    ]
