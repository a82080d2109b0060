"""The keys of one store's topics over tcp, in the folder `keys` of its data folder.

| file | what is in it |
|---|---|
| `own.key_secret` | the key pair of this machine; only its user can read it |
| `own.key` | its public key, to be copied |
| `readers/NAME.key` | the public key of a machine that may read the topics of this one |
| `publishers/HOST.key`, `publishers/HOST:PORT.key` | the public key of the machine that publishes at this address |

All are certificates as pyzmq writes and reads them (`zmq.auth`).
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import struct
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

import zmq
from zmq.auth.certs import create_certificates, load_certificate
from zmq.utils import z85

from metrica.errors import KeysError
from metrica.secrets import register, write_private

FOLDER = "keys"
"""Name of the folder of the keys, in the data folder."""
_SECRET, _PUBLIC = "own.key_secret", "own.key"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]{1,253})(:[0-9]{1,5})?")
_CERTIFICATE = """# A public key of Metrica's topics. It is no secret.
metadata
curve
    public-key = "{key}"
"""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """The keys of one machine, in Z85 (40 letters, https://rfc.zeromq.org/spec/32)."""

    public: str
    secret: str = field(repr=False)


class KeyFolder:
    """The keys of one store.

    Args:
        data: The data folder of the store.
    """

    def __init__(self, data: Path) -> None:
        self.path = data / FOLDER

    def own(self) -> KeyPair:
        """The key pair of this machine; its secret key is hidden in all logs from now on.

        Raises:
            KeysError: There is none, it is damaged, or others can read it.
        """
        path = self.path / _SECRET
        try:
            mode = path.stat().st_mode
            public, secret = load_certificate(path)
        except FileNotFoundError:
            raise KeysError(f"there are no keys in {self.path}: make them with 'metrica-keys make'") from None
        except (OSError, ValueError) as error:
            raise KeysError(f"the keys in {path} cannot be read: {_reason(error)}") from None
        if stat.S_IMODE(mode) & 0o077:
            raise KeysError(f"others can read the secret key in {path}: run 'chmod 600 {path}', or make new keys")
        if secret is None or not _fit(public, secret):
            raise KeysError(f"the keys in {path} are damaged: make new ones with 'metrica-keys make --replace'")
        register(secret)
        return KeyPair(public.decode(), secret.decode())

    def make(self, *, replace: bool = False) -> KeyPair:
        """Make a key pair for this machine.

        Args:
            replace: Also if there is one. Whoever knows the old public key must be given the new one.

        Raises:
            KeysError: There are keys already, or the folder cannot be written.
        """
        if not replace and (self.path / _SECRET).exists():
            raise KeysError(
                f"there are keys in {self.path} already: '--replace' makes new ones, and all who read must be told"
            )
        try:
            self._make_private()
            draft = Path(tempfile.mkdtemp(prefix=".new-", dir=self.path))
            try:
                before = os.umask(0o077)
                try:
                    create_certificates(draft, "own")
                finally:
                    os.umask(before)
                for name in (_SECRET, _PUBLIC):
                    (draft / name).chmod(0o600)
                    (draft / name).replace(self.path / name)
            finally:
                shutil.rmtree(draft, ignore_errors=True)
        except OSError as error:
            raise KeysError(f"keys cannot be written into {self.path}: {_reason(error)}") from None
        return self.own()

    def allow(self, name: str, key: str) -> None:
        """Let the machine with this public key read. Raises KeysError."""
        if not _NAME.fullmatch(name):
            raise KeysError(f"'{name}' is no name for a reader: use letters, digits, '-', '_' and '.'")
        self._keep("readers", name, key)

    def trust(self, address: str, key: str) -> None:
        """Take the machine with this public key for the publisher at `HOST` or `HOST:PORT`. Raises KeysError."""
        if not _ADDRESS.fullmatch(address):
            raise KeysError(f"'{address}' is not HOST or HOST:PORT of a publisher, as in the launch file's 'endpoints'")
        self._keep("publishers", address, key)

    def forget(self, name: str) -> bool:
        """Forget a reader or a publisher. Returns whether there was one. Raises KeysError."""
        found = False
        for kind in ("readers", "publishers"):
            path = self._file(kind, name)
            try:
                found |= path.exists()
                path.unlink(missing_ok=True)
            except OSError as error:
                raise KeysError(f"{path} cannot be removed: {_reason(error)}") from None
        return found

    def readers(self) -> dict[str, str]:
        """The public keys of the machines that may read, by name. Files that cannot be read let nobody in."""
        return self._known("readers")

    def publishers(self) -> dict[str, str]:
        """The public keys of publishers on other machines, by address."""
        return self._known("publishers")

    def publisher_at(self, endpoint: str) -> str:
        """The public key of the machine that publishes at an endpoint. Raises KeysError if none is known."""
        address = endpoint.rpartition("://")[2]
        host = address.rpartition(":")[0]
        known = self.publishers()
        if key := known.get(address) or known.get(host):
            return key
        raise KeysError(
            f"the key of the publisher at {address} is not known: give it with 'metrica-keys trust {host} KEY'"
        )

    def _known(self, kind: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for path in sorted((self.path / kind).glob("*.key")):
            try:
                found[unquote(path.name.removesuffix(".key"))] = load_certificate(path)[0].decode()
            except (OSError, ValueError):
                continue
        return found

    def _keep(self, kind: str, name: str, key: str) -> None:
        try:
            self._make_private()
            write_private(self._file(kind, name), _CERTIFICATE.format(key=public_key(key)))
        except OSError as error:
            raise KeysError(f"keys cannot be written into {self.path}: {_reason(error)}") from None

    def _file(self, kind: str, name: str) -> Path:
        return self.path / kind / f"{quote(name, safe='')}.key"

    def _make_private(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path.chmod(0o700)


def public_key(text: str) -> str:
    """A public key in Z85, from 64 hexadecimal digits or from Z85. Raises KeysError."""
    if re.fullmatch(r"[0-9A-Fa-f]{64}", text):
        return z85.encode(bytes.fromhex(text)).decode()
    if _is_z85(text):
        return text
    raise KeysError("this is not a public key: it has 64 hexadecimal digits, as 'metrica-keys show' prints them")


def as_digits(key: str) -> str:
    """A key as hexadecimal digits, which a shell does not take for anything else."""
    return z85.decode(key.encode()).hex()


def _is_z85(text: str) -> bool:
    try:
        return len(text) == 40 and len(z85.decode(text.encode("ascii"))) == 32
    except (ValueError, KeyError, struct.error):
        return False


def _fit(public: bytes, secret: bytes) -> bool:
    try:
        return zmq.curve_public(secret) == public
    except (zmq.ZMQError, ValueError):
        return False


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
