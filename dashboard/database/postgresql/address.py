"""The address of a PostgreSQL database: what is said of it, and what is never said."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from metrica.dashboard.database.errors import DatabaseError
from metrica.secrets import register, register_address

_PASSWORD_FILE = "password_file"
_FORM = "write postgresql://USER@HOST:PORT/DATABASE"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is. Its text, also in errors and logs, has no password."""

    name: str
    """The address as it may be shown."""
    parameters: dict[str, str] = field(repr=False)
    """The parameters of libpq, with a password that stands in the address."""
    password_file: Path | None = None
    """The file with the password; None if it stands in the address, in libpq's own file, or none is needed."""

    @classmethod
    def of(cls, url: str) -> Address:
        """Read an address such as postgresql://metrica@db.example/metrica.

        Its parameters are those of libpq (sslmode, passfile, target_session_attrs, …) and `password_file`, which names
        a file with nothing but the password. Raises ValueError, as one sentence without the address's password.
        """
        register_address(url)
        try:
            parts = urlsplit(url)
            options = parse_qsl(parts.query, keep_blank_values=True)
            files = [value for name, value in options if name == _PASSWORD_FILE]
            rest = urlencode([(name, value) for name, value in options if name != _PASSWORD_FILE], quote_via=quote)
            given = conninfo_to_dict(f"postgresql://{parts.netloc}{parts.path}{'?' if rest else ''}{rest}")
            if not all(port.isdecimal() or not port for port in str(given.get("port") or "").split(",")):
                raise ValueError("a port that is no number")
        except (ValueError, psycopg.Error):  # its text may repeat the address, with the password
            raise ValueError(f"the address of the database cannot be read: {_FORM}") from None
        parameters = {name: str(value) for name, value in given.items() if value is not None}
        register(parameters.get("password", ""))
        if "password" in parameters and files:
            raise ValueError("the address of the database has a password and a password_file: give one of them")
        return cls(_shown(parameters), parameters, Path(unquote(files[-1])) if files else None)

    def with_password(self) -> dict[str, str]:
        """Return the parameters of libpq, with the password; its file is read anew each time. Raises DatabaseError."""
        if self.password_file is None:
            return self.parameters
        try:
            password = self.password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise DatabaseError(f"the password file {self.password_file} cannot be read: {why}") from None
        register(password)
        return {**self.parameters, "password": password}


def _shown(parameters: dict[str, str]) -> str:
    user = parameters.get("user", "")
    hosts = parameters.get("host", parameters.get("hostaddr", "")).split(",")
    ports = parameters.get("port", "").split(",")
    if len(ports) < len(hosts):
        ports = ports[:1] * len(hosts)
    places = [
        (f"[{host}]" if ":" in host else quote(host, safe="")) + (f":{port}" if port else "")
        for host, port in zip(hosts, ports, strict=False)
    ]
    where = f"{quote(user, safe='')}@" if user else ""
    return f"postgresql://{where}{','.join(places)}/{quote(parameters.get('dbname', ''), safe='')}"
