"""Posts one message to one address: within a time, without following a redirect, and only where it may go."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from metrica.dashboard.webhooks.guard import TargetError, check_url, socket_factory
from metrica.dashboard.webhooks.messages import Outgoing
from metrica.dashboard.webhooks.signing import DELIVERY, SIGNATURE, sign
from metrica.dashboard.webhooks.table import Webhook
from metrica.version import __version__

SECONDS = 15.0
"""How long a delivery may take, from the name's look-up to the answer's status."""
_GONE = 410
_LONGEST_ASKED = 3600.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery."""

    trouble: str = ""
    """Why it failed, in one sentence; empty if the target has taken it."""
    status: int = 0
    """The HTTP status; 0 without an answer."""
    retry_after: float = 0.0
    """Seconds that the target asks to wait."""

    @property
    def gone(self) -> bool:
        """Whether the target says that it will never take anything again."""
        return self.status == _GONE


@contextlib.asynccontextmanager
async def session(allow_private: bool) -> AsyncGenerator[ClientSession]:
    """Give what `post` posts with. It takes no proxy from the environment, keeps no cookie and no password."""
    # One connection for one delivery: it is looked at where each leads, and a target keeps no connections of ours.
    connector = TCPConnector(socket_factory=socket_factory(allow_private), force_close=True, use_dns_cache=False)
    async with ClientSession(
        connector=connector, cookie_jar=DummyCookieJar(), trust_env=False, timeout=ClientTimeout(total=SECONDS)
    ) as made:
        yield made


async def post(client: ClientSession, hook: Webhook, message: Outgoing) -> Outcome:
    """Post a message. Never raises for what the target, its name or the network does."""
    try:
        check_url(hook.url, allow_private=bool(hook.allow_private))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"Metrica/{__version__}",
            DELIVERY: message.id,
            SIGNATURE: sign(hook.secret, message.body, int(time.time())),
        }
        async with client.post(hook.url, data=message.body, headers=headers, allow_redirects=False) as answer:
            status, asked = answer.status, answer.headers.get("Retry-After", "")
    except TargetError as error:
        return Outcome(str(error))
    except TimeoutError:
        return Outcome(f"it did not answer within {SECONDS:.0f} seconds")
    except (ClientError, OSError, ValueError, asyncio.IncompleteReadError) as error:
        return Outcome(f"it cannot be reached: {_why(error)}")
    if 200 <= status < 300:
        return Outcome(status=status)
    if 300 <= status < 400:
        return Outcome(
            f"it answered {status}, and redirects are not followed: register the address it leads to", status
        )
    wait = min(float(asked), _LONGEST_ASKED) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 0.0
    return Outcome(f"it answered {status}", status, wait)


def _why(error: BaseException) -> str:
    """What went wrong, without the address, whose path may hold a key."""
    inner = getattr(error, "os_error", None) or error
    text = str(getattr(inner, "strerror", "") or inner)
    return text if "://" not in text else type(error).__name__
