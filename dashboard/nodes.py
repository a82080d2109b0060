"""The ingest and the dashboard as nodes, so that one launch file runs everything on one box.

The other modules of the package do not import the runtime, so they also work without a graph.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from metrica import Node, param, timer
from metrica.dashboard.alerts.endings import endings_of
from metrica.dashboard.alerts.keeper import Keeper
from metrica.dashboard.database.errors import DatabaseDamagedError, DatabaseError
from metrica.dashboard.database.places import is_address
from metrica.dashboard.ingest.access import metrics_access
from metrica.dashboard.ingest.app import create_app
from metrica.dashboard.kpis.store import DEFAULT_CUTOFF_HOUR
from metrica.dashboard.service.commands import DATABASE_FILE
from metrica.dashboard.service.errors import AddressError, BusyError, SecretFileError, TlsError
from metrica.dashboard.service.passwords import check_password, generate
from metrica.dashboard.service.secret_file import read_or_create
from metrica.dashboard.service.serving import AioServer, Server, WsgiServer
from metrica.dashboard.service.tls import Certificate
from metrica.dashboard.store.database import Database, check_place
from metrica.dashboard.store.origins import launch_file
from metrica.dashboard.store.tokens import check_token
from metrica.dashboard.web.app import SESSION_KEY, WebSettings, create_web
from metrica.dashboard.web.first_password import FIRST_PASSWORD, first_password
from metrica.dashboard.web.passwords import OWNER, ensure_owner
from metrica.dashboard.web.prefix import checked_prefix
from metrica.errors import NodeError, ParameterError


class _ServerNode(Node):
    """A node that is a server over the database. It listens from configure to cleanup, in threads of its own."""

    database: str | None = param(
        default=None,
        secret="address",
        help="the SQLite file, or the address of a PostgreSQL database (docs/scale.md); by default metrica.db in the"
        " data folder",
    )
    tls_cert: Path | None = param(
        default=None, help="serve HTTPS with this certificate (PEM, with its chain); a renewed one is taken by itself"
    )
    tls_key: Path | None = param(default=None, help="the key of `tls_cert`, PEM without a passphrase")

    def on_configure(self) -> None:
        self._server: Server | None = None
        self._database: Database | None = None
        try:
            self._database = Database(self._place(), clock=self.clock.now)
            self._server = self._serve(self._database)
        except (AddressError, BusyError, SecretFileError, TlsError, DatabaseError, ValueError) as error:
            self._close()
            # All else may pass while the launch runs: a port that is taken, a full disk, an address that comes later.
            raise NodeError(str(error), permanent=isinstance(error, DatabaseDamagedError | ValueError)) from None
        except BaseException:
            self._close()
            raise

    def on_cleanup(self) -> None:
        self._close()

    @timer(seconds=5)
    def watch(self) -> None:
        """Report the length of the write queue. Fail if a thread has ended: the node is then restarted."""
        if self._database is not None:
            self.gauge("writes_waiting", self._database.waiting)
            if not self._database.writing:
                raise NodeError(f"the thread that writes to the database {self._database.name} has ended")
        if self._server is not None and not self._server.alive:
            raise NodeError(f"the server on {self._server.address} has ended")

    def check(self) -> None:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ParameterError("tls_key", "'tls_cert' and 'tls_key' belong together: give both, or neither")
        try:
            check_place(self.database or "")
        except (ValueError, DatabaseError) as error:
            raise ParameterError("database", f"'database': {error}") from None

    def _serve(self, database: Database) -> Server:
        raise NodeError(f"{type(self).__name__} serves nothing")

    def _place(self) -> Path | str:
        if self.database is None:
            return self.context.data_dir / DATABASE_FILE
        return self.database if is_address(self.database) else Path(self.database)

    def _close(self) -> None:
        if self._server is not None:
            self._server.stop()
        if self._database is not None:
            self._database.close()
        self._server = self._database = None


class Ingest(_ServerNode):
    """Takes events over HTTP, writes them to the database, and answers with figures (docs/api.md).

    It has no topics: boxes, this one included, send their events with the uploader.
    """

    host: str = param(default="127.0.0.1", help="address to listen on; 0.0.0.0 takes events from other machines too")
    port: int = param(default=8080, ge=0, le=65535, help="port to listen on; 0 takes any free one")
    token: str = param(
        default="",
        secret=True,
        help="what the uploader must show, 16 characters or more; empty: the one this box made itself",
    )
    cutoff_hour: int | None = param(
        default=None,
        ge=0,
        le=23,
        unit="h",
        help=f"local hour at which the store's business day begins; {DEFAULT_CUTOFF_HOUR} if nobody says",
    )
    empty_hour: int | None = param(
        default=None, ge=0, le=23, unit="h", help="local hour, some time after closing, at which nobody is ever inside"
    )
    recall: float | None = param(
        default=None, ge=0.5, le=1, help="share of the crossings that is counted, as metrica-eval measured it"
    )
    precision: float | None = param(
        default=None, ge=0.5, le=1, help="share of what is counted that is true, as metrica-eval measured it"
    )
    behind_proxy: bool = param(
        default=False, help="a reverse proxy on this machine gives HTTPS: believe its X-Forwarded-For, for the limits"
    )
    metrics_token: str = param(default="", secret=True, help="the token for /metrics; empty: nobody reads them")
    metrics_open: bool = param(
        default=False, help="programs on this machine need no token for /metrics: only where no proxy is in front"
    )

    def check(self) -> None:
        super().check()
        try:
            check_token(self.token or secrets.token_urlsafe())
        except ValueError as error:
            raise ParameterError("token", f"'token': {error}") from None

    def _serve(self, database: Database) -> Server:
        self._fill_settings(database)
        self._fill_token(database)
        access = metrics_access(
            self.host,
            token=self.metrics_token,
            is_open=self.metrics_open,
            behind_proxy=self.behind_proxy,
        )
        certificate = Certificate.of(self.tls_cert, self.tls_key)
        server = AioServer(
            create_app(database, access),
            self.host,
            self.port,
            certificate=certificate,
            behind_proxy=self.behind_proxy,
        )
        keeper = Keeper(database, endings=endings_of(database, certificate))
        database.before_close(keeper.stop)
        keeper.start()
        self.log.info(f"listening on {server.address}")
        return server

    def _fill_settings(self, database: Database) -> None:
        """Give the store the settings of the launch file; those that an administrator has chosen stand."""
        given = {
            "timezone": self.context.timezone,
            "cutoff_hour": self.cutoff_hour,
            "empty_hour": self.empty_hour,
            "recall": self.recall,
            "precision": self.precision,
        }
        said = {name: value for name, value in given.items() if value is not None}
        for name, value in database.stores.fill(self.context.store, said, launch_file(self.name)).items():
            self.log.warning(
                f"the store's {name} stays {value}, as an administrator chose it, and the launch file's {said[name]} "
                f"is not used: take it out, or change the store with 'metrica-admin store set {self.context.store}'"
            )

    def _fill_token(self, database: Database) -> None:
        """Accept the token of the launch file, or of this box, unless an administrator has revoked it."""
        token = self.token or self.context.local_token()
        placed = database.tokens.fill(self.context.store, token, launch_file(self.name), label=self.name)
        if placed == "valid":
            return
        whose = "the token of the launch file" if self.token else f"the token in {self.context.data_dir / 'token'}"
        why = "was revoked" if placed == "revoked" else "was given to another store by an administrator"
        remedy = "write another one there" if self.token else "delete the file, and the box makes another one"
        self.log.warning(f"{whose} {why}, so nobody can send events with it: {remedy}, then start again")


class Dashboard(_ServerNode):
    """Shows the owner the figures in a browser (docs/dashboard.md).

    It has no topics: it reads the database that the ingest writes.
    """

    host: str = param(default="127.0.0.1", help="address to listen on; 0.0.0.0 lets other machines see the pages")
    port: int = param(default=8050, ge=0, le=65535, help="port to listen on; 0 takes any free one")
    password: str = param(default="", secret=True, help="the owner's password; empty: one is made on the first start")
    behind_proxy: bool = param(
        default=False, help="a reverse proxy on this machine gives HTTPS: trust its headers, cookies over HTTPS only"
    )
    prefix: str = param(
        default="",
        help="path under which a reverse proxy shows the pages, such as /footfall; empty: none, or the proxy's",
    )
    new_password: bool = param(default=False, help="make the owner a new password at each start: for demonstrations")
    refresh: float = param(default=5.0, ge=0.5, unit="s", help="how often an open page looks for new figures")

    def check(self) -> None:
        super().check()
        try:
            check_password(self.password or generate())
        except ValueError as error:
            raise ParameterError("password", f"'password': {error}") from None
        try:
            checked_prefix(self.prefix)
        except ValueError as error:
            raise ParameterError("prefix", f"'prefix': {error}") from None

    def _serve(self, database: Database) -> Server:
        if database.stores.get(self.context.store) is None and not database.stores.is_deleted(self.context.store):
            database.stores.fill(self.context.store, {"timezone": self.context.timezone}, launch_file(self.name))
        prefix = checked_prefix(self.prefix)
        certificate = Certificate.of(self.tls_cert, self.tls_key)
        settings = WebSettings(
            secret_key=read_or_create(self.context.data_dir / SESSION_KEY),
            refresh=self.refresh,
            first_store=self.context.store,
            https=self.behind_proxy or certificate is not None,
            prefix=prefix,
        )
        server = WsgiServer(
            create_web(database, settings),
            self.host,
            self.port,
            certificate=certificate,
            behind_proxy=self.behind_proxy,
        )
        address = f"{server.address}{prefix}"
        fresh = self.new_password or not database.users.all()
        made = generate() if fresh and not self.password else ""
        try:  # after listening: a password made for a port that is taken would be lost
            password = first_password(self.context.data_dir, database, made)
            origin = launch_file(self.name) if self.password or self.new_password else ""
            chosen = self.password or made
            not_used = ensure_owner(database, chosen, origin, force=bool(made)) if chosen else ""
            login = f" (log in as {OWNER}, password {password})" if password else ""
            note = self.context.show_privately(self.name.strip("/").replace("/", "."), f"{address}{login}")
        except BaseException:
            server.stop()
            raise
        # The launcher shows what stands in the file of the field `open` to whoever sits at its terminal.
        self.log.info(f"listening on {address}", open=str(note))
        if not_used:
            self.log.warning(not_used)
        if password:
            kept = self.context.data_dir / FIRST_PASSWORD
            self.log.warning(f"log in on {address} as '{OWNER}' with the password in {kept}")
        return server
