"""Runs metrica-launch as a real process in a folder of its own, and proves that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from metrica.launch.reading.folders import frame_dir

MISBEHAVING = Path(__file__).parent / "misbehaving"
FAST = {"hung": 4.0, "drain": 2.0, "terminate": 0.5, "first_restart": 0.1, "longest_restart": 0.4}
"""Limits that make tests fast. A node beats once a second, so silence must be longer."""
# A launcher under nohup goes on at a hang-up; these are to hear it, whatever the tests themselves are started with.
_PROGRAM = """
import json, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from metrica.launch.cli import main
from metrica.launch.supervision.limits import Limits
sys.exit(main(sys.argv[2:], limits=Limits(**json.loads(sys.argv[1]))))
"""


class Launch:
    """One launcher. What it prints is kept in `lines`, standard output and error together."""

    def __init__(
        self, file: Path, *arguments: str, run_dir: Path, limits: dict[str, float], environment: dict[str, str]
    ) -> None:
        self.run_dir = run_dir
        self.lines: list[str] = []
        self._stop_reading = threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, json.dumps(limits), str(file), "--run-dir", str(run_dir), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            env={**os.environ, **environment},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, words: str, *, times: int = 1, timeout: float = 40.0) -> None:
        """Until so many lines contain the words. Raises AssertionError with all that was printed."""
        self.wait_until(lambda: sum(words in line for line in list(self.lines)) >= times, words, timeout)

    def wait_until(self, so: Callable[[], bool], what: str, timeout: float = 40.0) -> None:
        end = time.monotonic() + timeout
        while not so():
            ended = self.process.poll() is not None
            if ended:
                self._reader.join(5)
                if so():
                    return
            assert not ended and time.monotonic() < end, f"no {what!r} in:\n{self.output}"
            time.sleep(0.02)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, timeout: float = 40.0) -> int:
        """Wait for the launcher's own end; the exit status."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the launcher does not end:\n{self.output}") from None
        self._reader.join(5)
        return status

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.send(number)
        return self.end()

    def stop_reading(self) -> None:
        """After the next line, close our end of its standard output and error, as a pager does that is left."""
        self._stop_reading.set()

    def processes(self) -> list[int]:
        """The node processes of this launch, and whatever they have started."""
        mark = f"METRICA_RUN_DIR={self.run_dir}".encode()
        found: list[int] = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
            except OSError:
                continue
        return found

    def assert_nothing_left(self) -> None:
        assert self.processes() == []
        assert not self.run_dir.exists() or list(self.run_dir.iterdir()) == []
        assert not frame_dir(self.run_dir).exists()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if self._stop_reading.is_set():
                self.process.stdout.close()
                return

    def __enter__(self) -> Launch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(frame_dir(self.run_dir), ignore_errors=True)
        self._reader.join(5)
        if self.process.stdout:
            self.process.stdout.close()


@contextmanager
def short_folder() -> Generator[Path]:
    """A private folder with a short path: that of a socket has 107 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="ml-") as folder:
        yield Path(folder).resolve()


@contextmanager
def launching(
    nodes: str,
    *arguments: str,
    limits: dict[str, float] | None = None,
    environment: dict[str, str] | None = None,
    data: Path | None = None,
) -> Generator[Launch]:
    """A launch of these nodes (the lines under `nodes:`, indented by two), whose modules are in `misbehaving/`."""
    with short_folder() as folder:
        file = folder / "graph.yaml"
        data = data or folder / "data"
        file.write_text(f"metrica: 1\nstore: {{id: test, timezone: UTC}}\ndata: {data}\nnodes:\n{nodes}")
        env = {
            "PYTHONPATH": os.pathsep.join([str(MISBEHAVING), os.environ.get("PYTHONPATH", "")]),
            **(environment or {}),
        }
        run_dir = folder / "run"
        with Launch(file, *arguments, run_dir=run_dir, limits={**FAST, **(limits or {})}, environment=env) as launch:
            yield launch
