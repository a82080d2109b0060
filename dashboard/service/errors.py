"""What can go wrong around a service; every text is one sentence for a person to act on.

MetricaError
├── AddressError        the host and port cannot be listened on
└── SecretFileError     a token or key file cannot be read or written
"""

from __future__ import annotations

from metrica.messages import MetricaError


class AddressError(MetricaError):
    """The host and port cannot be listened on."""


class SecretFileError(MetricaError):
    """A file that holds a token or a key cannot be read or written."""
