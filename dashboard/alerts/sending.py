"""Sends what is to be told: a webhook itself, e-mail and all else through the library apprise.

Who may add a target may make this server send to any address, also inside its own network: only administrators do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import urllib3

from metrica.dashboard.alerts.alert import Alert
from metrica.dashboard.alerts.targets import shown
from metrica.dashboard.alerts.wording import Wording
from metrica.messages import MetricaError

_SECONDS = 10.0
"""How long a webhook has to answer."""
_WEBHOOKS = ("http", "https")


class SendingError(MetricaError):
    """It could not be sent. The message is one sentence, without what is secret in the address."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent to a target."""

    wording: Wording
    """What people read."""
    alert: Alert | None = None
    """What programs read; None for a test."""
    over: bool = False
    """Whether the alert is over."""


def check_address(address: str) -> None:
    """Raise SendingError unless something can be sent to this address."""
    scheme, _, _ = address.partition("://")
    if scheme.lower() in _WEBHOOKS:
        if not _host(address):
            raise SendingError(f"{shown(address)} is no address: write it as https://host/path")
        return
    _apprise_target(address)


def send(address: str, message: Message) -> None:
    """Send a message, and wait until it is taken. Raises SendingError."""
    scheme, _, _ = address.partition("://")
    if scheme.lower() in _WEBHOOKS:
        _post(address, message)
        return
    target = _apprise_target(address)
    if not target.notify(title=message.wording.title, body=message.wording.sentence):
        raise SendingError(f"{shown(address)} did not take the message: check the address, its user and its password")


def document(message: Message) -> dict[str, Any]:
    """Return what a webhook gets, for programs and people."""
    alert = message.alert
    return {
        "v": 1,
        "title": message.wording.title,
        "sentence": message.wording.sentence,
        "kind": alert.kind if alert else "test",
        "store": alert.store if alert else "",
        "subject": alert.subject if alert else "",
        "since": f"{datetime.fromtimestamp(alert.since / 1e9, UTC):%Y-%m-%dT%H:%M:%SZ}" if alert else None,
        "over": message.over,
    }


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _post(address: str, message: Message) -> None:
    body = json.dumps(document(message), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "metrica-alerts"}
    try:
        with urllib3.PoolManager(retries=False, timeout=_SECONDS) as pool:
            # No redirect is followed: it would lead where no administrator has said.
            response = pool.request("POST", address, body=body, headers=headers, redirect=False, preload_content=False)
            status = response.status
            response.close()
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        reason = type(error).__name__
        raise SendingError(f"{shown(address)} cannot be reached ({reason}): check address and network") from None
    if not 200 <= status < 300:
        raise SendingError(f"{shown(address)} answers {status}: check what listens there")


def _apprise_target(address: str) -> Any:
    try:
        import apprise
    except ImportError:
        raise SendingError(
            "for anything but http and https the library apprise is needed: pip install 'metrica[alerts]'"
        ) from None
    # Any: apprise ships no types.
    target: Any = apprise.Apprise.instantiate(address)
    if target is None:
        raise SendingError(
            f"{shown(address)} is no address that apprise knows: see https://github.com/caronc/apprise/wiki"
        )
    return target
