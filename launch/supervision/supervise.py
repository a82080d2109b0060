"""Starts the nodes in order, keeps them running, and stops them in order."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import zmq

from metrica.errors import LaunchError
from metrica.executors.control import Command, ControlServer, control_endpoint
from metrica.launch.reading.graph import Graph, expected_subscribers
from metrica.launch.supervision.chains import counting_chains, not_counting, undecided
from metrica.launch.supervision.child import node_environment
from metrica.launch.supervision.console import Console
from metrica.launch.supervision.ending import Ending
from metrica.launch.supervision.limits import USUAL, Limits
from metrica.launch.supervision.loop import Chore, Loop
from metrica.launch.supervision.node_specs import node_specs
from metrica.launch.supervision.opening import show_what_opens
from metrica.launch.supervision.order import levels
from metrica.launch.supervision.signals import StopSignals
from metrica.launch.supervision.status_file import StatusFile
from metrica.launch.supervision.supervised_node import Status, SupervisedNode
from metrica.launch.supervision.systemd import Notifier


class Supervisor:
    """Runs one graph in a run folder, in one thread that sleeps until a node sends or prints something, or ends.

    run_dir: a folder that this launcher has taken (`RunFolder`). folder: the launch file's folder. chores: what is kept
    in order beside the nodes. until_finished: stop when every source has ended.
    """

    def __init__(
        self,
        graph: Graph,
        run_dir: Path,
        folder: Path,
        *,
        console: Console,
        signals: StopSignals,
        chores: Sequence[Chore] = (),
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
        self._levels, self._chains = levels(graph), counting_chains(graph)
        self._environment = node_environment(folder, run_dir, os.environ)
        self._to_activate: set[str] = set()
        self._starting, self._ready = True, False
        self._hopeless = ""
        self._zmq: zmq.Context[Any] = zmq.Context()
        self._control = ControlServer(self._zmq, control_endpoint(run_dir))
        self._notifier = Notifier(os.environ, console)
        chores = (*chores, StatusFile(graph, run_dir, self._nodes, console))
        self._loop = Loop(self._nodes, self._control, signals, self._notifier, limits, chores, self)
        self._ending = Ending(
            self._nodes,
            self._levels,
            loop=self._loop,
            control=self._control,
            signals=signals,
            console=console,
            limits=limits,
        )
        self._status = ""

    def run(self) -> int:
        """Run the graph until it ends or a signal stops it. When this returns, no process of it is left.

        Returns the exit status: 0, or 1 if a node has failed for good.
        """
        try:
            self._start()
            self._loop.wait(lambda: self._is_over)
            if self._hopeless:
                raise LaunchError(self._hopeless)
        except LaunchError as error:
            self._console.error(str(error))
            self._notifier.status(str(error))
            self._stop()
            return 1
        else:
            self._stop()
            return int(any(node.status is Status.FAILED or node.killed for node in self._nodes.values()))
        finally:
            self._ending.end(self._nodes.values())
            self._notifier.close()
            self._control.close()
            self._zmq.term()

    def _stop(self) -> None:
        self._notifier.stopping()
        self._ending.stop()
        for node in self._nodes.values():
            if node.status is Status.FAILED and not self._starting:
                self._console.error(f"{node.name} has failed: {node.last_error}")
        self._console.info("stopped")

    # The start.

    def _start(self) -> None:
        """Start all nodes, wait until every subscription is matched, then activate sinks first and sources last.

        Raises LaunchError if a node cannot run, or if a subscription does not reach its publisher.
        """
        nodes = self._nodes.values()
        self._console.info(f"starting {len(nodes)} nodes", store=self._graph.document.store, run_dir=self._run_dir)
        for node in nodes:
            self._start_node(node)
        self._loop.wait(lambda: all(node.status is not Status.STARTING or node.has_failed for node in nodes))
        self._loop.wait(lambda: not self._unmatched(), until=time.monotonic() + self._limits.match)
        if (unmatched := self._unmatched()) and not self._signals.count:
            raise LaunchError(f"{unmatched} after {self._limits.match:.0f} s: see to the nodes that listen to it")
        for level in reversed(self._levels):
            self._activate(level)
        self._starting = False
        if not self._signals.count:
            active = sum(node.status is Status.ACTIVE for node in nodes)
            self._console.info(f"{active} of {len(nodes)} nodes run; Ctrl-C stops them")
            show_what_opens(nodes, self._console)
            self._tell_ready(time.monotonic())
            if not self._ready:
                self._console.warning(
                    f"the launch is not ready yet: {', '.join(self._undecided())} cannot count so far"
                )

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
        self._loop.wait(lambda: all(node.status is not Status.READY or node.has_failed for node in nodes))

    def _command_activation(self, node: SupervisedNode) -> None:
        if node.status is Status.READY and node.name in self._to_activate and not self._loop.stopping:
            self._control.command(node.name, Command.ACTIVATE)
            node.commanded(time.monotonic())

    # While it runs: what the loop hands on.

    @property
    def _is_over(self) -> bool:
        if self._signals.count or self._hopeless:
            return True
        ended = (Status.FINISHED, Status.FAILED)
        if self._until_finished and self._sources and all(node.status in ended for node in self._sources):
            return True
        return all(node.status in ended for node in self._nodes.values())

    def is_ready(self, node: SupervisedNode) -> None:
        """A node is configured: activate it if its turn has come."""
        self._command_activation(node)

    def has_ended(self, node: SupervisedNode) -> None:
        """The process of a node has ended. Raises LaunchError if there is no point in a start without it."""
        node.ended(time.monotonic(), stopping=self._loop.stopping)
        if node.status is not Status.FAILED or self._loop.stopping:
            return
        given_up = [name for name, other in self._nodes.items() if other.status is Status.FAILED]
        all_blind = len(not_counting(self._chains, given_up)) == len(self._chains)
        if self._starting and all_blind:
            raise LaunchError(f"the launch is given up, because {node.name} cannot run: {node.last_error}")
        later = f" (tried again in {(node.restart_at - time.monotonic()) / 60:.0f} min)" if node.waits else ""
        self._console.error(f"{node.name} is not started again: {node.last_error}{later}")
        if self._chains and all_blind:
            self._hopeless = f"nothing can be counted without {node.name}, so the launch ends: {node.last_error}"

    def after_turn(self, now: float) -> None:
        """Restart the nodes whose wait is over, kill those that hang, and tell systemd."""
        show_what_opens(() if self._starting else self._nodes.values(), self._console)
        if self._loop.stopping:
            return
        for node in self._nodes.values():
            if node.waits and now >= node.restart_at:
                self._console.info(f"{node.name} is started again")
                self._start_node(node)
            elif why := node.overdue(now):
                self._console.error(f"{node.name} {why} and is killed")
                node.hangs(now)
            elif node.kill_at is not None and now >= node.kill_at:
                node.kill()
        self._tell_status()
        if self._starting:
            self._notifier.not_ready(now)  # its steps have limits of their own, which together may be longer
        elif not self._ready:
            self._tell_ready(now)

    def _tell_ready(self, now: float) -> None:
        """Tell systemd that the launch is ready, once every counter counts or cannot for good."""
        if self._undecided():
            self._notifier.not_ready(now)
            return
        self._ready = True
        self._notifier.ready()

    def _undecided(self) -> list[str]:
        nodes = self._nodes.items()
        given_up = [name for name, node in nodes if node.is_given_up]
        return undecided(self._chains, [name for name, node in nodes if node.is_up], given_up)

    def _tell_status(self) -> None:
        active = sum(node.status is Status.ACTIVE for node in self._nodes.values())
        bad = [name for name, node in self._nodes.items() if node.status in (Status.WAITING, Status.FAILED)]
        status = f"{active} of {len(self._nodes)} nodes active" + (f"; not running: {', '.join(bad)}" if bad else "")
        if blind := not_counting(self._chains, bad):
            status += f"; not counting: {', '.join(blind)}"
        if status != self._status:
            self._status = status
            self._notifier.status(status)
