"""The node that publishes crossings and people inside to an MQTT broker, for Home Assistant and the like."""

from __future__ import annotations

import importlib.util
import re
import stat
import threading
from pathlib import Path

from metrica.errors import NodeError, ParameterError
from metrica.messages import Health
from metrica.node import Node
from metrica.nodes.delivery.address import check_ca_file, is_this_machine
from metrica.nodes.delivery.coverage import Progress
from metrica.nodes.delivery.dating import Dating
from metrica.nodes.mqtt.broker import Broker, BrokerSettings, tls_context
from metrica.nodes.mqtt.feed import Feed, Place
from metrica.nodes.mqtt.home_assistant import Discovery, Topics, plain
from metrica.nodes.mqtt.journal import JournalReader
from metrica.nodes.mqtt.position import PositionFile
from metrica.params import param
from metrica.ports import subscription, timer
from metrica.qos import LATCHED
from metrica.secrets.registry import register

_TURN = 0.25  # s between two looks at the journal
_CLOSING_SECONDS = 3.5  # a node has to end within five
_PORT, _TLS_PORT = 1883, 8883


class Mqtt(Node):
    """Publishes each crossing, the totals of the day and the people inside to an MQTT broker (docs/mqtt.md).

    Home Assistant finds the sensors by itself. The events come from the journal: a crossing that happened while the
    broker was away, or the node, is published when both are back, and the totals are those of the whole day. Connect
    `heartbeats` to the counters, `remap: {heartbeats: "*/counter/health"}`: what no camera has looked at is unknown,
    not zero. It needs `pip install 'metrica[mqtt]'`.
    """

    host: str = param(help="name or address of the broker")
    port: int | None = param(default=None, help="its port; by default 1883, or 8883 with `tls`")
    username: str = param(default="", help="the account at the broker; empty: none")
    password: str = param(default="", secret=True, help="its password, as in $(env MQTT_PASSWORD)")
    password_file: Path | None = param(default=None, help="a file with the password instead, which only you can read")
    tls: bool = param(default=False, help="encrypt, and check the broker's certificate")
    ca_file: Path | None = param(default=None, help="certificate of the broker, or of who signed it, if it is your own")
    cert_file: Path | None = param(default=None, help="this box's own certificate (PEM), if the broker asks for one")
    key_file: Path | None = param(default=None, help="the key of `cert_file`, PEM without a passphrase")
    plain_password: bool = param(
        default=False, help="send the password unencrypted to another machine: only in a network where nobody listens"
    )
    topic: str = param(default="", help="where the topics begin; empty: metrica/ and the store's id")
    discovery: str = param(
        default="homeassistant", help="Home Assistant's prefix for discovery; empty: announce nothing"
    )
    cutoff_hour: int = param(default=4, ge=0, le=23, unit="h", help="local hour at which the business day begins")
    keep_days: float = param(
        default=7.0, gt=0, unit="days", help="crossings that are older when the broker is back count in totals only"
    )

    def check(self) -> None:
        if importlib.util.find_spec("paho") is None:
            raise ParameterError("type", "this node needs paho-mqtt: run pip install 'metrica[mqtt]'")
        if not self.host.strip() or re.search(r"[\s/@]", self.host):
            raise ParameterError("host", f"'host' must be the name or the address of a machine, not '{self.host}'")
        try:
            self.host.encode("idna")  # as a look-up of the name does; paho's thread would end by its error
        except UnicodeError:
            raise ParameterError(
                "host", f"'host' must be the name or the address of a machine, not '{self.host}'"
            ) from None
        if self.port is not None and not 0 < self.port < 65536:
            raise ParameterError("port", f"'port' must be from 1 to 65535, not {self.port}")
        for name, levels in (("topic", self.topic), ("discovery", self.discovery)):
            if levels and (re.search(r"[+#\0]", levels) or levels.startswith(("/", "$")) or levels.endswith("/")):
                raise ParameterError(name, f"'{name}' must be levels of a topic, such as home/shop, not '{levels}'")
        self._check_password()
        check_ca_file(self.ca_file)
        for name in ("ca_file", "cert_file"):
            if getattr(self, name) is not None and not self.tls:
                raise ParameterError(name, f"'{name}' is of use with 'tls: true' only")
        try:
            tls_context(self._settings(""))
        except OSError as error:
            raise ParameterError("cert_file", f"'cert_file' and 'key_file' cannot be used: {error}") from None

    def on_configure(self) -> None:
        context = self.context
        topics = Topics(self.topic or f"metrica/{plain(context.store)}")
        discovery = Discovery(self.discovery, context.store, topics) if self.discovery else None
        place = Place(context.store, context.timezone, self.cutoff_hour, self.keep_days, topics, discovery)
        dating = Dating(self.clock, context.journal.with_name("clocks.json"), self.log, keeps=False)
        file = PositionFile(context.journal.with_name(f"mqtt{self.name.replace('/', '-')}.json"))
        self._wake, self._ending = threading.Event(), threading.Event()
        settings = self._settings(topics.base.replace("/", "-"))
        broker = Broker(settings, (topics.status, b"offline"), self._wake.set)
        self._feed = Feed(place, JournalReader(context.journal, dating), dating, broker, file, self.clock)
        self._progress = Progress()
        self._failure: Exception | None = None
        self._broker_trouble = ""
        self._shown = {"published": 0, "passed_over": 0}
        self._broker = broker
        self._thread: threading.Thread | None = None

    def on_activate(self) -> None:
        # A daemon thread: a broker that does not answer must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    @subscription(Health, qos=LATCHED)
    def heartbeats(self, msg: Health) -> None:
        """The heartbeats of the cameras' counters: which cameras there are, and whether they look."""
        if not msg.header.camera:
            return
        looked = self._progress.hear(msg) is not None
        self._feed.cameras.hear(msg.header.camera, self.clock.monotonic() if looked else None)

    @timer(seconds=0.5)
    def look(self) -> None:
        """Show in the health how it goes, say once that the broker is away, and once that it is back."""
        if self._failure is not None:
            raise NodeError(f"publishing to the broker has failed: {self._failure!r}") from self._failure
        trouble = self._broker.trouble
        if trouble and not self._broker_trouble:
            self.log.warning(f"{trouble}; crossings wait in the journal and are published when it is back")
        elif self._broker_trouble and not trouble:
            self.log.info(f"the broker {self._broker.settings} is back")
        self._broker_trouble = trouble
        self._show()

    def on_deactivate(self) -> None:
        """Tell the broker that this node goes; a few seconds at most."""
        self._ending.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(_CLOSING_SECONDS)
        self._show()

    def _show(self) -> None:
        feed = self._feed
        self.trouble(feed.trouble)
        for name, value in (("published", feed.published), ("passed_over", feed.passed_over)):
            self.count(f"crossings_{name}", value - self._shown[name])
            self._shown[name] = value
        self.gauge("connected", self._broker.connected)
        self.gauge("positions_waiting", feed.waiting)

    def _run(self) -> None:
        try:
            self._feed.open(self.log)
            while not self._ending.is_set():
                self._feed.turn()
                self._wake.wait(_TURN)
                self._wake.clear()
            self._feed.turn()
            self._feed.close()
        except Exception as error:  # noqa: BLE001 (raised in the node's own thread, by `look`)
            self._failure = error

    def _settings(self, client_id: str) -> BrokerSettings:
        return BrokerSettings(
            host=self.host,
            port=self.port or (_TLS_PORT if self.tls else _PORT),
            client_id=client_id,
            username=self.username,
            password=self._password() if client_id else "",
            tls=self.tls,
            ca_file=self.ca_file,
            cert_file=self.cert_file,
            key_file=self.key_file,
        )

    def _check_password(self) -> None:
        if self.password and self.password_file is not None:
            raise ParameterError("password_file", "give 'password' or 'password_file', not both")
        has_password = bool(self.password) or self.password_file is not None
        if has_password and not self.username:
            raise ParameterError("username", "'password' is of use with a 'username' only")
        if has_password and not (self.tls or self.plain_password or is_this_machine(self.host)):
            raise ParameterError(
                "host",
                f"the password would be sent to '{self.host}' unencrypted, where others can read it: give 'tls: true', "
                "or 'plain_password: true' in a network where nobody listens",
            )
        if self.password_file is not None:
            self._read_password(self.password_file)

    def _password(self) -> str:
        return self.password if self.password_file is None else self._read_password(self.password_file)

    def _read_password(self, path: Path) -> str:
        """Raises ParameterError."""
        try:
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise ParameterError("password_file", f"others can read 'password_file' {path}: run 'chmod 600 {path}'")
            text = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not text"
            missing = isinstance(error, FileNotFoundError)
            raise ParameterError(
                "password_file", f"'password_file' {path} cannot be read: {why}", may_pass=missing
            ) from None
        register(text)
        return text
