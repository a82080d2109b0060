"""The signature of what is posted: HMAC-SHA256 over the time and the body (docs/webhooks.md)."""

from __future__ import annotations

import hashlib
import hmac
import secrets

SIGNATURE = "Metrica-Signature"
"""The header with the time of the delivery and the signature: `t=1764345600,v1=5257a8…`."""
DELIVERY = "Metrica-Delivery"
"""The header with the id of what is posted; the same each time it is posted again."""


def new_secret() -> str:
    """Make a secret for one webhook."""
    return f"whsec_{secrets.token_urlsafe(32)}"


def sign(secret: str, body: bytes, seconds: int) -> str:
    """Return the value of the header. seconds: when it is posted, seconds since 1970 UTC."""
    digest = hmac.new(secret.encode(), b"%d." % seconds + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"
