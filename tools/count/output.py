"""The output of a command: any text can be printed, and what could not be written is said."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import TextIO

from metrica.errors import ParameterError


def print_any_text() -> None:
    """Let standard output take every text: file names that are not UTF-8, and terminals that know few characters."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def discard_output() -> None:
    """Drop what standard output still holds, else Python complains when it cannot be written at exit either."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def write_output(text: str = "") -> None:
    """Write a text, and what standard output still holds. Raises OSError if that fails, and drops it then."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        discard_output()
        raise name_output(error, sys.stdout) from None


@contextlib.contextmanager
def open_output(name: str) -> Generator[TextIO]:
    """A file for --json, or standard output for `-`.

    Raises ParameterError if the file cannot be made, and OSError with its name if it cannot be written.
    """
    if name == "-":
        yield sys.stdout
        write_output()
        return
    try:
        file = Path(name).open("w", encoding="utf-8")  # noqa: SIM115 - closed below, where an error gets its name
    except (FileNotFoundError, PermissionError, IsADirectoryError) as error:
        raise ParameterError("json", f"the file {name} cannot be written: {error.strerror}") from None
    try:
        yield file
    finally:
        try:
            file.close()
        except OSError as error:
            raise name_output(error, file) from None


def name_output(error: OSError, output: TextIO) -> OSError:
    """The error with the name of the output that could not be written."""
    return OSError(error.errno, error.strerror, "standard output" if output is sys.stdout else output.name)
