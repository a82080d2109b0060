"""Starts the nodes in order, keeps them running, and stops them in order."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import zmq

from metrica.errors import LaunchError
from metrica.executors.control import Command, ControlServer, control_endpoint
from metrica.launch.reading.graph import Graph, expected_subscribers
from metrica.launch.supervision.child import node_environment
from metrica.launch.supervision.console import Console
from metrica.launch.supervision.limits import USUAL, Limits
from metrica.launch.supervision.node_specs import node_specs
from metrica.launch.supervision.opening import show_what_opens
from metrica.launch.supervision.order import levels
from metrica.launch.supervision.signals import StopSignals
from metrica.launch.supervision.supervised_node import DUMP_SECONDS, Status, SupervisedNode
from metrica.launch.supervision.systemd import Notifier

_LONGEST_WAIT = 10.0
"""Seconds between two checks for silent nodes, at most."""
_PUNCTUAL = 1.0
"""Seconds by which the loop may wake up late; if it is later, the launcher itself was not running."""


class Supervisor:
    """Runs one graph in a run folder, in one thread that sleeps until a node sends or prints something, or ends.

    run_dir: a folder that this launcher has taken (`RunFolder`). folder: the launch file's folder.
    until_finished: stop when every source has ended.
    """

    def __init__(
        self,
        graph: Graph,
        run_dir: Path,
        folder: Path,
        *,
        console: Console,
        signals: StopSignals,
        limits: Limits = USUAL,
        log_level: str = "INFO",
        until_finished: bool = False,
    ) -> None:
        self._graph, self._console, self._signals, self._limits = graph, console, signals, limits
        self._run_dir, self._until_finished = run_dir, until_finished
        self._nodes = {
            spec.name: SupervisedNode(spec, restart=node.restart, limits=limits, console=console)
            for node, spec in zip(graph.nodes, node_specs(graph, run_dir, log_level=log_level), strict=True)
        }
        self._sources = [self._nodes[node.name] for node in graph.nodes if node.is_source]
        self._levels = levels(graph)
        self._environment = node_environment(folder, run_dir, os.environ)
        self._to_activate: set[str] = set()
        self._starting, self._stopping = True, False
        self._zmq: zmq.Context[Any] = zmq.Context()
        self._control = ControlServer(self._zmq, control_endpoint(run_dir))
        self._notifier = Notifier(os.environ, console)
        self._status = ""
        self._awake_at: float | None = None

    def run(self) -> int:
        """Run the graph until it ends or a signal stops it. When this returns, no process of it is left.

        Returns the exit status: 0, or 1 if a node has failed for good.
        """
        try:
            self._start()
            self._wait(lambda: self._is_over)
        except LaunchError as error:
            self._console.error(str(error))
            self._stop()
            return 1
        else:
            self._stop()
            return int(any(node.status is Status.FAILED or node.killed for node in self._nodes.values()))
        finally:
            self._end(self._nodes.values())
            self._notifier.close()
            self._control.close()
            self._zmq.term()

    # The start.

    def _start(self) -> None:
        """Start all nodes, wait until every subscription is matched, then activate sinks first and sources last.

        Raises LaunchError if a node cannot run, or if a subscription does not reach its publisher.
        """
        nodes = self._nodes.values()
        self._console.info(f"starting {len(nodes)} nodes", store=self._graph.document.store, run_dir=self._run_dir)
        for node in nodes:
            self._start_node(node)
        self._wait(lambda: all(node.status is not Status.STARTING or node.has_failed for node in nodes))
        self._wait(lambda: not self._unmatched(), until=time.monotonic() + self._limits.match)
        if (unmatched := self._unmatched()) and not self._signals.count:
            raise LaunchError(f"{unmatched} after {self._limits.match:.0f} s: see to the nodes that listen to it")
        for level in reversed(self._levels):
            self._activate(level)
        self._starting = False
        if not self._signals.count:
            active = sum(node.status is Status.ACTIVE for node in nodes)
            self._console.info(f"{active} of {len(nodes)} nodes run; Ctrl-C stops them")
            show_what_opens(nodes, self._console)
            self._notifier.ready()

    def _start_node(self, node: SupervisedNode) -> None:
        now = time.monotonic()
        try:
            node.start(self._environment, now)
        except OSError as error:
            node.wait_to_restart(now, f"cannot be started ({error.strerror})")

    def _unmatched(self) -> str:
        """A sentence about a topic that some subscriptions have not reached yet; empty if there is none."""
        ready = [name for name, node in self._nodes.items() if node.status in (Status.READY, Status.ACTIVE)]
        for topic, expected in expected_subscribers(self._graph, ready).items():
            publisher = self._graph.topics[topic].publisher
            assert publisher
            found = self._nodes[publisher.name].subscribers.get(topic, 0)
            if found < expected:
                return f"{topic} has {found} of its {expected} subscriptions"
        return ""

    def _activate(self, level: Iterable[str]) -> None:
        if self._signals.count:
            return
        self._to_activate.update(level)
        for name in level:
            self._command_activation(self._nodes[name])
        nodes = [self._nodes[name] for name in level]
        self._wait(lambda: all(node.status is not Status.READY or node.has_failed for node in nodes))

    def _command_activation(self, node: SupervisedNode) -> None:
        if node.status is Status.READY and node.name in self._to_activate and not self._stopping:
            self._control.command(node.name, Command.ACTIVATE)
            node.commanded(time.monotonic())

    # The loop.

    @property
    def _is_over(self) -> bool:
        if self._signals.count:
            return True
        ended = (Status.FINISHED, Status.FAILED)
        if self._until_finished and self._sources and all(node.status in ended for node in self._sources):
            return True
        return all(node.status in ended for node in self._nodes.values())

    def _wait(self, done: Callable[[], bool], *, until: float | None = None) -> None:
        """Supervise the nodes until `done()` is true, a signal arrives (unless already stopping) or `until` is over.

        until: monotonic seconds; None waits without a limit.
        """
        while not done() and not (self._signals.count and not self._stopping):
            if until is not None and time.monotonic() >= until:
                return
            self._turn(until)

    def _turn(self, until: float | None) -> None:
        """One turn of the loop: sleep until something happens or is due, and handle it."""
        now = time.monotonic()
        due = [self._notifier.alive(now), *self._deadlines(now), *([until] if until is not None else [])]
        poller = zmq.Poller()
        poller.register(self._control.socket, zmq.POLLIN)
        poller.register(self._signals.fd, zmq.POLLIN)
        readers: dict[int, Callable[[], bool]] = {}
        for node in self._nodes.values():
            if node.child:
                poller.register(node.child.pidfd, zmq.POLLIN)
                readers.update(node.readers())
        for fd in readers:
            poller.register(fd, zmq.POLLIN)
        wait = max(0.0, min(due) - now)
        ready = dict(poller.poll(math.ceil(wait * 1000)))
        self._notice_own_absence(wait)
        for fd, read in readers.items():
            if fd in ready:
                read()
        if self._signals.fd in ready:
            self._signals.clear()
        self._hear()
        for node in self._nodes.values():
            if node.child and node.child.pidfd in ready:
                self._ended(node)
        show_what_opens(() if self._starting else self._nodes.values(), self._console)
        self._look_after(time.monotonic())

    def _notice_own_absence(self, wait: float) -> None:
        """If the launcher itself was not running (stopped, swapped out, blocked by a terminal), excuse all silences.

        Otherwise every node would look hung, because the launcher could not read the heartbeats.
        """
        now = time.monotonic()
        if self._awake_at is not None and now - self._awake_at > wait + _PUNCTUAL:
            for node in self._nodes.values():
                node.excuse(now)
        self._awake_at = now

    def _deadlines(self, now: float) -> list[float]:
        """The times at which the loop must wake up by itself: to start or kill a node, or to check for silent nodes."""
        steps = [node.due_at for node in self._nodes.values() if node.due_at is not None]
        silence = min(_LONGEST_WAIT, self._limits.hung / 4, self._limits.start / 4)
        return [*([] if self._stopping else steps), now + silence]

    def _hear(self) -> None:
        while health := self._control.receive():
            node = self._nodes.get(health.node)
            if node and node.beats(health, time.monotonic()):
                self._command_activation(node)
        self._tell_status()

    def _ended(self, node: SupervisedNode) -> None:
        node.ended(time.monotonic(), stopping=self._stopping)
        if node.status is Status.FAILED and not self._stopping:
            if self._starting:
                raise LaunchError(f"the launch is given up, because {node.name} cannot run: {node.last_error}")
            self._console.error(f"{node.name} is not started again: {node.last_error}")

    def _look_after(self, now: float) -> None:
        """Restart the nodes whose wait is over, and kill those that hang."""
        if self._stopping:
            return
        for node in self._nodes.values():
            if node.status is Status.WAITING and now >= node.restart_at:
                self._console.info(f"{node.name} is started again")
                self._start_node(node)
            elif why := node.overdue(now):
                self._console.error(f"{node.name} {why} and is killed")
                node.dump(now)
            elif node.kill_at is not None and now >= node.kill_at:
                node.kill()

    def _tell_status(self) -> None:
        active = sum(node.status is Status.ACTIVE for node in self._nodes.values())
        bad = [name for name, node in self._nodes.items() if node.status in (Status.WAITING, Status.FAILED)]
        status = f"{active} of {len(self._nodes)} nodes active" + (f"; not running: {', '.join(bad)}" if bad else "")
        if status != self._status:
            self._status = status
            self._notifier.status(status)

    # The end.

    def _stop(self) -> None:
        """Stop level by level, sources first. A level is stopped when the one before has ended, so that the messages on
        their way are still processed."""
        self._stopping = True
        self._notifier.stopping()
        self._console.info("stopping")
        asked = self._signals.count
        for level in self._levels:
            nodes = [self._nodes[name] for name in level]
            for node in nodes:
                if node.is_connected:
                    self._control.command(node.name, Command.STOP)
                elif node.child:
                    node.child.send(signal.SIGTERM)
            self._wait_for_end(nodes, self._limits.drain)
            if self._signals.count > asked:
                break  # one more signal: do not wait for the levels
            self._end(nodes)
        self._end(self._nodes.values())
        for node in self._nodes.values():
            if node.status is Status.FAILED and not self._starting:
                self._console.error(f"{node.name} has failed: {node.last_error}")
        self._console.info("stopped")

    def _end(self, nodes: Iterable[SupervisedNode]) -> None:
        """End every process that still runs: SIGTERM first, then SIGKILL."""
        self._stopping = True
        late = [node for node in nodes if node.lives]
        for node in late:
            if node.child:
                self._console.warning(f"{node.name} does not stop; it is sent SIGTERM")
                node.child.send(signal.SIGTERM)
        self._wait_for_end(late, self._limits.terminate)
        for node in late:
            if node.lives:
                self._console.error(f"{node.name} ignores SIGTERM; it is killed")
                node.dump(time.monotonic())
        self._wait_for_end(late, DUMP_SECONDS)
        for node in late:
            node.kill()
        self._wait_for_end(late, self._limits.terminate)

    def _wait_for_end(self, nodes: Iterable[SupervisedNode], seconds: float) -> None:
        """Wait until these nodes have ended, `seconds` have passed, or one more signal arrives."""
        signals = self._signals.count
        self._wait(
            lambda: not any(node.lives for node in nodes) or self._signals.count > signals,
            until=time.monotonic() + seconds,
        )
