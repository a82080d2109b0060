"""Standard output and error without secrets, for what does not go through `logging`: prints, warnings, tracebacks."""

from __future__ import annotations

import sys
import threading
import traceback
from types import TracebackType
from typing import Any, TextIO

from metrica.secrets.registry import hide


class HidingStream:
    """A stream that hides the secrets in what is written, and is otherwise the stream below it."""

    def __init__(self, below: TextIO) -> None:
        self._below = below

    def write(self, text: str) -> int:
        """Write a text without its secrets. Returns the length of what was given."""
        self._below.write(hide(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write these texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._below, name)


def hide_in_output() -> None:
    """From now on, hide secrets in what this process prints, on standard output and error.

    What a C library writes to the file descriptors does not pass here; the launcher hides what it knows in that.
    """
    for name in ("stdout", "stderr"):
        stream: Any = getattr(sys, name)
        if stream is not None and not isinstance(stream, HidingStream):
            setattr(sys, name, HidingStream(stream))


def hide_in_tracebacks() -> None:
    """From now on, hide secrets in the traceback of an exception that nobody has caught."""

    def show(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        if sys.stderr is not None:  # pyright: ignore[reportUnnecessaryComparison]
            sys.stderr.write(hide("".join(traceback.format_exception(kind, error, trace))))

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_type is not SystemExit:
            show(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook = show
    threading.excepthook = in_thread
