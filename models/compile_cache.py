"""Compiled networks on the disk, so that a start need not compile again what has not changed.

OpenVINO writes and reads the files itself (its property CACHE_DIR). This folder around them makes that safe: a network
that was written on a full disk, or damaged since, is thrown away before OpenVINO sees it, and the folder is bounded.
Nothing that goes wrong here is an error: the network is then compiled, which only takes longer.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from platformdirs import user_cache_path

T = TypeVar("T")

_SEAL = "digests.json"
_MIB = 1 << 20
_ROOM_BEFORE = 128 * _MIB
"""With less room than this on the disk nothing is written: it is for events, not for the cache."""
_ROOM_AFTER = 16 * _MIB
"""With less room than this after writing, what was written may be cut short."""
_ABANDONED = 3600.0
"""Seconds after which a folder that a process was working in has been left by it."""


def default_folder() -> Path | None:
    """`compiled` in Metrica's cache folder; None if this user has no home folder."""
    try:
        return user_cache_path("metrica") / "compiled"
    except RuntimeError:
        return None


class CompileCache:
    """Keeps compiled networks, each in a folder of its own.

    Several processes may share it. folder: made when it is needed. most: networks, and most_bytes: bytes that are kept;
    beyond that, those are removed that have not been used for longest.
    """

    def __init__(self, folder: Path, *, most: int = 32, most_bytes: int = 512 * _MIB) -> None:
        self.folder = folder
        self._most, self._most_bytes = most, most_bytes

    def compile(self, key: str, make: Callable[[Path | None], T]) -> T:
        """What `make` returns. It is given the CACHE_DIR to read from and to write to; None if there is none.

        key: what the network depends on (model, device, frame size, version), as the name of a file. `make` is called
        again without a folder if it fails with one; the error is raised that it raises then.
        """
        if (taken := self._take(key)) is not None:
            with contextlib.suppress(RuntimeError, TypeError):
                made = make(taken)
                self._put(taken, key)
                return made
            _remove(taken)
        draft = self._draft(key)
        if draft is not None:
            with contextlib.suppress(RuntimeError, TypeError):
                made = make(draft)
                if _has_room(draft, _ROOM_AFTER):
                    self._put(draft, key)
                else:
                    _remove(draft)
                return made
            _remove(draft)
        return make(None)

    def _take(self, key: str) -> Path | None:
        """The folder of a network that is here and intact, under a name that no other process uses; None if none is.

        If reading it kills the process, the folder is not back at its place, so it is not read again.
        """
        taken = self.folder / f".{key}.{secrets.token_hex(4)}"
        try:
            (self.folder / key).rename(taken)
        except OSError:
            return None
        if not _is_intact(taken):
            _remove(taken)
            return None
        return taken

    def _draft(self, key: str) -> Path | None:
        """A new folder to write a network to; None if there is no room, or it cannot be made."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _has_room(self.folder, _ROOM_BEFORE):
                return None
            return Path(tempfile.mkdtemp(prefix=f".{key}.", dir=self.folder))
        except OSError:
            return None

    def _put(self, folder: Path, key: str) -> None:
        """Give the folder of a network that works its name, and remove what is too much."""
        try:
            if _names(folder) != set(_read_seal(folder)):
                _seal(folder)
            if not _names(folder):  # the device cannot do this
                _remove(folder)
                return
            os.utime(folder)
            folder.rename(self.folder / key)
            self._prune()
        except (OSError, ValueError):  # another process was faster, or the disk does not work
            _remove(folder)

    def _prune(self) -> None:
        kept = total = 0
        for used, path in sorted(((p.stat().st_mtime, p) for p in self.folder.iterdir()), reverse=True):
            if path.name.startswith("."):
                if time.time() - used > _ABANDONED:
                    _remove(path)
                continue
            kept, total = kept + 1, total + sum(file.stat().st_size for file in path.iterdir())
            if kept > self._most or total > self._most_bytes:
                _remove(path)


def _has_room(folder: Path, wanted: int) -> bool:
    try:
        return shutil.disk_usage(folder).free >= wanted
    except OSError:
        return False


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name != _SEAL}


def _is_intact(folder: Path) -> bool:
    """Whether the folder holds what it held when it was sealed."""
    try:
        digests = _read_seal(folder)
        return bool(digests) and all(_digest(folder / name) == digest for name, digest in digests.items())
    except (OSError, ValueError):
        return False


def _seal(folder: Path) -> None:
    """Write down the digests of the files. Raises OSError."""
    digests = {name: _digest(folder / name) for name in sorted(_names(folder))}
    with (folder / _SEAL).open("w", encoding="utf-8") as file:
        json.dump(digests, file)
        file.flush()
        os.fsync(file.fileno())


def _read_seal(folder: Path) -> dict[str, str]:
    """The digests by file name; none if there is no seal. Raises OSError, and ValueError if it is damaged."""
    try:
        found = json.loads((folder / _SEAL).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    if not isinstance(found, dict):
        raise ValueError("not a list of digests")
    return {str(name): str(digest) for name, digest in found.items()}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
