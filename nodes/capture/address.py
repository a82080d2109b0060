"""Read the `uri` of a camera or recording, and show it without its password."""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote

from metrica.errors import ParameterError
from metrica.secrets.addresses import SECRET_FIELD, register_address, user_info

_STREAMS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# Up to the last '@' of the word, because a password may contain '@', ':' or '/'.
_USER_INFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)\S*@")


class Kind(StrEnum):
    """The kinds of sources that a `uri` can name."""

    STREAM = "stream"
    DEVICE = "device"
    FILE = "file"
    FOLDER = "folder"
    SIM = "sim"


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed `uri`. Its `str` hides the password."""

    kind: Kind
    """What the `uri` names."""
    uri: str
    """The text as given, with the password. Never print it; print `str(address)`."""
    path: Path = Path()
    """The path of a file or folder; empty for other kinds."""
    device: int = 0
    """The number of a device: N of /dev/videoN."""
    scheme: str = ""
    """`rtsp`, `rtsps`, `http` or `https`; empty if this is no stream."""
    host: str = ""
    """Name or IP address of a stream's camera; empty if this is no stream."""
    port: int = 0
    """TCP port of a stream's camera; 0 if this is no stream."""
    user: str = ""
    """User name for a stream, with %XX decoded; empty if the `uri` has none."""
    password: str = ""
    """Password for a stream, with %XX decoded; empty if the `uri` has none. Never print it."""

    def __str__(self) -> str:
        info = user_info(self.uri) if self.kind is Kind.STREAM else ""
        return redact(self.uri.replace(f"{info}@", "***@", 1) if info else self.uri)

    def __repr__(self) -> str:
        return f"Address({self.kind}, {self})"


def read_address(uri: str) -> Address:
    """Parse a `uri` without opening it, and have its password hidden in every log from now on.

    Raises ParameterError if it cannot be a source of pictures.
    """
    text = uri.strip()
    register_address(text)
    if not text:
        raise ParameterError("uri", "'uri' is empty: give an rtsp:// address, a video file, a folder or a device")
    scheme = _SCHEME.match(text)
    if scheme and scheme[1].lower() == "file":
        text = unquote(text[len("file://") :].removeprefix("localhost"), errors="surrogateescape")
    elif scheme and scheme[1].lower() == "sim":
        from metrica.simulator.address import read_sim_address  # a live camera's process has no use for the simulator

        read_sim_address(text)
        return Address(Kind.SIM, text)
    elif scheme:
        return _stream(text, scheme[1].lower(), text[scheme.end() :])
    if text.isdigit():
        return Address(Kind.DEVICE, uri, device=int(text))
    if device := re.fullmatch(r"/dev/video(\d+)", text):
        return Address(Kind.DEVICE, uri, device=int(device[1]))
    try:
        blanks = not scheme and uri != text and Path(uri).exists()  # they belong to the name
        path = Path(uri) if blanks else Path(text).expanduser()
        kind = Kind.FOLDER if path.is_dir() else Kind.FILE
    except OSError as error:
        may_pass = error.errno != errno.ENAMETOOLONG
        raise ParameterError("uri", f"{text} cannot be opened: {error.strerror}", may_pass=may_pass) from None
    except RuntimeError:
        raise ParameterError("uri", f"{text}: there is no such home folder, give the whole path") from None
    return Address(kind, uri, path=path)


def redact(text: str) -> str:
    """The text without user names and passwords of the addresses in it."""
    return SECRET_FIELD.sub(r"\1=***", _USER_INFO.sub(r"\1***@", text))


def _stream(uri: str, scheme: str, rest: str) -> Address:
    if scheme not in _STREAMS:
        known = ", ".join(f"{s}://" for s in (*_STREAMS, "file", "sim"))
        raise ParameterError("uri", f"'uri' begins with {scheme}://, which is not known here: use {known} or a path")
    user_info, _, host_port = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")
    user, _, password = user_info.partition(":")
    place = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(?::(\d{1,5}))?", host_port)
    if not place:
        raise ParameterError(
            "uri",
            f"'uri' has no host that can be read: write {scheme}://USER:PASSWORD@HOST:PORT/PATH, "
            "and a '/', '?' or '#' inside the password as %2F, %3F or %23",
        )
    return Address(
        Kind.STREAM,
        uri,
        scheme=scheme,
        host=place[1].strip("[]"),
        port=int(place[2] or _STREAMS[scheme]),
        user=unquote(user),
        password=unquote(password),
    )
