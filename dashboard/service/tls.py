"""TLS of a server's own: a certificate and its key from two files, taken anew when they are renewed."""

from __future__ import annotations

import contextlib
import logging
import ssl
import stat
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from metrica.dashboard.service.errors import TlsError

log = logging.getLogger(__name__)

_EXPIRED, _NOT_YET, _NO_SERVER = 10, 9, 26
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_INVALID_PURPOSE."""

_DATED = 3600.0  # s, between two looks at the date of a certificate that is in use

State = tuple[tuple[int, int, int], ...]


class Certificate:
    """A certificate with its key, as PEM files. `context` is for the next connection; `refresh` looks for new files."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """Load the pair. Raises TlsError if it cannot be used, or has expired."""
        self._certificate, self._key = certificate, key
        self._validity = (0, 0)
        self._state = self._files()
        self.context = self._load()
        """What a server wraps its next connection with."""
        self._expired, self._dated = False, time.monotonic()
        self._refused: State | None = None
        self._said: State | None = None
        with contextlib.suppress(OSError):
            if stat.S_IMODE(key.stat().st_mode) & 0o077:
                log.warning("others can read the key %s: run 'chmod 600 %s'", key, key)

    @classmethod
    def of(cls, certificate: Path | None, key: Path | None) -> Certificate | None:
        """Return the certificate of two options that go together; None for neither. Raises TlsError."""
        if certificate is None and key is None:
            return None
        if certificate is None or key is None:
            raise TlsError("TLS needs both files: give the certificate and its key, or neither")
        return cls(certificate, key)

    @property
    def name(self) -> str:
        """What it is called in sentences: the name of its file."""
        return self._certificate.name

    @property
    def validity(self) -> tuple[int, int]:
        """From when to when the certificate in use is valid, ns UTC."""
        return self._validity

    def refresh(self) -> None:
        """Take new files, if there are any that can be used; a pair that cannot be leaves the present one in place.

        That is said when the same files are found for the second time: certificate and key are not renewed at once.
        """
        state = self._files()
        if state == self._state:
            self._look_at_date()
            return
        try:
            context = self._load()
        except TlsError as error:
            if state == self._refused != self._said:
                self._said = state
                log.error("%s; the certificate before it stays in use", error)
            self._refused = state
            return
        self._state, self.context, self._expired = state, context, False
        self._refused = self._said = None
        log.info("the certificate %s was renewed", self._certificate)

    def _look_at_date(self) -> None:
        """Say once that the certificate in use has expired: nobody who checks it connects any more."""
        if self._expired or time.monotonic() - self._dated < _DATED:
            return
        self._dated = time.monotonic()
        try:
            self._require_valid(self.context)
        except TlsError as error:
            self._expired = True
            log.error("%s; boxes and browsers refuse it", error)

    def _files(self) -> State:
        return tuple(_identity(path) for path in (self._certificate, self._key))

    def _load(self) -> ssl.SSLContext:
        for path, what in ((self._certificate, "certificate"), (self._key, "key")):
            try:
                path.read_bytes()
            except OSError as error:
                raise TlsError(f"the {what} {path} cannot be read ({error.strerror}): check file and owner") from None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION
        try:
            # Without this function OpenSSL would ask for the passphrase at the terminal, and wait.
            context.load_cert_chain(self._certificate, self._key, password=_no_passphrase)
        except _PassphraseError:
            raise TlsError(f"the key {self._key} has a passphrase: give a key without one") from None
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                raise TlsError(
                    f"the key {self._key} is not that of the certificate {self._certificate}: give the two that belong "
                    "together"
                ) from None
            raise TlsError(
                f"{self._certificate} and {self._key} are not a certificate and its key in PEM "
                f"({error.reason or 'damaged'}): check which file is which"
            ) from None
        self._require_valid(context)
        return context

    def _require_valid(self, server: ssl.SSLContext) -> None:
        """Shake hands with the pair, in memory, as a client that trusts this certificate. Raises TlsError."""
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname = False
        client.verify_flags = ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        try:
            client.load_verify_locations(self._certificate)
            shown = _shake_hands(server, client) or {}
            self._validity = (_moment(shown.get("notBefore")), _moment(shown.get("notAfter")))
        except ssl.SSLCertVerificationError as error:
            if error.verify_code == _EXPIRED:
                raise TlsError(f"the certificate {self._certificate} has expired: renew it") from None
            if error.verify_code == _NOT_YET:
                clock = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
                raise TlsError(
                    f"the certificate {self._certificate} is not valid yet: check this machine's clock, {clock}"
                ) from None
            if error.verify_code == _NO_SERVER:
                raise TlsError(f"the certificate {self._certificate} is not one for servers: get another") from None
            raise TlsError(f"the certificate {self._certificate} cannot be used: {error.verify_message}") from None
        except ssl.SSLError as error:
            raise TlsError(f"the certificate {self._certificate} cannot be used: {error.reason or error}") from None


def _identity(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()  # of what a link points to: certbot's names are links
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)


class _PassphraseError(Exception):
    pass


def _no_passphrase() -> str:
    raise _PassphraseError


def _moment(date: Any) -> int:
    return round(ssl.cert_time_to_seconds(str(date))) * 10**9


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> dict[str, Any] | None:
    """Shake hands in memory, and return what the server's certificate says."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    dialled = client.wrap_bio(to_client, to_server)
    ends = [
        dialled,
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    while ends:
        for end in list(ends):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
                ends.remove(end)
    return dialled.getpeercert()
