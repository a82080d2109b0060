"""Fetch a model's files: they are verified before they are put in place, and no partial file is left behind."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import urllib3

from metrica.models.card import Card, File, Variant
from metrica.models.digests import problem
from metrica.models.errors import ModelError
from metrica.models.library import cache_folder

MIRROR_VARIABLE = "METRICA_MODELS_URL"
"""The environment variable that names a mirror to fetch all files from."""
Progress = Callable[[str, int, int], None]
"""Called with a file's path in the card, the bytes received so far and the bytes of the whole file."""

_CHUNK = 64 * 1024
_TRIES = 4
_TIMEOUT = urllib3.Timeout(connect=10.0, read=30.0)
# Retries are counted here, because urllib3's own cannot continue in the middle of a file.
_RETRIES = urllib3.Retry(total=0, redirect=5)


def choose_variant(card: Card, precision: str | None = None) -> Variant:
    """The first variant of a card (of this precision, if given) that can be fetched. Raises ModelError."""
    fetchable = [v for v in card.variants if v.fetchable]
    if not fetchable:
        raise ModelError(f"the card {card.name} names no address to fetch its files from; copy them by hand")
    for variant in fetchable:
        if precision in (None, variant.precision):
            return variant
    known = ", ".join(v.precision for v in fetchable)
    raise ModelError(f"{card.name} has no variant {precision!r} to fetch; it has {known}")


def pull(
    card: Card, folder: Path | None = None, precision: str | None = None, progress: Progress | None = None
) -> list[Path]:
    """Fetch the files of a card that are not already in `folder` (by default the cache), and return their paths.

    After a broken connection the download continues where it stopped, a few times. Files are put in place only when all
    of them have arrived with the size and digest of the card. Raises ModelError and then leaves the old files in place.
    """
    variant = choose_variant(card, precision)
    target = cache_folder() if folder is None else folder
    wanted = [file for file in variant.files if problem(target / file.path, file) is not None]
    fetched: list[tuple[Path, Path]] = []
    try:
        _room(target, sum(file.size or 0 for file in wanted))
        for file in wanted:
            place = target / file.path
            fetched.append((_new_file(place), place))
            _fetch(file, fetched[-1][0], progress or _no_progress)
        for part, place in fetched:
            part.replace(place)
    except OSError as error:
        raise ModelError(f"cannot write the model {card.name} into {target}: {error.strerror or error}") from None
    finally:
        for part, _ in fetched:
            part.unlink(missing_ok=True)
    return [target / file.path for file in variant.files]


def address(file: File) -> str:
    """Where a file comes from: its source, or the same path at the mirror that METRICA_MODELS_URL names."""
    mirror = os.environ.get(MIRROR_VARIABLE, "").rstrip("/")
    if mirror and urlsplit(mirror).scheme not in ("http", "https"):
        raise ModelError(f"{MIRROR_VARIABLE} must be an http or https address, not {mirror!r}")
    return f"{mirror}/{file.path}" if mirror else str(file.source)


def _no_progress(path: str, done: int, size: int) -> None:
    """A `Progress` that does nothing."""


def _room(folder: Path, size: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < size:
        raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)} ({size} bytes needed, {free} free)")


def _new_file(place: Path) -> Path:
    # A temporary name in the same folder: two pulls do not disturb each other, and the rename stays on one file system.
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{place.name}.", suffix=".part", dir=place.parent)
    os.fchmod(handle, 0o644)
    os.close(handle)
    return Path(name)


def _fetch(file: File, part: Path, progress: Progress) -> None:
    """Fill `part` with the file. Raises ModelError, or OSError when it cannot be written."""
    url, size = address(file), file.size or 0
    broke = ""
    with _manager(url) as http:
        for _ in range(_TRIES):
            try:
                _append(http, url, part, size, lambda done: progress(file.path, done, size))
            except urllib3.exceptions.HTTPError as error:
                broke = _network_reason(error)
                continue
            if part.stat().st_size >= size:
                break
            broke = "the connection ended early"
        else:
            have = part.stat().st_size
            got = f" after {have} of {size} bytes" if have else ""
            raise ModelError(f"cannot fetch {url}{got}: {broke}; check the network and try again")
    wrong = problem(part, file)
    if wrong is not None:
        raise ModelError(
            f"{url}: the file that came {wrong}, so it was thrown away; try again, or tell who runs the server"
        )


def _append(http: urllib3.PoolManager, url: str, part: Path, size: int, progress: Callable[[int], None]) -> None:
    have = part.stat().st_size
    headers = {"Range": f"bytes={have}-"} if have else {}
    response = http.request(
        "GET", url, headers=headers, preload_content=False, timeout=_TIMEOUT, retries=_RETRIES, decode_content=False
    )
    try:
        if response.status not in (200, 206):
            phrase = {404: "there is no such file", 403: "access is refused"}.get(response.status, "it will not answer")
            raise ModelError(f"cannot fetch {url}: the server says {response.status}, {phrase}")
        # A server that knows no ranges starts again from the beginning.
        with part.open("ab" if response.status == 206 else "wb") as out:
            for chunk in response.stream(_CHUNK):
                out.write(chunk)
                progress(out.tell())
                if out.tell() > size:
                    raise ModelError(f"{url}: more bytes come than the {size} of the card, so nothing was kept")
    finally:
        response.close()


def _manager(url: str) -> urllib3.PoolManager:
    """A plain connection, or one through the proxy that the environment names (`https_proxy` and so on)."""
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        return urllib3.ProxyManager(proxy if "://" in proxy else f"http://{proxy}")
    return urllib3.PoolManager()


def _network_reason(error: urllib3.exceptions.HTTPError) -> str:
    inner = getattr(error, "reason", None) or error
    match inner:
        case urllib3.exceptions.NameResolutionError():
            return "the name of the server cannot be resolved"
        case urllib3.exceptions.NewConnectionError():
            return "the server refuses the connection or cannot be reached"
        case urllib3.exceptions.TimeoutError():
            return "the server does not answer in time"
        case urllib3.exceptions.SSLError():
            return "the server's certificate is not trusted here"
        case urllib3.exceptions.ProtocolError() | urllib3.exceptions.IncompleteRead():
            return "the connection was cut"
        case urllib3.exceptions.ProxyError():
            return "the proxy does not answer"
        case _:
            return f"{type(inner).__name__}"
