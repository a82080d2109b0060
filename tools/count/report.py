"""The output of `metrica-count`: crossings as JSON while it runs, progress, and totals at the end."""

from __future__ import annotations

import bisect
import json
import logging
import sys
import time
from array import array
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from metrica.messages import Crossing, Frame, Tracks
from metrica.tools.count.output import discard_output, name_output


class FrameTimes:
    """The time of each frame that was looked at."""

    def __init__(self) -> None:
        self._stamps = array("q")
        self._indexes = array("q")

    def add(self, stamp: int, index: int) -> None:
        """Note that frame `index` (the first is 0) was taken at `stamp`, ns. Call it in order of time."""
        self._stamps.append(stamp)
        self._indexes.append(index)

    def index_at(self, stamp: int) -> int:
        """The number of the frame nearest to a time. It may be one that was not looked at, between two that were."""
        after = bisect.bisect_left(self._stamps, stamp)
        if after == 0:
            return self._indexes[0] if self._indexes else 0
        if after == len(self._stamps):
            return self._indexes[-1]
        t0, t1 = self._stamps[after - 1], self._stamps[after]
        i0, i1 = self._indexes[after - 1], self._indexes[after]
        return i0 + round((stamp - t0) / (t1 - t0) * (i1 - i0))

    def seconds(self, stamp: int) -> float:
        """A moment as seconds from the first frame."""
        return (stamp - self._stamps[0]) / 1e9 if self._stamps else 0.0

    @property
    def last_index(self) -> int:
        """The number of the last frame; -1 before the first."""
        return self._indexes[-1] if self._indexes else -1

    @property
    def duration(self) -> float:
        """Seconds from the first frame to the last."""
        return self.seconds(self._stamps[-1]) if self._stamps else 0.0


class Report:
    """Writes one JSON object per crossing, shows the progress on a terminal, and prints the totals.

    Use it as a context manager. output: where the JSON lines go. quiet: no progress and no totals.
    """

    def __init__(self, video: str, lines: list[str], output: TextIO, *, quiet: bool) -> None:
        self._video, self._lines = video, lines
        self._output, self._quiet = output, quiet
        self.times = FrameTimes()
        """The times of the frames that have been read."""
        self.output_closed = False
        """Whether the reader of the JSON lines has closed the pipe, as `| head` does."""
        self._totals: Counter[tuple[str, str]] = Counter()
        self._done = 0
        self._started = 0.0  # starts with the first frame: loading the model is not part of the video's speed
        self._console = Console(stderr=True, highlight=False)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[counts]}"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=quiet or not self._console.is_terminal,
        )
        self._task = self._progress.add_task(Path(video).name, total=None, counts="")

    def __enter__(self) -> Self:
        self._handler = _ToConsole(self._console)
        logging.getLogger("metrica").addHandler(self._handler)
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()
        logging.getLogger("metrica").removeHandler(self._handler)

    def warn(self, sentence: str) -> None:
        """Print a warning on standard error, above the progress bar."""
        self._console.print(Text(f"metrica-count: {sentence}"), soft_wrap=True)

    def length(self, frames: int) -> None:
        """Set how many frames the video claims to have; 0 if unknown."""
        self._progress.update(self._task, total=frames or None)

    def frame(self, msg: Frame, index: int) -> None:
        """Note that a frame has been read."""
        self._started = self._started or time.monotonic()
        self.times.add(msg.header.stamp, index)

    def tracks(self, msg: Tracks) -> None:
        """Note that a frame has been processed: these are its tracks."""
        self._done += 1
        if not self._progress.disable:
            rate = self._done / max(1e-6, time.monotonic() - self._started)
            entered, left = self._sum("in"), self._sum("out")
            self._progress.update(
                self._task,
                completed=self.times.index_at(msg.header.stamp) + 1,
                counts=f"{rate:.0f} frames/s  [green]in {entered}[/]  [yellow]out {left}[/]",
            )

    def crossing(self, msg: Crossing) -> None:
        """Write a crossing, and count it."""
        self._totals[msg.line, msg.direction] += 1
        line = json.dumps(
            {
                "frame": self.times.index_at(msg.time),
                "time": round(self.times.seconds(msg.time), 3),
                "line": msg.line,
                "direction": msg.direction,
                "track": msg.track,
            }
        )
        if self._output is sys.stdout and sys.stdout.isatty() and not self._progress.disable:
            self._console.print(Text(line), soft_wrap=True)  # one terminal for both: above the bar, not through it
            return
        try:
            self._output.write(line + "\n")
            self._output.flush()
        except BrokenPipeError:
            self.output_closed = True
            if self._output is sys.stdout:
                discard_output()
        except OSError as error:
            raise name_output(error, self._output) from None

    def summary(self, *, stopped: bool = False) -> None:
        """Print the totals of each line on standard error."""
        if self._quiet:
            return
        took = max(1e-6, time.monotonic() - (self._started or time.monotonic()))
        ended = f"stopped after frame {self.times.last_index}, " if stopped else ""
        self._say(
            f"{self._video}: {ended}{self._done} frames looked at, {self.times.duration:.1f} s of video "
            f"in {took:.1f} s ({self._done / took:.0f} frames/s)"
        )
        width = max(len(name) for name in self._lines)
        for name in self._lines:
            self._say(f"  {name:{width}}  in {self._totals[name, 'in']:4d}  out {self._totals[name, 'out']:4d}")

    def _say(self, text: str) -> None:
        self._console.print(Text(text), soft_wrap=True)

    def _sum(self, direction: str) -> int:
        return sum(n for (_, d), n in self._totals.items() if d == direction)


class _ToConsole(logging.Handler):
    """Prints the warnings of the nodes above the progress bar."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.print(Text(f"metrica-count: {record.getMessage()}"), soft_wrap=True)
