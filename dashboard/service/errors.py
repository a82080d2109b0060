"""The errors of the two services. Each message is one sentence that says what to do.

MetricaError
├── AddressError        the host and port cannot be listened on
├── SecretFileError     a token or key file cannot be read or written
├── TlsError            the certificate or its key cannot be used
└── BusyError           too much is being done at this moment: try again
"""

from __future__ import annotations

from metrica.messages import MetricaError


class AddressError(MetricaError):
    """The host and port cannot be listened on."""


class SecretFileError(MetricaError):
    """A file that holds a token or a key cannot be read or written."""


class TlsError(MetricaError):
    """The certificate of a server, or its key, cannot be used."""


class BusyError(MetricaError):
    """Too much is being done at this moment; in a few seconds it works again."""
