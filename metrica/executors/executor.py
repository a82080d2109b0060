"""Run one node in a process of its own: one loop in one thread, so callbacks never overlap."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import zmq

from metrica.background import T, await_alive, started
from metrica.errors import LifecycleError, TransportError
from metrica.executors.control import HEARTBEAT_SECONDS, Command, ControlClient
from metrica.executors.handed_over import HandedOver
from metrica.executors.lateness import Lateness
from metrica.executors.schedule import Schedule
from metrica.journal import Ledger
from metrica.lifecycle import Lifecycle, State
from metrica.messages import Frame, Header, Health, Message
from metrica.node import Node
from metrica.qos import EVENTS, LATCHED, LOSSLESS, PROFILES, QoS
from metrica.runtime import Clock, SystemClock
from metrica.secrets import hide
from metrica.transport import Curve, NodeSpec, PublisherSocket, SubscriberSocket, TopicEndpoint

_QUIET_SECONDS = 0.15  # draining ends when no message has come for so long
_DRAIN_SECONDS = 3.0  # draining ends after so long in any case


class Executor:
    """The runtime of a node that has a process of its own.

    `run` returns when the node has finished, or has been told to stop. It raises what the node's hooks and callbacks
    raise: an error inside a node ends its process, and the launcher starts the node again with a clean state.

    Args:
        spec: What the launcher says about the node.
        node: The node, with its parameters.
    """

    def __init__(self, spec: NodeSpec, node: Node) -> None:
        self.name, self.context = spec.name, spec.context()
        self.clock: Clock = SystemClock()
        self._node, self._spec = node, spec
        self._lifecycle = Lifecycle(node)
        self._schedule = Schedule(node)
        self._stop_at: float | None = None
        self._finished = False
        self._commands: deque[Command] = deque()
        self._thread = threading.get_ident()
        self._calls, self._lateness = HandedOver(), Lateness()
        self._zmq: zmq.Context[Any] = zmq.Context()
        self._epoch = self.clock.now()
        self._control = ControlClient(self._zmq, spec.control, spec.name)
        self._curve = Curve(self._zmq, spec.data_dir, self._said_of_reader) if spec.needs_keys else None
        self._health = self._publisher(spec.health, LATCHED)
        self._publishers: dict[str, dict[str, PublisherSocket]] = {}
        self._subscribers: list[tuple[str, SubscriberSocket]] = []
        self._ledger = Ledger(
            self.context.journal,
            self._dispatch,
            keep_days=self.context.journal_days,
            wake=self._calls.wake,
        )
        self._pollers, self._next_heartbeat = dict[bool, zmq.Poller](), 0.0
        node.attach(self)

    def run(self) -> None:
        """Configure the node, wait for the command to activate, work, drain its subscriptions, shut it down."""
        self._thread = threading.get_ident()
        try:
            self._connect()
            self._lifecycle.configure()
            if any(port.qos is EVENTS for port in self._node.publishers.values()):
                self._ledger.open()
            self._loop()
            self._drain()
            if self._lifecycle.state is State.ACTIVE:
                self._lifecycle.deactivate()
                self._calls.run()  # what a thread handed over until now, while the node still has its resources
            self._lifecycle.shutdown()
            self._ledger.close()
            for socket in self._all_publishers():
                socket.flush(_DRAIN_SECONDS)
            self._send_heartbeat(force=True)
        finally:
            self._close()

    def stop(self) -> None:
        """Make `run` drain and return; may be called from a signal handler."""
        self._stop_at = self._stop_at or time.monotonic()
        self._calls.wake()

    # What the node calls: see metrica.runtime.Runtime.

    def send(self, port: str, msg: Message) -> None:
        if threading.get_ident() != self._thread:
            raise LifecycleError(f"'{port}' was published from another thread: hand it over with self.call_soon(…)")
        if self._node.publishers[port].qos is EVENTS:
            self._ledger.record(port, msg)  # calls _dispatch when the event is on the disk
        else:
            self._dispatch(port, msg)

    def call_soon(self, function: Callable[..., None], *args: Any) -> None:
        self._calls.add(function, *args)

    def in_background(self, work: Callable[[], T], done: Callable[[Future[T]], None]) -> None:
        future = started(work)
        if all(PROFILES[c.qos] is not LOSSLESS for c in self._spec.connections.values()):
            future.add_done_callback(lambda _: self.call_soon(done, future))
        elif await_alive(future, self._while_working):  # a message that waits in the callback is not lost
            done(future)

    def finish(self) -> None:
        self._finished = True

    # The loop.

    def _loop(self) -> None:
        while self._stop_at is None and not self._finished:
            self._send_heartbeat()
            active = self._lifecycle.state is State.ACTIVE
            self._wait_and_handle(self._schedule.seconds_to_next(self._next_heartbeat) if active else HEARTBEAT_SECONDS)
            if active:
                self._schedule.run_due(lambda: self._finished)

    def _wait_and_handle(self, seconds: float) -> int:
        """Wait for `seconds` at most until something happens, and handle it. Returns how many messages came.

        It takes one message from each topic, so that a busy topic delays neither another topic nor the commands.
        """
        active = self._lifecycle.state is State.ACTIVE
        poller = self._pollers.get(active) or self._pollers.setdefault(active, self._make_poller(active))
        ready = dict(poller.poll(math.ceil(max(0.0, seconds) * 1000)))
        if self._calls.fd in ready:
            self._calls.clear()
        for _, subscriber in self._subscribers if not active else ():
            subscriber.keep_up()
        if self._control.socket in ready or self._commands:
            self._run_commands()
        self._calls.run()
        self._ledger.publish_written()
        if not ready:
            return 0
        for publisher in self._all_publishers():
            if publisher.socket in ready and publisher.listen():
                self._next_heartbeat = 0.0  # send the new number at once: the launcher waits for it
        return sum(self._receive(port, s) for port, s in self._subscribers if s.socket in ready)

    def _receive_commands(self) -> None:
        """Take in the launcher's commands. STOP takes effect at once, others after the callback that runs now."""
        while command := self._control.receive():
            if command is Command.STOP:
                self.stop()
            else:
                self._commands.append(command)

    def _run_commands(self) -> None:
        self._receive_commands()
        while self._commands:
            self._commands.popleft()
            if self._lifecycle.state is State.INACTIVE and self._stop_at is None:
                self._lifecycle.activate()
                self._schedule.start()
                self._send_heartbeat(force=True)

    def _while_held_back(self, since: float) -> None:
        """Called while a lossless subscription holds a publisher back: send heartbeats and listen for commands.

        After a STOP, wait for `_DRAIN_SECONDS` at most. Raises TransportError then.
        """
        self._send_heartbeat()
        self._receive_commands()
        if self._stop_at is not None and time.monotonic() > max(since, self._stop_at) + _DRAIN_SECONDS:
            raise TransportError(f"{self.name} was told to stop, but a subscription takes nothing in")

    def _while_working(self) -> bool:
        """Called while a callback waits for work of its own: send heartbeats. Returns whether to go on."""
        self._send_heartbeat()
        self._receive_commands()
        return self._stop_at is None

    def _make_poller(self, active: bool) -> zmq.Poller:
        """The sockets to wait for. Messages stay in their queues until the node is active."""
        poller = zmq.Poller()
        poller.register(self._calls.fd, zmq.POLLIN)
        poller.register(self._control.socket, zmq.POLLIN)
        for publisher in self._all_publishers():
            poller.register(publisher.socket, zmq.POLLIN)
        for _, subscriber in self._subscribers if active else ():
            poller.register(subscriber.socket, zmq.POLLIN)
        return poller

    def _receive(self, port: str, subscriber: SubscriberSocket) -> bool:
        msg = None if self._finished else subscriber.receive()
        if msg is None:
            return False
        self._send_heartbeat()
        self._node.count(f"received.{port}")
        self._lateness.hear(msg, self.clock.monotonic())
        getattr(self._node, port)(msg)
        if isinstance(msg, Frame) and not msg.intact():
            self._node.count("frames_overwritten")
        subscriber.done()
        self._calls.run()
        return True

    def _drain(self) -> None:
        """Receive the messages that are still on the way, until none has come for a moment.

        The launcher stops the nodes upstream first, so there are no new ones.
        """
        start = quiet = time.monotonic()
        while self._subscribers and self._lifecycle.state is State.ACTIVE:
            now = time.monotonic()
            if now > start + _DRAIN_SECONDS or now > quiet + _QUIET_SECONDS:
                return
            if self._wait_and_handle(0.02):
                quiet = time.monotonic()

    # Sockets.

    def _connect(self) -> None:
        for port, binds in self._spec.bindings.items():
            qos = PROFILES[binds.qos]
            self._publishers[port] = {camera: self._publisher(e, qos) for camera, e in binds.endpoints.items()}
        for port, connects in self._spec.connections.items():
            message = self._node.subscriptions[port].message
            for endpoint in connects.endpoints:
                qos = PROFILES[connects.qos]
                socket = SubscriberSocket(self._zmq, endpoint, qos, message, self._node.count, self._curve)
                self._subscribers.append((port, socket))

    def _publisher(self, topic: TopicEndpoint, qos: QoS) -> PublisherSocket:
        folder, wait = self._spec.frame_dir, self._while_held_back
        return PublisherSocket(
            self._zmq, topic, qos, epoch=self._epoch, frame_dir=folder, while_waiting=wait, curve=self._curve
        )

    def _look_at_handshakes(self) -> str:
        """Look after the connections over tcp. Returns what is wrong with one of them; empty if nothing is."""
        for publisher in [*self._all_publishers(), self._health]:
            if publisher.watch and (refused := publisher.watch.look()):
                self._node.count("refused_connections", refused)
        watches = [subscriber.watch for _, subscriber in self._subscribers if subscriber.watch]
        for watch in watches:
            watch.look()
        return next((watch.trouble for watch in watches if watch.trouble), "")

    def _said_of_reader(self, sentence: str, refused: bool) -> None:
        log = self._node.log.warning if refused else self._node.log.info
        self.call_soon(log, sentence)

    def _dispatch(self, port: str, msg: Message) -> None:
        """Put a message on the topic of its camera, or on the only topic of the port."""
        sockets = self._publishers[port]
        socket = sockets.get(msg.header.camera) or sockets.get("")
        if socket is None:
            self._node.count("unknown_camera")
            return
        socket.send(msg)
        self._node.count(f"sent.{port}")

    def _all_publishers(self) -> list[PublisherSocket]:
        return [socket for sockets in self._publishers.values() for socket in sockets.values()]

    def _send_heartbeat(self, *, force: bool = False) -> None:
        """Send a heartbeat if one is due, or now if `force`."""
        now = time.monotonic()
        if not force and now < self._next_heartbeat:
            return
        self._next_heartbeat = now + HEARTBEAT_SECONDS
        trouble = self._look_at_handshakes()
        health = Health(
            header=Header(stamp=self.clock.now(), mono=self.clock.monotonic(), camera=self.context.camera),
            node=self.name,
            state=self._lifecycle.state,
            counters={**self._node.counters, "unpublished_events": self._ledger.unpublished},
            gauges={**self._node.gauges, **self._lateness.gauges(), "cpu_seconds": time.process_time()},
            subscribers={s.topic: s.subscribers for s in self._all_publishers()},
            detail=hide(self._ledger.trouble or self._node.present_trouble or trouble or self._ledger.notice),
        )
        self._control.beat(health)
        self._health.send(health)

    def _close(self) -> None:
        self._ledger.close()
        for socket in [*self._all_publishers(), self._health]:
            socket.close()
        for _, subscriber in self._subscribers:
            subscriber.close()
        self._control.close()
        if self._curve:
            self._curve.close()
        self._zmq.term()
