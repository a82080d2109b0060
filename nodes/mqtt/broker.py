"""A connection to an MQTT broker that is kept up in threads of paho-mqtt: nothing here waits for the network.

What paho reports in its own thread is put into a queue, and handled by whoever calls `look`. paho calls back with a
lock held that its `publish` also takes, so a callback must not wait for anything.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from paho.mqtt.reasoncodes import ReasonCode

IN_FLIGHT = 100
"""Most messages that the broker has not acknowledged. So many are kept in memory, and no more."""
_KEEP_ALIVE = 30  # seconds; a broker that says nothing for one and a half times as long is gone
_RETRY_LIMIT = 30  # seconds between two tries, at most
_CONNECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """Where a broker is, and how to be let in."""

    host: str
    """Name or address of the machine."""
    port: int
    """Port on it."""
    client_id: str
    """Who this is: a second connection with the same id ends the first one."""
    username: str = ""
    """The account; empty for none."""
    password: str = field(default="", repr=False)
    """Its password."""
    tls: bool = False
    """Whether to encrypt, and to check who the broker is."""
    ca_file: Path | None = None
    """Certificates of whom to trust; None for those of the system."""
    cert_file: Path | None = None
    """This client's own certificate, if the broker asks for one."""
    key_file: Path | None = None
    """The key of `cert_file`."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class _Note:
    """What paho has reported."""

    kind: Literal["connected", "refused", "lost", "unreachable", "acknowledged"]
    reason: str = ""
    mid: int = 0


class Broker:
    """One connection, made again whenever it is lost. One thread at a time may use it.

    Args:
        settings: Where the broker is.
        will: The topic and the retained payload that the broker publishes when this client is gone without a word.
        wake: Called, in paho's thread, when `look` has something to do.
    """

    def __init__(self, settings: BrokerSettings, will: tuple[str, bytes], wake: Callable[[], None]) -> None:
        from paho.mqtt.client import Client, MQTTv311
        from paho.mqtt.enums import CallbackAPIVersion

        self.settings = settings
        self.connected = False
        """Whether the broker has let this client in, as far as `look` knows."""
        self.trouble = ""
        """Why there is no connection, in one sentence; empty if there is one, or none was tried yet."""
        self.connections = 0
        """How often the broker has let this client in."""
        self._notes = SimpleQueue[_Note]()
        self._wake = wake
        self._waiting: dict[int, Callable[[], None]] = {}
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=settings.client_id, protocol=MQTTv311)
        self._client.connect_timeout = _CONNECT_SECONDS
        self._client.max_inflight_messages_set(IN_FLIGHT)
        self._client.reconnect_delay_set(1, _RETRY_LIMIT)
        self._client.will_set(will[0], will[1], qos=1, retain=True)
        if settings.username:
            self._client.username_pw_set(settings.username, settings.password or None)
        if settings.tls:
            self._client.tls_set_context(tls_context(settings))
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish

    def start(self) -> None:
        """Begin to connect, in a thread; also names are looked up there."""
        self._client.connect_async(self.settings.host, self.settings.port, keepalive=_KEEP_ALIVE)
        self._client.loop_start()

    def look(self) -> None:
        """Handle what was reported since the last look, and call `done` of the messages that the broker has."""
        while True:
            try:
                note = self._notes.get_nowait()
            except Empty:
                return
            if note.kind == "acknowledged":
                self._waiting.pop(note.mid, _nothing)()
                continue
            self.connected = note.kind == "connected"
            if self.connected:
                self.connections += 1
                self.trouble = ""
            elif note.kind == "refused":
                self.trouble = (
                    f"the broker {self.settings} refuses this client ({note.reason}): check user and password"
                )
            elif note.kind == "lost" and not self.trouble:
                self.trouble = f"the connection to the broker {self.settings} is lost ({note.reason})"
            elif note.kind == "unreachable" and not self.trouble:
                self.trouble = f"the broker {self.settings} cannot be reached: check host, port and network"

    @property
    def room(self) -> int:
        """How many messages may be published now."""
        return IN_FLIGHT - len(self._waiting) if self.connected else 0

    def publish(self, topic: str, payload: bytes, done: Callable[[], None], *, retain: bool = False) -> bool:
        """Send a message, at least once (QoS 1). Returns False, and sends nothing, if there is no room now.

        done: called by `look` when the broker has acknowledged it.
        """
        if not self.room:
            return False
        # If the connection has just been lost, paho keeps the message, and sends it when the broker is back.
        self._waiting[self._client.publish(topic, payload, qos=1, retain=retain).mid] = done
        return True

    def stop(self, patience: float) -> None:
        """Say goodbye and end the threads; what takes longer than `patience` seconds is left to end by itself."""
        self._client.disconnect()
        # A name that cannot be looked up can hold paho's thread for longer than a node has.
        ending = threading.Thread(target=self._client.loop_stop, name="mqtt-stop", daemon=True)
        ending.start()
        ending.join(patience)

    def _note(self, note: _Note) -> None:
        self._notes.put(note)
        self._wake()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self._note(_Note("refused" if reason.is_failure else "connected", str(reason)))

    def _on_connect_fail(self, _client: Any, _data: Any) -> None:
        self._note(_Note("unreachable"))

    def _on_disconnect(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self._note(_Note("lost", str(reason)))

    def _on_publish(self, _client: Any, _data: Any, mid: int, _reason: ReasonCode, _properties: Any) -> None:
        self._note(_Note("acknowledged", mid=mid))


def tls_context(settings: BrokerSettings) -> ssl.SSLContext:
    """Return how to encrypt. Raises OSError for a file that cannot be used; ssl.SSLError is one."""
    context = ssl.create_default_context(cafile=settings.ca_file)
    if settings.cert_file is not None:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    return context


def _nothing() -> None:
    """Stand for a message of an earlier process: there is none, but the broker may say anything."""
