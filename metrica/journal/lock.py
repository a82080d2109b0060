"""The lock file of a journal: shared while it is read or written, exclusive while it is created or replaced."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from metrica.context import give_to_owner, make_private_folder


class LockFile:
    """A lock between processes, which ends with the process that holds it.

    Args:
        path: The file; it is made on first use, with its folder.
        timeout: How long to wait for the lock, in seconds.
    """

    def __init__(self, path: Path, timeout: float) -> None:
        self._path, self._timeout = path, timeout
        self._fd: int | None = None

    @contextmanager
    def held(self, how: int) -> Generator[None]:
        """Hold the lock in the `with` block. how: fcntl.LOCK_SH or LOCK_EX. Raises OSError, BlockingIOError."""
        if self._fd is None:
            make_private_folder(self._path.parent)
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            give_to_owner(self._fd, self._path.parent)
        self.change(how)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def change(self, how: int) -> None:
        """Take the lock in another way, within the timeout. Raises BlockingIOError."""
        assert self._fd is not None
        end = time.monotonic() + self._timeout
        while True:
            try:
                return fcntl.flock(self._fd, how | fcntl.LOCK_NB)
            except BlockingIOError:
                # Not a blocking flock: a holder that is stopped, or waits for a broken disk, may never release it.
                if time.monotonic() > end:
                    raise
            time.sleep(0.002)

    def close(self) -> None:
        """Close the file. Closing again does nothing."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
