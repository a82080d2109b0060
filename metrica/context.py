"""The context of a node: its store, its camera, and the folder for its files."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from metrica.errors import NodeError
from metrica.secrets.private_file import write_private
from metrica.secrets.registry import register

JOURNAL_DAYS = 730
"""How long a journal keeps events at most, if nobody says otherwise: two years."""
BOX_NAME = "box-name"
"""The file in the data folder that holds the name of this box."""
_OURS = (
    "journal.db",
    "metrica.db",
    "token",
    "box-name",
    "watched.json",
    "clocks.json",
    "mqtt-",
    "session.key",
    "keys",
    "open",
    "first-password",
    "metrica-",
)
"""How the names of the files in a store's folder begin."""
_MADE_OPEN = (0o755, 0o775)
"""The modes of a folder that was made with the usual umask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What the launcher tells a node about its surroundings; a node reads it as `self.context`."""

    store: str = "store"
    """The store's id."""
    timezone: str = "UTC"
    """The store's IANA time zone, such as "Africa/Tunis"."""
    camera: str = ""
    """The camera that the node is started for; empty for a node that is started once."""
    data: Path | None = None
    """The folder of the store's files; None for the user's data folder. Nodes read it as `data_dir`."""
    journal_days: int = JOURNAL_DAYS
    """The bound of the journal: how long it keeps events at most, days."""
    run_dir: Path | None = None
    """The launcher's run folder, in which it says how its nodes are; None without a launcher."""
    hangs: int = 0
    """How often the launcher has killed this node in the last day because it gave no sign of life. What hung then, such
    as a device, may hang again."""

    @property
    def data_dir(self) -> Path:
        """The folder of the store's files: journal, database, token.

        Raises:
            NodeError: It was not given, and this user has no home folder.
        """
        return self.data or user_data_dir()

    @property
    def journal(self) -> Path:
        """The file of the journal: nodes write events to it, and the uploader sends them."""
        return self.data_dir / "journal.db"

    def local_token(self) -> str:
        """The secret that the uploader and the ingest of one box share. It is made on first use.

        Only this user can read its file, `token` in `data_dir`.

        Raises:
            NodeError: The file cannot be written or read.
        """
        token = self._made_once("token", f"mt_{secrets.token_urlsafe(32)}")
        register(token)
        return token

    def box_name(self) -> str:
        """The name of this box at its server, such as box-3f9a1c22d0: random, and made on first use.

        It lies in the file `box-name` in `data_dir`, so that the box keeps it; it says nothing of the machine.

        Raises:
            NodeError: The file cannot be written or read.
        """
        return self._made_once(BOX_NAME, f"box-{secrets.token_hex(5)}")

    def _made_once(self, name: str, text: str) -> str:
        """Return what a file of the data folder says; it is made with this text if it is not there."""
        path = self.data_dir / name
        try:
            make_private_folder(self.data_dir)
            _write_once(path, text)
            return path.read_text().strip()
        except OSError as error:
            raise NodeError(f"the {name} file {path} cannot be used: {error.strerror}") from None

    def show_privately(self, name: str, text: str) -> Path:
        """Write what a person must see and no log may hold, such as an address with its token, for this user only.

        A node logs the file as `self.log.info(…, open=path)`; the launcher then shows its text on a terminal, and
        elsewhere says where it is.

        Args:
            name: Name of the file in the folder `open` of `data_dir`.
            text: One line.

        Raises:
            NodeError: The file cannot be written.
        """
        path = self.data_dir / "open" / name
        try:
            write_private(path, f"{text}\n")
        except OSError as error:
            raise NodeError(f"the file {path} cannot be written: {error.strerror}") from None
        return path


def user_data_dir() -> Path:
    """The user's data folder for Metrica, such as ~/.local/share/metrica.

    Raises:
        NodeError: This user has no home folder: no HOME, and no entry in the list of users.
    """
    try:
        return platformdirs.user_data_path("metrica")
    except RuntimeError:
        message = "this user has no home folder: set HOME or XDG_DATA_HOME, or name the data folder"
        raise NodeError(message, permanent=True) from None


def make_private_folder(folder: Path) -> None:
    """Make a folder that only this user can enter, with those above it. One that exists already stays as it is, except
    one that an older Metrica made: if nothing else is in it, it is closed to others.

    Raises:
        OSError: It cannot be made.
    """
    if not folder.is_dir():
        for part in (*reversed(folder.parents), folder):
            if not part.is_dir():
                part.mkdir(mode=0o700, exist_ok=True)
        return
    found = folder.stat()
    # A folder of this user that was made without a word about who may enter it; others are shared on purpose.
    if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) in _MADE_OPEN:
        names = [entry.name for entry in os.scandir(folder)]
        if names and all(name.removeprefix(".").startswith(_OURS) for name in names):
            folder.chmod(0o700)


def make_private_files(folder: Path, *names: str) -> None:
    """Let only this user read the files in a folder whose names begin like this. Files of others stay as they are."""
    for entry in os.scandir(folder):
        if entry.name.startswith(names) and entry.is_file(follow_symlinks=False):
            with suppress(OSError):  # it is gone already, or the disk is read-only
                found = entry.stat(follow_symlinks=False)
                if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o077:
                    Path(entry.path).chmod(0o600)


def give_to_owner(fd: int, folder: Path) -> None:
    """Give a new file in a folder to whom the folder belongs, if an administrator makes it. Raises OSError."""
    found = folder.stat()
    if os.geteuid() == 0 and found.st_uid != 0:
        os.fchown(fd, found.st_uid, found.st_gid)


def _write_once(path: Path, text: str) -> None:
    """Write a file that only this user can read, unless it exists.

    The file appears together with its content, because two processes may call this at once.
    """
    if path.exists():
        return
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
