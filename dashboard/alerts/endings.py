"""What ends: the certificate of the server, from its own TLS, and tokens that have an end."""

from __future__ import annotations

from collections.abc import Callable

from metrica.dashboard.alerts.rules import Ending
from metrica.dashboard.database.interface import Engine
from metrica.dashboard.service.tls import Certificate


def endings_of(file: Engine, certificate: Certificate | None) -> Callable[[], list[Ending]]:
    """Return a function that says what ends at the moment. certificate: that of the server, if it has one."""

    def ask() -> list[Ending]:
        return [*_of_certificate(certificate), *_of_tokens(file)]

    return ask


def _of_certificate(certificate: Certificate | None) -> list[Ending]:
    return [] if certificate is None else [Ending("certificate_ends", "", certificate.name, *certificate.validity)]


def _of_tokens(_file: Engine) -> list[Ending]:
    return []
