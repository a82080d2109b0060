"""What the hour calls memory of a node: what the node has written, whoever else runs on the machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from benchmarks.chaos.usage import Usage, usage

_MAPS = """
import mmap, sys
file = open(sys.argv[1], "rb")
mapped = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
sum(mapped[::4096])
own = []
for line in sys.stdin:
    own.append(bytearray(b"x") * int(line))
    print("ready", flush=True)
"""
_MB = 2**20


class _Mapping:
    """A process that has a file mapped, as a node has its libraries, and takes memory when it is told to."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def take(self, size: int) -> Usage:
        """Have it write so many bytes more. Returns what it holds then."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print(size, file=self._process.stdin, flush=True)
        assert self._process.stdout.readline() == "ready\n"
        return usage(self._process.pid)


@contextmanager
def mapping(file: Path) -> Generator[_Mapping]:
    command = [sys.executable, "-c", _MAPS, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield _Mapping(process)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    file = tmp_path / "library"
    file.write_bytes(bytes(range(256)) * (16 * _MB // 256))
    return file


def test_a_neighbour_that_ends_is_no_growth(library: Path) -> None:
    with mapping(library) as node, ExitStack() as neighbours:
        neighbours.enter_context(mapping(library)).take(1)
        before = node.take(1)
        neighbours.close()
        after = node.take(1)
    assert abs(after["memory_mb"] - before["memory_mb"]) < 1
    assert before["files_mb"] > 16 and after["files_mb"] > 16


def test_what_a_node_takes_is_growth(library: Path) -> None:
    with mapping(library) as node:
        before, after = node.take(1), node.take(30 * _MB)
    assert 29 < after["memory_mb"] - before["memory_mb"] < 40
    assert abs(after["files_mb"] - before["files_mb"]) < 2
