"""Compiled networks on the disk: used again, and never a reason to fail, whatever has happened to the folder."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from metrica.models.card import Card
from metrica.models.compile_cache import CompileCache, default_folder
from metrica.models.library import Model
from metrica.models.network import Network
from tests.models.networks import echo_network
from tests.models.test_network import card
from tests.small_disk import fill, small_disk

WIDTH, HEIGHT = 64, 48


@pytest.fixture
def network(tmp_path: Path) -> Callable[..., Network]:
    """Makes the same network anew, as a process that starts does."""
    path = echo_network(tmp_path / "echo.xml", 96, 64)
    described: Card = card()
    return lambda folder, **more: Network(Model("m", described, path), cache=CompileCache(folder, **more), threads=1)


def is_cached(network: Network, size: tuple[int, int] = (WIDTH, HEIGHT)) -> bool:
    return bool(network.compiled(*size).get_property("LOADED_FROM_CACHE"))


def kept(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def answers(network: Network) -> bytes:
    image = np.arange(WIDTH * HEIGHT * 3, dtype=np.uint8).reshape(HEIGHT, WIDTH, 3)
    request = network.compiled(WIDTH, HEIGHT).create_infer_request()
    request.infer([image[None]])
    return bytes(request.get_output_tensor(0).data.tobytes())


def test_a_network_is_compiled_once_for_a_size_and_read_by_the_next_process(
    network: Callable[..., Network], tmp_path: Path
) -> None:
    first = network(tmp_path / "cache")
    assert not is_cached(first)
    assert not is_cached(first, (80, 48)), "another size is another network"
    second = network(tmp_path / "cache")
    assert is_cached(second)
    assert answers(second) == answers(first)
    assert is_cached(network(tmp_path / "cache")), "it is still there after it was read"
    assert len(kept(tmp_path / "cache")) == 2
    assert list((tmp_path / "cache").glob(".*")) == []


@pytest.mark.parametrize("how", ["cut short", "one byte differs", "empty", "no seal", "broken seal", "another file"])
def test_a_damaged_network_is_thrown_away_and_compiled_anew(
    network: Callable[..., Network], tmp_path: Path, how: str
) -> None:
    expected = answers(network(tmp_path / "cache"))
    (folder,) = kept(tmp_path / "cache")
    (blob,) = folder.glob("*.blob")
    data = blob.read_bytes()
    match how:
        case "cut short":
            blob.write_bytes(data[: len(data) // 2])
        case "one byte differs":
            blob.write_bytes(data[:-100] + bytes([data[-100] ^ 255]) + data[-99:])
        case "empty":
            blob.write_bytes(b"")
        case "no seal":
            (folder / "digests.json").unlink()
        case "broken seal":
            (folder / "digests.json").write_text('["')
        case _:
            blob.unlink()
    again = network(tmp_path / "cache")
    assert not is_cached(again)
    assert answers(again) == expected
    assert is_cached(network(tmp_path / "cache")), "the new one is kept"


def test_a_network_whose_reading_killed_the_process_is_not_read_again(
    network: Callable[..., Network], tmp_path: Path
) -> None:
    network(tmp_path / "cache").compiled(WIDTH, HEIGHT)
    (folder,) = kept(tmp_path / "cache")
    child = os.fork()
    if child == 0:
        CompileCache(tmp_path / "cache").compile(folder.name, lambda _: os._exit(9))
    os.waitpid(child, 0)
    assert not is_cached(network(tmp_path / "cache"))
    assert is_cached(network(tmp_path / "cache"))


@pytest.mark.parametrize("folder", ["/proc/nothing/here", "a-file/below"])
def test_a_folder_that_cannot_be_made_only_costs_time(
    network: Callable[..., Network], tmp_path: Path, folder: str
) -> None:
    (tmp_path / "a-file").touch()
    assert not is_cached(network(tmp_path / folder))


def test_a_full_disk_only_costs_time_and_leaves_nothing_half(network: Callable[..., Network], tmp_path: Path) -> None:
    with small_disk(tmp_path, "200m") as disk:
        intact = network(disk / "cache")
        assert not is_cached(intact)
        filler = fill(disk)
        assert is_cached(network(disk / "cache")), "what is there is still read"
        assert not is_cached(network(disk / "cache"), (80, 48))
        assert len(kept(disk / "cache")) <= 1
        filler.unlink()
        assert not is_cached(network(disk / "cache"), (80, 48))
        assert is_cached(network(disk / "cache"), (80, 48))


def test_a_disk_that_fills_up_while_it_is_written_leaves_nothing_half(tmp_path: Path) -> None:
    with small_disk(tmp_path, "200m") as disk:

        def make(folder: Path | None) -> str:
            if folder is not None:
                (folder / "half.blob").write_bytes(b"half of it")
                fill(disk)
            return "made"

        assert CompileCache(disk / "cache").compile("key", make) == "made"
        assert kept(disk / "cache") == []


def test_the_folder_is_bounded_and_what_was_used_last_stays(network: Callable[..., Network], tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    for width in (64, 72, 80):
        network(folder, most=3).compiled(width, HEIGHT)
    for age, path in enumerate(sorted(kept(folder), key=lambda p: p.stat().st_mtime, reverse=True), 1):
        os.utime(path, (1e9 - age, 1e9 - age))
    assert is_cached(network(folder, most=3)), "used just now, so not the oldest any more"
    network(folder, most=3).compiled(88, HEIGHT)
    assert len(kept(folder)) == 3
    assert is_cached(network(folder, most=3))
    assert not is_cached(network(folder, most=3), (72, HEIGHT))
    network(folder, most_bytes=1).compiled(64, HEIGHT)
    assert kept(folder) == []


def test_the_folder_is_in_the_users_cache_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_folder() == Path("/somewhere/metrica/compiled")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME", raising=False)

    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert default_folder() is None
