"""The run folder: used by one launcher at a time, cleaned before the start and after the end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import stat
import time
from pathlib import Path

from metrica.box.launched import STATUS_FILE
from metrica.context import make_private_folder
from metrica.errors import LaunchError
from metrica.files.whole import DRAFT
from metrica.launch.reading.folders import frame_dir
from metrica.launch.supervision.child import MARK
from metrica.launch.supervision.console import Console
from metrica.launch.supervision.guardian import marked

_LOCK = "_lock"  # no topic has a name that begins like this
_GRACE_SECONDS = 3.0


class RunFolder:
    """Takes a run folder for this launcher, and removes what a killed launcher has left: sockets, frames, processes.

    Raises LaunchError if another launcher uses the folder, or if others could enter it.
    """

    def __init__(self, path: Path, console: Console) -> None:
        self.path, self.frame_dir = path, frame_dir(path)
        self._made = not path.exists()
        self._lock = _take(path)
        try:
            self._made |= self._clean()
            end_survivors(path, console)
            _make_private(self.frame_dir)
        except BaseException:
            self.release()
            raise

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Remove everything that the launch has made, and the folder itself if the launch made it."""
        shutil.rmtree(self.frame_dir, ignore_errors=True)
        self._clean()
        (self.path / _LOCK).unlink(missing_ok=True)
        os.close(self._lock)
        if self._made:
            with contextlib.suppress(OSError):  # it holds somebody's file, or a new launcher has just taken it
                self.path.rmdir()

    def _clean(self) -> bool:
        """Remove the sockets, the lock files of topics and the frames. Returns whether there were any."""
        found = False
        for path in (self.path / STATUS_FILE, *self.path.glob(f"{DRAFT}*")):
            path.unlink(missing_ok=True)
        for path in self.path.iterdir():
            found_there = path.lstat()
            # The lock file of a topic is empty; a file with something in it belongs to another program.
            is_lock = path.suffix == ".lock" and stat.S_ISREG(found_there.st_mode) and not found_there.st_size
            if stat.S_ISSOCK(found_there.st_mode) or is_lock:
                path.unlink(missing_ok=True)
                found = True
        shutil.rmtree(self.frame_dir, ignore_errors=True)
        return found


def end_survivors(run_dir: Path, console: Console) -> None:
    """End the node processes that a killed launcher has left, because they would hold on to topics and devices.

    The kernel has sent them a signal already, so they get a moment to end; a process that hangs is killed.
    """
    end = time.monotonic() + _GRACE_SECONDS
    while survivors := marked(f"{MARK}={run_dir}"):
        if time.monotonic() > end:
            for pid in survivors:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            console.warning(f"killed {len(survivors)} processes that an earlier launcher had left")
            end = time.monotonic() + _GRACE_SECONDS
        time.sleep(0.05)


def _take(path: Path) -> int:
    """Take the lock of the folder. The kernel releases it when this process ends, however it ends."""
    while True:
        _make_private(path)
        try:
            fd = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            continue  # another launcher has just removed the folder as it ended
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(fd, 20, 0).decode("ascii", "replace").strip() or "?"
            os.close(fd)
            raise LaunchError(
                f"another launcher (process {pid}) runs in {path}: stop it first, or give this one its own --run-dir"
            ) from None
        if os.fstat(fd).st_nlink:
            os.truncate(fd, 0)
            os.pwrite(fd, str(os.getpid()).encode(), 0)
            return fd
        os.close(fd)  # the launcher that held the lock has removed the folder meanwhile


def _make_private(path: Path) -> None:
    """Make a folder that only this user can enter. Raises LaunchError if there is one that others can enter."""
    try:
        make_private_folder(path.parent)
        with contextlib.suppress(FileExistsError):
            path.mkdir(mode=0o700)
        found, parent = path.lstat(), path.parent.stat()
    except FileNotFoundError:
        return _make_private(path)  # another launcher has just removed it as it ended
    except OSError as error:
        raise LaunchError(f"the folder {path} cannot be made: {error.strerror}") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise LaunchError(
            f"{path} must be a folder of yours that nobody else can enter: chmod 700, or another --run-dir"
        )
    if parent.st_uid not in (0, os.geteuid()):
        raise LaunchError(f"{path.parent} belongs to another user, who could put anything there: give a --run-dir")
    return None
