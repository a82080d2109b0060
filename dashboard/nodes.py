"""The back office as two nodes, so that one launch file runs everything on one box.

This is the one file here that knows the graph; the servers themselves also run without it
(`metrica-ingest`, `metrica-dashboard`).
"""

from __future__ import annotations

from pathlib import Path

from metrica.dashboard.commands import DATABASE
from metrica.dashboard.errors import AddressError, SecretFileError, StoreDamagedError, StoreError
from metrica.dashboard.ingest import create_app
from metrica.dashboard.passwords import OWNER, ensure_owner
from metrica.dashboard.secret_file import read_or_create
from metrica.dashboard.serving import AioServer, WsgiServer
from metrica.dashboard.store import DEFAULT_CUTOFF_HOUR, Shop, Store
from metrica.dashboard.web import WebSettings, create_web
from metrica.dashboard.web_cli import SESSION_KEY
from metrica.errors import NodeError, ParameterError
from metrica.node import Node
from metrica.params import param


class BackOffice(Node):
    """What the two share: the address they listen on, and the database."""

    host: str = param(default="127.0.0.1", help="address to listen on; 0.0.0.0 lets other machines in")
    database: Path | None = param(default=None, help="file of the database; by default metrica.db in the data folder")

    def on_configure(self) -> None:
        path = self.database or self.context.data_dir / DATABASE
        try:
            self._store = Store(path)
        except StoreError as error:
            raise NodeError(str(error), permanent=isinstance(error, StoreDamagedError)) from None
        try:
            self._server = self._make_server()
        except (AddressError, SecretFileError) as error:
            self._store.close()
            raise NodeError(str(error), permanent=True) from None

    def on_activate(self) -> None:
        self.log.info(f"listening on {self._server.address}")

    def on_cleanup(self) -> None:
        self._server.stop()
        self._store.close()

    def _make_server(self) -> AioServer | WsgiServer:
        raise NodeError("the back office is two nodes: use 'ingest' or 'dashboard'", permanent=True)


class Ingest(BackOffice):
    """Takes events in over HTTP (`POST /v1/events`) and keeps them in the database, each once."""

    port: int = param(default=8080, ge=0, le=65535, help="port to listen on; 0: any free one")
    token: str = param(default="", secret=True, help="the store's token; empty: the one this box made for itself")
    cutoff_hour: int = param(
        default=DEFAULT_CUTOFF_HOUR, ge=0, le=23, unit="h", help="local hour at which the store's business day begins"
    )

    def _make_server(self) -> AioServer:
        self._store.put_shop(Shop(self.context.store, self.context.timezone, self.cutoff_hour))
        self._store.put_token(self.context.store, self.token or self.context.local_token(), "launch file")
        return AioServer(create_app(self._store), self.host, self.port)


class Dashboard(BackOffice):
    """The owner's page, behind a login."""

    port: int = param(default=8050, ge=0, le=65535, help="port to listen on; 0: any free one")
    password: str = param(
        default="", secret=True, help="the owner's password; empty: one is made at the first start and shown once"
    )
    behind_proxy: bool = param(
        default=False, help="a reverse proxy on this machine gives HTTPS: trust its headers, cookies over HTTPS only"
    )

    def _make_server(self) -> WsgiServer:
        key = read_or_create(self.context.data_dir / SESSION_KEY)
        app = create_web(self._store, WebSettings(secret_key=key, https=self.behind_proxy))
        server = WsgiServer(app, self.host, self.port, behind_proxy=self.behind_proxy)
        try:
            self._made = ensure_owner(self._store, self.password)
        except ValueError as error:
            server.stop()
            raise ParameterError("password", str(error)) from None
        return server

    def on_activate(self) -> None:
        super().on_activate()
        if self._made:
            self.log.warning(f"first start: log in as '{OWNER}' with the password {self._made} (shown only now)")
            self._made = None
