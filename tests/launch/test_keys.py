"""`metrica-keys`, what a launch file without keys is told, and two launches that talk over tcp."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import zmq

from metrica.errors import KeysError
from metrica.launch.cli import main
from metrica.launch.keys_cli import main as keys_main
from metrica.transport.keys import KeyFolder, as_digits, public_key
from tests.launch.harness import MISBEHAVING, Launch, launching
from tests.runtime.sockets import eventually, free_port


def keys(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = keys_main(arguments)
    out, err = capsys.readouterr()
    return status, out + err


def modes(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): oct(stat.S_IMODE(p.stat().st_mode)) for p in [folder, *folder.rglob("*")]}


def test_keys_are_made_once_shown_and_never_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "store.yaml"
    file.write_text("metrica: 1\nstore: {id: a, timezone: UTC}\ndata: data\nnodes: {x: {type: mistaken}}\n")
    before = os.umask(0)
    try:
        status, made = keys("make", "--launch", str(file), capsys=capsys)
    finally:
        os.umask(before)
    assert status == 0 and re.fullmatch(r"[0-9a-f]{64}\n", made)
    folder = tmp_path / "data" / "keys"
    assert modes(folder) == {".": "0o700", "own.key": "0o600", "own.key_secret": "0o600"}
    assert keys("show", "--data", str(tmp_path / "data"), capsys=capsys) == (0, made)
    status, refused = keys("make", "--launch", str(file), capsys=capsys)
    assert status == 1
    assert refused == (
        f"metrica-keys: error: there are keys in {folder} already: "
        "'--replace' makes new ones, and all who read must be told\n"
    )
    assert keys("show", "--launch", str(file), capsys=capsys) == (0, made)
    status, anew = keys("make", "--replace", "--launch", str(file), capsys=capsys)
    assert status == 0 and anew != made
    assert keys("show", "--launch", str(file), capsys=capsys) == (0, anew)
    assert set(modes(folder)) == {".", "own.key", "own.key_secret"}, "no draft is left"


def test_machines_are_allowed_trusted_listed_and_forgotten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ("--data", str(tmp_path))
    other = as_digits(zmq.curve_keypair()[0].decode())
    status, said = keys("trust", "10.0.0.7", other, *data, capsys=capsys)
    assert (status, said.partition(": make them")[0]) == (
        1,
        f"metrica-keys: error: there are no keys in {tmp_path}/keys",
    )
    own = keys("make", *data, capsys=capsys)[1].strip()
    assert keys("allow", "office", other, *data, capsys=capsys)[0] == 0
    assert keys("trust", "[::1]:5560", other, *data, capsys=capsys)[0] == 0
    assert keys("trust", "box.local", other, *data, capsys=capsys)[0] == 0
    assert keys("list", *data, capsys=capsys) == (
        0,
        f"office\tmay read\t{other}\n[::1]:5560\tpublishes\t{other}\nbox.local\tpublishes\t{other}\n",
    )
    assert all(mode in ("0o600", "0o700") for mode in modes(tmp_path / "keys").values())
    assert keys("forget", "office", *data, capsys=capsys)[0] == 0
    for wrong, words in (
        (("forget", "office"), "nothing is known of 'office'"),
        (("allow", "../../etc", other), "'../../etc' is no name for a reader"),
        (("allow", "office", other[1:]), "this is not a public key: it has 64 hexadecimal digits"),
        (("allow", "office", own), "this is the key of this machine itself"),
        (("trust", "tcp://box", other), "'tcp://box' is not HOST or HOST:PORT"),
    ):
        status, said = keys(*wrong, *data, capsys=capsys)
        assert status == 1 and words in said


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.chmod(0o640), "others can read the secret key in .*: run 'chmod 600"),
        (lambda path: path.write_text("nonsense"), "cannot be read: No public key found"),
        (lambda path: path.write_text(path.read_text().replace("secret-key", "other")), "are damaged: make new ones"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "cannot be read: "),
        (lambda path: path.unlink(), "there are no keys in .*: make them with 'metrica-keys make'"),
    ],
)
def test_keys_that_cannot_be_used_are_one_sentence(tmp_path: Path, spoil: Callable[[Path], object], words: str) -> None:
    keys = KeyFolder(tmp_path)
    keys.make()
    spoil(tmp_path / "keys" / "own.key_secret")
    with pytest.raises(KeysError, match=words) as error:
        keys.own()
    assert "\n" not in str(error.value)


def test_a_key_is_the_same_as_digits_and_as_zeromq_writes_it() -> None:
    for _ in range(20):
        key = zmq.curve_keypair()[0].decode()
        assert public_key(as_digits(key)) == public_key(key) == key


def test_a_launch_file_with_a_topic_over_tcp_needs_keys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "store.yaml"
    path.write_text(
        "metrica: 1\ndata: data\nnodes:\n"
        "  camera: {type: pictures:Camera}\n"
        "  sink: {type: good:Sink, params: {file: a}}\n"
        "endpoints:\n"
        "  /frames: tcp://127.0.0.1:5560\n"
        "  /numbers: tcp://10.0.0.7:5561\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(MISBEHAVING))
        assert main([str(path), "--check"]) == 2
        missing = f"there are no keys in {tmp_path}/data/keys: make them with 'metrica-keys make'"
        assert capsys.readouterr().err == (
            f"{path}:7:3: error: the pictures of /frames would travel over tcp unencrypted: {missing}\n"
            "    7 |   /frames: tcp://127.0.0.1:5560\n"
            f"      |   ^^^^^^^ with --launch {path}\n"
            f"{path}:8:3: error: the messages of /numbers would travel over tcp unencrypted: {missing}\n"
            "    8 |   /numbers: tcp://10.0.0.7:5561\n"
            f"      |   ^^^^^^^^ with --launch {path}\n"
        )
        KeyFolder(tmp_path / "data").make()
        assert main([str(path), "--check"]) == 2
        said = capsys.readouterr().err
        assert "/frames" not in said
        assert (
            "the messages of /numbers would travel over tcp unencrypted: the key of the publisher at 10.0.0.7:5561 is "
            "not known: give it with 'metrica-keys trust 10.0.0.7 KEY'\n" in said
        )
        KeyFolder(tmp_path / "data").trust("10.0.0.7", zmq.curve_keypair()[0].decode())
        assert main([str(path), "--check"]) == 0


def test_pictures_reach_another_launch_also_when_one_is_killed(tmp_path: Path) -> None:
    port = free_port()
    endpoints = f'endpoints: {{/frames: "tcp://127.0.0.1:{port}"}}\n'
    seen, heard = tmp_path / "seen", tmp_path / "heard"
    box, office = KeyFolder(tmp_path / "box"), KeyFolder(tmp_path / "office")
    office_key = office.make().public
    office.trust("127.0.0.1", box.make().public)
    # The box also looks at its own pictures, over the same address.
    here = f"  viewer: {{type: pictures:Viewer, params: {{file: {heard}}}}}\n"
    there = f"  viewer: {{type: pictures:Viewer, params: {{file: {seen}}}}}\n"

    def pictures(file: Path) -> list[str]:
        return file.read_text().split() if file.exists() else []

    with launching(there + endpoints, data=office.path.parent) as listening:
        listening.wait_for("1 of 1 nodes run")
        with launching("  camera: {type: pictures:Camera}\n" + here + endpoints, data=box.path.parent) as publishing:
            publishing.wait_for("2 of 2 nodes run")
            digits = as_digits(office_key)
            publishing.wait_for(
                f"a reader at 127.0.0.1 is refused /frames: to let it in, run 'metrica-keys allow NAME {digits}'"
            )
            listening.wait_for("the publisher of /frames at tcp://127.0.0.1:")
            assert not seen.exists()
            eventually(lambda: len(pictures(heard)) > 5, "pictures on the box itself")
            box.allow("office", office_key)
            listening.wait_for("/frames comes from its publisher at")
            eventually(lambda: len(pictures(seen)) > 5, "pictures in the office")
            with socket.create_connection(("127.0.0.1", port), timeout=10) as sniffer:
                sniffer.settimeout(0.5)
                assert b"this stands" not in everything(sniffer)
            for launch in (publishing, listening):
                victim = min(launch.processes())
                os.kill(victim, signal.SIGKILL)
                launch.wait_for("was killed by SIGKILL")
                before = len(pictures(seen))
                eventually(lambda before=before: len(pictures(seen)) > before + 5, "pictures again")
            assert publishing.stop() == 0, publishing.output
        assert listening.stop() == 0, listening.output
    assert "wrong" not in pictures(seen) + pictures(heard)
    assert_no_secret_key(listening, office)
    assert_no_secret_key(publishing, box)


def everything(stream: socket.socket) -> bytes:
    """What comes within a second without a word from us."""
    found, end = b"", time.monotonic() + 1
    while time.monotonic() < end:
        try:
            if not (data := stream.recv(65536)):
                break
        except TimeoutError:
            continue
        found += data
    return found


def assert_no_secret_key(launch: Launch, keys: KeyFolder) -> None:
    assert keys.own().secret not in launch.output
