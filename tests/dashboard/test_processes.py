"""`metrica-dashboard` as a program: its first start, its users, a polite stop, and wrong arguments."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest
import urllib3

from metrica.dashboard.service.errors import SecretFileError
from metrica.dashboard.service.secret_file import read_or_create
from metrica.dashboard.store.database import Database
from metrica.dashboard.store.users import User
from metrica.dashboard.web.passwords import OWNER, hashed, is_right

COMMAND = [sys.executable, "-c", "import sys; from metrica.dashboard.web.cli import main; sys.exit(main())"]


def dashboard(*arguments: str, data: Path, typed: str = "") -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *arguments, "--data", str(data)]
    return subprocess.run(command, input=typed, capture_output=True, text=True, timeout=60, check=False)


@contextlib.contextmanager
def serving(data: Path, **environment: str) -> Generator[tuple[subprocess.Popen[str], str, str]]:
    """A running server, its address, and what it printed before that."""
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", "--data", str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        assert process.stdout is not None
        output = ""
        while "listening on " not in output:
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            output += line
        yield process, output.rpartition("listening on ")[2].strip(), output
    finally:
        process.kill()
        process.communicate()


def logs_in(address: str, password: str) -> bool:
    http = urllib3.PoolManager(retries=False, timeout=30)
    page = http.request("GET", f"{address}/login")
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    token = re.search(r'name="csrf" value="([^"]+)"', page.data.decode())
    assert token
    fields = {"name": OWNER, "password": password, "csrf": token.group(1)}
    answer = http.request(
        "POST", f"{address}/login", fields=fields, encode_multipart=False, headers={"Cookie": cookie}, redirect=False
    )
    return answer.status == 302


def children(pid: int) -> list[str]:
    return [
        found
        for task in Path(f"/proc/{pid}/task").iterdir()
        for found in (task / "children").read_text().split()
    ]  # fmt: skip


def test_the_first_password_is_in_a_private_file_until_the_owner_has_another(tmp_path: Path) -> None:
    kept = tmp_path / "first-password"
    with serving(tmp_path) as (process, address, output):
        assert f"log in as 'owner' with the password in {kept}" in output
        made = kept.read_text().strip()
        assert made not in output
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert logs_in(address, made)
        assert not logs_in(address, "wrong")
        assert children(process.pid) == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert "Traceback" not in process.communicate()[1]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["first-password", "metrica.db", "session.key"]
    assert stat.S_IMODE((tmp_path / "session.key").stat().st_mode) == 0o600
    with serving(tmp_path) as (process, address, output):
        assert str(kept) in output, "nobody has taken another password, so it can still be read"
        assert logs_in(address, made)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    with serving(tmp_path, METRICA_PASSWORD="from the environment") as (process, address, output):
        assert "from the environment" not in output
        assert logs_in(address, "from the environment")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    with serving(tmp_path) as (process, address, output):
        assert "password" not in output
    assert not kept.exists()


def test_a_request_under_way_is_finished_before_the_server_ends(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, address, _):
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as slow:
            slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            process.send_signal(signal.SIGTERM)
            assert b'"ok"' in b"".join(iter(lambda: slow.recv(4096), b""))
        began = time.monotonic()
        assert process.wait(20) == 0
        assert time.monotonic() - began < 15


def test_users_are_added_changed_and_listed(tmp_path: Path) -> None:
    assert dashboard("user", "add", "amel", data=tmp_path, typed="her password\n").stdout == "amel can log in\n"
    assert dashboard("user", "passwd", "amel", data=tmp_path, typed="another one\n").returncode == 0
    assert dashboard("user", "list", data=tmp_path).stdout == "amel\n"
    with Database(tmp_path / "metrica.db") as database:
        assert is_right(database.users.get("amel"), "another one")


@pytest.mark.parametrize(
    ("arguments", "typed", "sentence"),
    [
        (("user", "add", "amel"), "short\n", "the password is too short: use at least 8 characters"),
        (("user", "add", "amel"), "", "the password is too short"),
        (("user", "add", OWNER), "long enough\n", "there is a user 'owner' already: 'user passwd owner' changes"),
        (
            ("user", "passwd", "amel"),
            "long enough\n",
            "there is no user 'amel' (users: owner): 'user add amel' adds one",
        ),
        (("serve", "--host", "192.0.2.1"), "", "the address 192.0.2.1 is not one of this machine"),
    ],
)
def test_a_wrong_argument_is_one_sentence_and_exit_1(
    tmp_path: Path, arguments: tuple[str, ...], typed: str, sentence: str
) -> None:
    with Database(tmp_path / "metrica.db") as database:
        database.users.put(User(OWNER, hashed("long enough")))
    ended = dashboard(*arguments, data=tmp_path, typed=typed)
    assert ended.returncode == 1
    lines = ended.stderr.splitlines()
    if arguments[0] == "user":
        assert f"'metrica-dashboard user {arguments[1]}' is now 'metrica-admin" in lines.pop(0)
    (line,) = lines
    assert line.partition(": error: ")[2].startswith(sentence)


def test_a_taken_port_is_one_sentence_and_no_password_is_lost(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = dashboard("serve", "--port", str(port), data=tmp_path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"metrica-dashboard: error: port {port} is taken by another program: choose another port, or stop it\n"
    )
    with Database(tmp_path / "metrica.db") as database:
        assert database.users.all() == []


def test_a_key_file_is_made_once_and_refused_when_others_can_read_it_or_it_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "session.key"
    key = read_or_create(path)
    assert (len(key), read_or_create(path)) == (64, key)
    path.chmod(0o644)
    with pytest.raises(SecretFileError, match="chmod 600"):
        read_or_create(path)
    path.chmod(0o600)
    path.write_text(key[:20])
    with pytest.raises(SecretFileError, match="is damaged: delete the file"):
        read_or_create(path)
    (tmp_path / "file").write_text("")
    with pytest.raises(SecretFileError, match="check the folder"):
        read_or_create(tmp_path / "file" / "session.key")
