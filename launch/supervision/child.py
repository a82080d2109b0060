"""The process of one node, from its start to its end."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import IO

from metrica.transport import NodeSpec

MARK = "METRICA_RUN_DIR"
"""Environment variable that every process of a launch carries, so that a later launcher finds those left behind."""
THIS_LAUNCH = f"METRICA_LAUNCH={secrets.token_hex(8)}"
"""Environment variable and its value that only the processes of this launcher carry."""
_CHUNK = 1 << 16
_PIPE_CHUNKS = 64
_OWN = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


def node_environment(folder: Path, run_dir: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a node process: modules beside the launch file can be imported, and the variables by which
    systemd talks to the launcher are left out."""
    path = [str(folder), *filter(None, [environment.get("PYTHONPATH")])]
    kept = {key: value for key, value in environment.items() if key not in _OWN}
    name, value = THIS_LAUNCH.split("=")
    return {**kept, "PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1", MARK: str(run_dir), name: value}


class Child:
    """A running node process. It has a session of its own, so that Ctrl-C on the terminal reaches the launcher only.

    `pidfd` becomes readable when the process has ended; then call `reap`. Raises OSError if it cannot be started.
    """

    def __init__(self, spec: NodeSpec, environment: Mapping[str, str]) -> None:
        # The child is told who its launcher is: if that dies meanwhile, the child cannot find out by itself.
        itself = os.pidfd_open(os.getpid())
        with _in_memory(spec.model_dump_json().encode()) as description, _closing(itself) as launcher:
            self._process = subprocess.Popen(
                # -P: do not import modules from the folder in which the launcher happens to be started.
                [sys.executable, "-P", "-m", "metrica.executors.process", str(launcher)],
                stdin=description,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(environment),
                pass_fds=[launcher],
                start_new_session=True,
            )
        self.pid = self._process.pid
        self.pidfd = os.pidfd_open(self.pid)
        assert self._process.stdout and self._process.stderr
        self.outputs = (LineReader(self._process.stdout), LineReader(self._process.stderr))

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process; does nothing if it has ended already."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, number)

    def reap(self) -> int:
        """The exit status of the ended process, negative for a signal. Kills what the process has started itself."""
        # Not reaped yet, so the number of its process group cannot belong to another process.
        with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody else is in the group
            os.killpg(self.pid, signal.SIGKILL)
        status = self._process.wait()
        os.close(self.pidfd)
        return status


class LineReader:
    """The complete lines that come out of a pipe. Reading never waits."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._rest = b""
        self.fd = pipe.fileno()
        self.ended = False
        os.set_blocking(self.fd, False)

    def read(self, take: Callable[[str], None]) -> bool:
        """Read once and hand over every complete line; at the end of the pipe also an incomplete one.

        Returns False if there was nothing to read.
        """
        try:
            data = b"" if self.ended else os.read(self.fd, _CHUNK)
        except BlockingIOError:
            return False
        *whole, self._rest = (self._rest + data).split(b"\n")
        if self._rest and (not data or len(self._rest) > _CHUNK):
            whole.append(self._rest)
            self._rest = b""
        for line in whole:
            take(line.decode("utf-8", "replace").rstrip("\r"))
        self.ended = not data
        return not self.ended

    def read_rest(self, take: Callable[[str], None]) -> None:
        """Read what is left in the pipe of a process that has ended, and close it."""
        for _ in range(_PIPE_CHUNKS):  # a process that it left behind may write for ever
            if not self.read(take):
                break
        self.ended = True
        self._pipe.close()


@contextlib.contextmanager
def _closing(fd: int) -> Generator[int]:
    """A file descriptor that is closed at the end of the `with` block."""
    try:
        yield fd
    finally:
        os.close(fd)


def _in_memory(data: bytes) -> IO[bytes]:
    """A file in memory with this text. With a pipe, writing would wait for a process that does not read."""
    file = os.fdopen(os.memfd_create("node"), "w+b")
    file.write(data)
    file.seek(0)
    return file
