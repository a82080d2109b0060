"""Sends what is to be told: a webhook itself, e-mail and all else through the library apprise.

A webhook goes to the internet only, unless an administrator allows it the server's own network. What apprise reaches is
not looked at like this, so only administrators add targets.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import ClientError

from metrica.dashboard.alerts.alert import Alert
from metrica.dashboard.alerts.targets import shown
from metrica.dashboard.alerts.wording import Wording
from metrica.dashboard.webhooks.guard import TargetError, check_url
from metrica.dashboard.webhooks.sender import session
from metrica.messages import MetricaError

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


def check_address(address: str, *, allow_private: bool = False) -> None:
    """Raise SendingError unless something can be sent to this address.

    allow_private: whether a webhook may be in the server's own network, and over plain HTTP.
    """
    if not _is_webhook(address):
        _apprise_target(address)
        return
    try:
        check_url(address, allow_private=allow_private)
    except TargetError as error:
        raise SendingError(str(error)) from None


def send(address: str, message: Message, allow_private: bool = False) -> None:
    """Send a message, and wait until it is taken. Raises SendingError."""
    check_address(address, allow_private=allow_private)
    if _is_webhook(address):
        status = asyncio.run(_post(address, message, allow_private))
        if not 200 <= status < 300:
            raise SendingError(f"{shown(address)} answers {status}: check what listens there")
        return
    if not _apprise_target(address).notify(title=message.wording.title, body=message.wording.sentence):
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


def _is_webhook(address: str) -> bool:
    return address.partition("://")[0].lower() in _WEBHOOKS


async def _post(address: str, message: Message, allow_private: bool) -> int:
    """Return the status of the answer. No redirect is followed: it would lead where no administrator has said."""
    body = json.dumps(document(message), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "metrica-alerts"}
    try:
        async with (
            session(allow_private) as client,
            client.post(address, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            return answer.status
    except (ClientError, OSError, TimeoutError, ValueError) as error:
        reason = type(error).__name__
        raise SendingError(f"{shown(address)} cannot be reached ({reason}): check address and network") from None


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
