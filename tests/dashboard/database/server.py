"""A throwaway PostgreSQL, from Debian's package, as an unprivileged user."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psycopg

GUARDED = "guarded"
"""The one user who needs a password; `metrica` may do everything, and needs none."""
_TEMPLATE = "metrica_template"
_QUICK = "-c fsync=off -c full_page_writes=off -c max_connections=60 -c shared_buffers=32MB"
# The programs of the tests come and go by the hundred, and none of them is to be waited for.


def programs() -> Path | None:
    """Return the folder with initdb and pg_ctl, of the newest version; None if PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    somewhere = shutil.which("initdb")
    return Path(somewhere).resolve().parent if somewhere else None


class Server:
    """A server on a port of its own, with its data in a folder of its own."""

    def __init__(self, settings: str = _QUICK, *, encoding: str = "UTF8") -> None:
        """Start it. settings: options of the server."""
        found = programs()
        assert found is not None
        self._programs, self._settings = found, settings
        # Not a folder of pytest's: those are closed to the user that the server runs as.
        self.folder = Path(tempfile.mkdtemp(prefix="metrica-postgresql-"))
        self.port = 0
        self._made = 0
        self._guard = _guarded(self.folder)
        try:
            self._user = _unprivileged(self.folder)
            self._run(
                "initdb", "-D", "data", "-U", "metrica", "--auth=trust", f"--encoding={encoding}", "--locale=C",
                "--no-sync",
            )  # fmt: skip
            known = self.folder / "data" / "pg_hba.conf"
            known.write_text(f"host all {GUARDED} 127.0.0.1/32 scram-sha-256\n{known.read_text()}")
            self._start_on_a_free_port()
        except BaseException:
            self._end_guard()
            raise

    def url(self, database: str = "postgres", user: str = "metrica") -> str:
        """Return the address of one of its databases. user: with a password after a colon, if it is to have one."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -c unix_socket_directories='' {self._settings}"
        self._run("pg_ctl", "-D", "data", "-w", "-t", "60", "-l", "log", "-o", options, "start")

    def _start_on_a_free_port(self) -> None:
        for left in range(4, -1, -1):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
            try:
                self.start()
                return
            except RuntimeError:  # another program was faster
                if not left:
                    raise

    def stop(self, mode: str = "fast") -> None:
        """Stop it; mode: `fast` ends all connections, `immediate` is as a power cut."""
        self._run("pg_ctl", "-D", "data", "-m", mode, "-w", "-t", "60", "stop")

    def signal(self, number: int) -> None:
        """Send a signal to the server and all its processes."""
        main = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        for process in (main, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def remove(self) -> None:
        """Stop it, and remove all that it has written."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop("immediate")
        self._end_guard()

    def _end_guard(self) -> None:
        self._guard.communicate()  # its input ends, and it removes the folder

    def execute(self, sql: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement outside of a transaction."""
        with psycopg.connect(self.url(database), autocommit=True) as conn:
            cursor = conn.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def new_database(self, *, empty: bool = False) -> str:
        """Make a database and return its address. empty: without Metrica's tables."""
        self._made += 1
        name = f"test_{self._made}"
        if empty:
            self.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        else:
            self._require_template()
            self.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever uses it still."""
        self.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def _require_template(self) -> None:
        if self.execute(f"SELECT 1 FROM pg_database WHERE datname = '{_TEMPLATE}'"):
            return
        from metrica.dashboard.store.database import Database

        self.execute(f"CREATE DATABASE {_TEMPLATE} TEMPLATE template0")
        Database(self.url(_TEMPLATE)).close()

    def _run(self, program: str, *arguments: str) -> None:
        command: Sequence[str] = [str(self._programs / program), *arguments]
        # Not to a pipe: the server keeps it open, and reading it would never end.
        with (self.folder / "output").open("ab") as output:
            ended = subprocess.run(
                command, cwd=self.folder, user=self._user, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, check=False,
            )  # fmt: skip
        if ended.returncode:
            said = [
                path.read_text(errors="replace") for name in ("output", "log") if (path := self.folder / name).exists()
            ]
            raise RuntimeError(f"{' '.join(command)} failed:\n{''.join(said)}")


def _guarded(folder: Path) -> subprocess.Popen[bytes]:
    """Start what removes the folder, and ends a server in it, when this process is gone, however it has ended."""
    script = 'cat; kill -QUIT "$(head -n 1 data/postmaster.pid)" 2>&-; cd /; sleep 0.1; rm -rf "$0"'
    return subprocess.Popen(
        ["sh", "-c", script, folder], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def _unprivileged(folder: Path) -> str | None:
    """Give the folder to a user that may run the server: initdb refuses root. None: whoever runs the tests may."""
    if os.geteuid() != 0:
        return None
    known = {user.pw_name for user in pwd.getpwall()}
    user = "postgres" if "postgres" in known else "nobody"
    shutil.chown(folder, user)
    return user
